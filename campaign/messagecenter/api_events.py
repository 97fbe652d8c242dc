"""Events over HTTP. Pushing and reading one is answered by ``intake`` before this
router is asked; their operations stand here for the document, and as a way in where a
server calls Django alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, Field

from campaign.access.models import Scope
from campaign.deliveries.services.revealing import reveal
from campaign.messagecenter.api_event_bodies import BATCH_OF_EVENTS, EVENT, takes
from campaign.messagecenter.intake_urls import event_api
from campaign.messagecenter.models import BatchEvent, RtEvent
from campaign.messagecenter.services.event_exports import export_events
from campaign.messagecenter.services.event_keys import BATCH, RT, read_id
from campaign.messagecenter.services.reading import (
    MODELS,
    find_event,
    masked_document,
    own_document,
    status_of_api_value,
)
from campaign.messagecenter.services.reprocessing import (
    MOST,
    PROCESS_AGAIN,
    preview_again,
    process_again,
    read_ids,
)
from campaign.platform import listing
from campaign.platform.exports import csv_response
from campaign.platform.personal import REVEAL
from workflows.api.caller import operator_with
from workflows.api.paging import keyset
from workflows.exceptions import Fault, InvalidInput, NotFound
from workflows.models import Source

router = Router(tags=["Events"])


class AcceptedOut(Schema):
    """An event that is stored for good."""

    id: str
    type: str
    status: str
    href: str


class ResultOut(Schema):
    """What became of one event of a batch: its id, or the problem it has."""

    index: int
    id: str | None = None
    type: str | None = None
    status: str | None = None
    href: str | None = None
    error: dict[str, Any] | None = None


class BatchOut(Schema):
    stored: int
    refused: int
    results: list[ResultOut]


class EventOut(Schema):
    """An event; ``status`` is pending, processing, processed, ignored,
    deliveryFailed, routingFailed, tooOld, paused or targetingFailed."""

    id: str
    type: str
    status: str
    queue: str
    channel: int
    email: str
    mobile_phone: str
    registration_token: str
    language: str
    external_id: str
    origin: str
    ctx: dict[str, Any]
    scheduled: datetime | None
    expiration: datetime | None
    process_on: datetime
    error_count: int
    last_error: str
    failure_type: int
    failure_reason: int
    delivery: int | None
    broadlog_id: int | None
    created_at: datetime
    processed_at: datetime | None
    sent_at: datetime | None
    last_modified: datetime
    href: str


class Narrow(Schema):
    """What narrows the history further, as in the console."""

    channel: int | None = Field(None, ge=0, le=32_767, description="Its number.")
    errors: bool = Field(False, description="Only events that had an error.")
    since: AwareDatetime | None = Field(None, description="Collected then or later.")
    until: AwareDatetime | None = Field(None, description="Collected before.")


class EventPage(Schema):
    items: list[EventOut]
    next: str | None


@router.get("/events", response=EventPage, url_name="event_list")
def list_events(
    request: HttpRequest,
    narrow: Query[Narrow],
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
    queue: Literal["realtime", "batch"] = "realtime",
    status: str | None = None,
    event_type: str | None = Query(None, alias="type"),
) -> dict[str, Any]:
    """List the events of a queue, newest first; narrowed by status or type.

    Personal data is masked for a caller without the right
    deliveries.reveal_personal_data, except in events that it pushed itself.
    The scope is event:read. Give one filter: each has an index of its own.
    """
    operator, _kind, found = _narrowed(request, queue, status, event_type, narrow)
    with listing.bounded_time():
        page = keyset(found, limit=limit, cursor=cursor)
    is_open = operator.has_perm(REVEAL)
    shown = [
        own_document(event)
        if is_open or event.operator_id == operator.pk
        else masked_document(own_document(event))
        for event in page.items
    ]
    return {"items": shown, "next": page.next}


def _narrowed(
    request: HttpRequest,
    queue: str,
    status: str | None,
    event_type: str | None,
    narrow: Narrow,
) -> tuple[Any, str, QuerySet[Any]]:
    """Return the caller, the kind and the events that it asks for."""
    kind = RT if queue == "realtime" else BATCH
    model: type[RtEvent | BatchEvent] = MODELS[kind]
    right = f"messagecenter.view_{model._meta.model_name}"
    operator = operator_with(request, Scope.EVENT_READ.value, permission=right)
    found: QuerySet[RtEvent | BatchEvent] = model.objects.all()
    if status is not None and event_type is not None:
        fault = Fault("type", _("Filter by status or by type, not by both."))
        raise InvalidInput(_("The list cannot be narrowed so."), faults=[fault])
    if status is not None:
        number = status_of_api_value(status)
        if number is None:
            fault = Fault("status", _("No event status has this value."))
            raise InvalidInput(_("The list cannot be narrowed so."), faults=[fault])
        found = found.filter(status=number)
    if event_type is not None:
        found = found.filter(type=event_type)
    if narrow.channel is not None:
        found = found.filter(wished_channel=narrow.channel)
    if narrow.errors:
        found = found.filter(error_count__gt=0)
    with listing.bounded_time():
        found = listing.between(found, narrow.since, narrow.until)
    return operator, kind, found


@router.post(
    "/events:batch",
    response={202: BatchOut},
    url_name="event_batch",
    openapi_extra=takes(BATCH_OF_EVENTS),
)
def push_events(request: HttpRequest) -> HttpResponse:
    """Push up to 1,000 events, 8 MiB at most; one result per index.

    Valid events are stored, invalid ones are refused with every fault. The answer
    comes after the commit. The scope is event:push.
    """
    return event_api(request)


class AgainIn(Schema):
    """The events, by id, and why."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"ids": ["rt-42", "rt-43"], "reason": "relay repaired"}]
        }
    }

    ids: list[str] = Field(min_length=1, max_length=MOST)
    reason: str = Field("", max_length=512)


