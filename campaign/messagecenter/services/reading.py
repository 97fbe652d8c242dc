"""Events as the HTTP faces show them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.conf import settings

from campaign.messagecenter.models import BatchEvent, EventStatus, RtEvent
from campaign.messagecenter.services.event_keys import BATCH, RT, EventKey, sign
from campaign.packages.catalogue import event_statuses
from campaign.platform.personal import (
    mask_address,
    mask_data,
    mask_key,
    mask_text,
)

OWN_BASE = "/api/v1/events"
MODELS: dict[str, type[RtEvent | BatchEvent]] = {RT: RtEvent, BATCH: BatchEvent}


def find_event(key: EventKey) -> RtEvent | BatchEvent | None:
    """Return the stored event. One query."""
    return MODELS[key.kind].objects.filter(pk=key.number).first()


def kind_of(event: RtEvent | BatchEvent) -> str:
    """Return the kind that names the event's table outside."""
    return RT if isinstance(event, RtEvent) else BATCH


def key_of(event: RtEvent | BatchEvent) -> EventKey:
    """Return the key of a stored event. No SQL."""
    return EventKey(kind_of(event), event.pk)


@cache
def _api_values() -> dict[int, str]:
    statuses = event_statuses(settings.CAMPAIGN_EDITION)
    return {number: entry.api_value for number, entry in statuses.items()}


def api_status(status: int) -> str:
    """Return the value that the HTTP faces use for an event status."""
    return _api_values()[status]


def status_of_api_value(value: str) -> EventStatus | None:
    """Return the status that an API value names, or None."""
    for number, api_value in _api_values().items():
        if api_value == value:
            return EventStatus(number)
    return None


def instant(value: datetime | None) -> str | None:
    """Return an instant as the faces write it: ISO 8601 in UTC."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def own_href(key: EventKey) -> str:
    """Return the path of an event on the own face."""
    return f"{OWN_BASE}/{key}"


def standard_href(key: EventKey, event_type: str) -> str:
    """Return the path of an event on the Standard face, below the organisation's."""
    return f"mc{settings.CAMPAIGN_ORG}/{event_type}/{sign(key, event_type)}"


def accepted_document(key: EventKey, event_type: str) -> dict[str, Any]:
    """Return the answer of the own face to a new event."""
    return {
        "id": str(key),
        "type": event_type,
        "status": api_status(EventStatus.PENDING),
        "href": own_href(key),
    }


def own_document(event: RtEvent | BatchEvent) -> dict[str, Any]:
    """Return an event as the own face shows it; names are the model's. No SQL."""
    key = key_of(event)
    return {
        "id": str(key),
        "type": event.type,
        "status": api_status(event.status),
        "queue": "realtime" if key.kind == RT else "batch",
        "channel": event.wished_channel,
        "email": event.email,
        "mobile_phone": event.mobile_phone,
        "registration_token": event.registration_token,
        "language": event.language,
        "external_id": event.external_id,
        "origin": event.origin,
        "ctx": event.ctx,
        "scheduled": instant(event.scheduled),
        "expiration": instant(event.expiration),
        "process_on": instant(event.process_on),
        "error_count": event.error_count,
        "last_error": event.last_error,
        "failure_type": event.failure_type,
        "failure_reason": event.failure_reason,
        "delivery": event.delivery_id,
        "broadlog_id": event.broadlog_id,
        "created_at": instant(event.created_at),
        "processed_at": instant(event.processed_at),
        "sent_at": instant(event.sent_at),
        "last_modified": instant(event.last_modified),
        "href": own_href(key),
    }


def masked_document(document: dict[str, Any]) -> dict[str, Any]:
    """Return an event of the own face with its personal data hidden."""
    hidden: dict[str, Any] = {
        name: mask_address(document[name])
        for name in ("email", "mobile_phone", "registration_token")
    }
    return {
        **document,
        **hidden,
        "external_id": mask_key(document["external_id"]),
        "last_error": mask_text(document["last_error"]),
        "ctx": mask_data(document["ctx"]),
    }


def standard_document(
    *,
    key: EventKey,
    event_type: str,
    status: int,
    ctx: dict[str, Any],
    addresses: dict[str, str],
    scheduled: datetime | None,
    expiration: datetime | None,
) -> dict[str, Any]:
    """Return an event as the Standard face shows it. No SQL."""
    names = {
        "email": "email",
        "mobile_phone": "mobilePhone",
        "registration_token": "registrationToken",
    }
    return {
        "PKey": sign(key, event_type),
        "ctx": ctx,
        **{names[name]: value for name, value in addresses.items() if value},
        "scheduled": instant(scheduled),
        "expiration": instant(expiration),
        "href": standard_href(key, event_type),
        "serverUrl": settings.PUBLIC_URL,
        "status": api_status(status),
        "type": event_type,
    }
