"""Event types over HTTP; changes are for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status

from campaign.access.models import Operator, Scope
from campaign.messagecenter.models import EventType
from campaign.messagecenter.services import event_types
from workflows.api.caller import ADMIN, operator_with
from workflows.api.paging import keyset
from workflows.exceptions import NotFound
from workflows.models import Source

router = Router(tags=["Event types"])
VIEW = "messagecenter.view_eventtype"


class AttributeBody(Schema):
    """An attribute that an event type declares."""

    name: str
    type: Literal["string", "integer", "number", "boolean", "date", "datetime"]
    mandatory: bool = False


class EventTypeOut(Schema):
    """An event type; events are taken while it is published."""

    event_id: str
    label: str
    channel: int
    targeting: str
    attributes: list[AttributeBody]
    publication_state: str
    last_event_at: datetime | None
    created_at: datetime
    modified_at: datetime


class EventTypePage(Schema):
    items: list[EventTypeOut]
    next: str | None


class EventTypeIn(Schema):
    """A new event type; the prefix EVT is added when it is missing."""

    event_id: str
    label: str
    channel: int = 0
    targeting: str = EventType.Targeting.EVENT.value
    attributes: list[AttributeBody] = []
    reason: str = ""


class EventTypeChange(Schema):
    """What changes; what is not given stays."""

    label: str | None = None
    attributes: list[AttributeBody] | None = None
    reason: str = ""


class ReasonIn(Schema):
    """Why; kept in the audit."""

    reason: str = ""


@router.get("/event-types", response=EventTypePage, url_name="event_type_list")
def list_event_types(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
) -> dict[str, Any]:
    """List the event types by id."""
    operator_with(request, Scope.EVENT_READ.value, permission=VIEW)
    page = keyset(
        EventType.objects.all(), limit=limit, cursor=cursor, order=("event_id",)
    )
    return {"items": [_out(event_type) for event_type in page.items], "next": page.next}


@router.post("/event-types", response={201: EventTypeOut}, url_name="event_type_create")
def create_event_type(request: HttpRequest, body: EventTypeIn) -> Status[EventTypeOut]:
    """Declare an event type as a draft."""
    event_type = event_types.create_event_type(
        event_id=body.event_id,
        values=body.dict(exclude={"event_id", "reason"}),
        **author_of(request, body.reason),
    )
    return Status(201, _out(event_type))


@router.get(
    "/event-types/{event_id}", response=EventTypeOut, url_name="event_type_detail"
)
def show_event_type(request: HttpRequest, event_id: str) -> EventTypeOut:
    """Show an event type."""
    operator_with(request, Scope.EVENT_READ.value, permission=VIEW)
    event_type = EventType.objects.filter(event_id=event_id).first()
    if event_type is None:
        raise NotFound(_("No event type is named %(name)s."), name=event_id)
    return _out(event_type)


@router.patch(
    "/event-types/{event_id}", response=EventTypeOut, url_name="event_type_change"
)
def change_event_type(
    request: HttpRequest, event_id: str, body: EventTypeChange
) -> EventTypeOut:
    """Change label or attributes; a published type follows at once."""
    event_type = event_types.change_event_type(
        event_id=event_id,
        values=body.dict(exclude={"reason"}, exclude_none=True),
        **author_of(request, body.reason),
    )
    return _out(event_type)


@router.post(
    "/event-types/{event_id}/publish",
    response=EventTypeOut,
    url_name="event_type_publish",
)
def publish_event_type(
    request: HttpRequest, event_id: str, body: ReasonIn
) -> EventTypeOut:
    """Let events of this type come in."""
    author = author_of(request, body.reason)
    return _out(event_types.publish_event_type(event_id=event_id, **author))


@router.post(
    "/event-types/{event_id}/unpublish",
    response=EventTypeOut,
    url_name="event_type_unpublish",
)
def unpublish_event_type(
    request: HttpRequest, event_id: str, body: ReasonIn
) -> EventTypeOut:
    """Refuse events of this type from now on."""
    author = author_of(request, body.reason)
    return _out(event_types.unpublish_event_type(event_id=event_id, **author))


def author_of(request: HttpRequest, reason: str) -> dict[str, Any]:
    """Return who changes something by the API; needs administrator rights."""
    operator = operator_with(request, ADMIN)
    if not isinstance(operator, Operator):
        raise TypeError("callers of the API are operators")
    return {
        "acting_operator": operator,
        "source": Source.API,
        "at": timezone.now(),
        "reason": reason,
    }


def _out(event_type: EventType) -> EventTypeOut:
    return EventTypeOut(
        **{name: getattr(event_type, name) for name in EventTypeOut.model_fields}
    )