class RecycledOut(Schema):
    """A failed event and the one made of it; empty in a preview."""

    id: str
    new: str


class RefusedOut(Schema):
    reason: str
    ids: list[str]


class AgainOut(Schema):
    """``hastened`` are due at once, ``recycled`` got a new event each."""

    hastened: list[str]
    recycled: list[RecycledOut]
    refused: list[RefusedOut]


class RevealIn(Schema):
    """Why the personal data is needed."""

    model_config = {
        "json_schema_extra": {"examples": [{"reason": "customer asked, case 1180"}]}
    }

    reason: str = Field(min_length=1, max_length=512)


@router.post("/events:process-again", response=AgainOut, url_name="event_process_again")
def process_events_again(
    request: HttpRequest, body: AgainIn, preview: bool = False
) -> dict[str, Any]:
    """Process up to 500 events again, as far as each one's status allows.

    One that waits after an error is due at once; one with a delivery error is recycled
    as a new event, once. The others are refused with the reason. With ``preview=1``
    nothing is changed. The scope is event:push, the right
    messagecenter.process_again.
    """
    operator: Any = operator_with(
        request, Scope.EVENT_PUSH.value, permission=PROCESS_AGAIN
    )
    keys = read_ids(body.ids)
    at = timezone.now()
    if preview:
        return preview_again(keys=keys, acting_operator=operator, at=at).document()
    done = process_again(
        keys=keys,
        acting_operator=operator,
        source=Source.API,
        at=at,
        reason=body.reason,
    )
    return done.document()


@router.post("/events:reveal/{event}", response=EventOut, url_name="event_reveal")
def reveal_event(request: HttpRequest, event: str, body: RevealIn) -> dict[str, Any]:
    """Show the event ``event`` with its personal data; the reason is kept.

    The scope is event:read, the right deliveries.reveal_personal_data.
    """
    operator: Any = operator_with(request, Scope.EVENT_READ.value, permission=REVEAL)
    key = read_id(event)
    found = find_event(key) if key else None
    if found is None:
        raise NotFound(_("No event has this id."))
    right = f"messagecenter.view_{found._meta.model_name}"
    operator_with(request, Scope.EVENT_READ.value, permission=right)
    reveal(
        object_type="messagecenter.event",
        object_id=str(key),
        object_label=f"{found.type} {key}",
        acting_operator=operator,
        source=Source.API,
        reason=body.reason,
        at=timezone.now(),
    )
    return own_document(found)


@router.get(
    "/events.csv",
    url_name="event_csv",
    openapi_extra={
        "responses": {
            200: {
                "description": "The file",
                "content": {"text/csv": {"schema": {"type": "string"}}},
            }
        }
    },
)
def export(
    request: HttpRequest,
    narrow: Query[Narrow],
    queue: Literal["realtime", "batch"] = "realtime",
    status: str | None = None,
    event_type: str | None = Query(None, alias="type"),
) -> StreamingHttpResponse:
    """Answer the event history as CSV, newest first, up to 100,000 events.

    Payloads are left out; recipients are masked for a caller without the right
    deliveries.reveal_personal_data. The scope is event:read.
    """
    operator, kind, found = _narrowed(request, queue, status, event_type, narrow)
    lines = export_events(
        found,
        kind=kind,
        filters=request.GET.urlencode(),
        acting_operator=operator,
        source=Source.API,
        at=timezone.now(),
    )
    return csv_response(lines, f"events-{kind}.csv")


@router.post(
    "/events/{event}",
    response={202: AcceptedOut},
    url_name="event_push",
    openapi_extra=takes(EVENT),
)
def push_event(request: HttpRequest, event: str) -> HttpResponse:
    """Push an event of the published event type ``event``, 64 KiB at most.

    The answer comes after the commit. The scope is event:push.
    """
    return event_api(request)


@router.get("/events/{event}", response=EventOut, url_name="event_detail")
def show_event(request: HttpRequest, event: str) -> HttpResponse:
    """Show the event whose id is ``event``, such as rt-42. The scope is event:read."""
    return event_api(request)
