"""Rows that several tests of Message Center start from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from campaign.deliveries.models import BroadLog
from campaign.messagecenter.models import (
    BatchEvent,
    EventType,
    MessageTemplate,
    RtEvent,
)
from campaign.messagecenter.services.templates import create_template, publish_template
from workflows.models import Source

AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
BY_ENGINE: dict[str, Any] = {
    "acting_operator": None,
    "source": Source.ENGINE,
    "at": AT,
}


def make_event(
    event_type: EventType | None,
    *,
    model: type[RtEvent | BatchEvent] = RtEvent,
    **values: Any,
) -> RtEvent | BatchEvent:
    """Return a stored event that is due."""
    return model.objects.create(
        **{
            "part_month": AT.date().replace(day=1),
            "type": event_type.event_id if event_type else "EVTgone",
            "event_type": event_type,
            "email": "anna@example.com",
            "ctx": {"order_number": "A-1"},
            "process_on": AT - timedelta(seconds=1),
            "created_at": AT - timedelta(seconds=1),
            "last_modified": AT - timedelta(seconds=1),
            **values,
        }
    )


def make_template(
    event_type: EventType, name: str = "orderShipped", **values: Any
) -> MessageTemplate:
    """Return a published template of an event type."""
    create_template(
        internal_name=name,
        event_id=event_type.event_id,
        values={
            "label": name,
            "subject": "Order {{ ctx.order_number }}",
            "text": "On its way: {{ ctx.order_number }}",
            **values,
        },
        **BY_ENGINE,
    )
    publish_template(internal_name=name, **BY_ENGINE)
    return MessageTemplate.objects.get(internal_name=name)


def set_log(log_id: int, **values: Any) -> None:
    """Change a delivery log as a sender does."""
    BroadLog.objects.filter(pk=log_id).update(
        **{"event_at": AT, "last_modified": AT, **values}
    )
