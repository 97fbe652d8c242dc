"""Events over HTTP. Pushing and reading one is answered by ``intake`` before this
router is asked; their operations stand here for the document, and as a way in where a
server calls Django alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema

from campaign.access.models import Scope
from campaign.messagecenter.intake_faces import MAX_BATCH
from campaign.messagecenter.intake_urls import event_api
from campaign.messagecenter.models import BatchEvent, RtEvent
from campaign.messagecenter.services.event_keys import BATCH, RT
from campaign.messagecenter.services.reading import (
    MODELS,
    own_document,
    status_of_api_value,
)
from workflows.api.caller import operator_with
from workflows.api.paging import keyset
from workflows.exceptions import Fault, InvalidInput

router = Router(tags=["Events"])

_EVENT_FIELDS: dict[str, Any] = {
    "email": {"type": "string", "description": "For the channel email."},
    "mobile_phone": {"type": "string", "description": "For the channel sms."},
    "registration_token": {"type": "string", "description": "For push channels."},
    "channel": {
        "type": "string",
        "enum": ["email", "sms", "push", "push_ios", "push_android"],
        "description": "Default: the channel of the event type.",
    },
    "ctx": {
        "type": "object",
        "description": "The attributes that the event type declares.",
    },
    "external_id": {"type": "string", "maxLength": 128},
    "language": {"type": "string", "maxLength": 16},
    "origin": {"type": "string", "maxLength": 64},
    "scheduled": {
        "type": "string",
        "format": "date-time",
        "description": "Not processed before; without a zone it is in UTC.",
    },
    "expiration": {
        "type": "string",
        "format": "date-time",
        "description": "Void after; without a zone it is in UTC.",
    },
    "queue": {"type": "string", "enum": ["realtime", "batch"], "default": "realtime"},
}
_EVENT = {
    "type": "object",
    "required": ["ctx"],
    "additionalProperties": False,
    "properties": _EVENT_FIELDS,
}
_ITEM = {
    **_EVENT,
    "required": ["type", "ctx"],
    "properties": {
        "type": {"type": "string", "description": "The id of the event type."},
        **_EVENT_FIELDS,
    },
}
_BATCH = {
    "type": "object",
    "required": ["events"],
    "additionalProperties": False,
    "properties": {
        "events": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_BATCH,
            "items": _ITEM,
        }
    },
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "maxLength": 128},
    "description": (
        "The same key with the same body gets the first answer again, with another"
        " body 409. Kept for at least a day."
    ),
}


def _takes(schema: dict[str, Any]) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"requestBody": body, "parameters": [_KEY]}


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


class EventPage(Schema):
    items: list[EventOut]
    next: str | None


@router.get("/events", response=EventPage, url_name="event_list")
def list_events(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
    queue: Literal["realtime", "batch"] = "realtime",
    status: str | None = None,
    event_type: str | None = Query(None, alias="type"),
) -> dict[str, Any]:
    """List the events of a queue, newest first; narrowed by status or type.

    The scope is event:read. Give one filter: each has an index of its own.
    """
    kind = RT if queue == "realtime" else BATCH
    model: type[RtEvent | BatchEvent] = MODELS[kind]
    right = f"messagecenter.view_{model._meta.model_name}"
    operator_with(request, Scope.EVENT_READ.value, permission=right)
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
    page = keyset(found, limit=limit, cursor=cursor)
    return {"items": [own_document(event) for event in page.items], "next": page.next}


@router.post(
    "/events:batch",
    response={202: BatchOut},
    url_name="event_batch",
    openapi_extra=_takes(_BATCH),
)
def push_events(request: HttpRequest) -> HttpResponse:
    """Push up to 1,000 events, 8 MiB at most; one result per index.

    Valid events are stored, invalid ones are refused with every fault. The answer
    comes after the commit. The scope is event:push.
    """
    return event_api(request)


@router.post(
    "/events/{event}",
    response={202: AcceptedOut},
    url_name="event_push",
    openapi_extra=_takes(_EVENT),
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
