"""How event statuses and publications look; words come from the catalogue."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import ngettext

from campaign.messagecenter.models import Event, EventStatus, EventType, MessageTemplate
from campaign.packages.catalogue import event_statuses
from workflows.console.appearance import UNKNOWN, Look

# Status -> icon, tone, border.
_LOOKS: dict[int, tuple[str, str, str]] = {
    EventStatus.PENDING: ("clock", "neutral", ""),
    EventStatus.PENDING_DELIVERY: ("hourglass", "pending", ""),
    EventStatus.SENT: ("check", "ok", ""),
    EventStatus.IGNORED: ("circle-minus", "neutral", "dashed"),
    EventStatus.DELIVERY_ERROR: ("alert-octagon", "bad", "outlined"),
    EventStatus.NOT_COVERED: ("route-off", "warn", ""),
    EventStatus.EXPIRED: ("hourglass-off", "bad", "dashed"),
    EventStatus.PAUSED: ("player-pause", "warn", ""),
    EventStatus.TARGETING_FAILED: ("circle-x", "bad", ""),
}
GRAVE = {
    EventStatus.DELIVERY_ERROR: "bad",
    EventStatus.EXPIRED: "bad",
    EventStatus.TARGETING_FAILED: "bad",
    EventStatus.NOT_COVERED: "warn",
    EventStatus.PAUSED: "warn",
}
_STATE = MessageTemplate.PublicationState
TEMPLATES: dict[str, Look] = {
    _STATE.DRAFT: Look(_STATE.DRAFT.label, "pencil", border="dashed"),
    _STATE.PUBLISHED: Look(_STATE.PUBLISHED.label, "circle-check", "ok"),
    _STATE.PAUSED: Look(_STATE.PAUSED.label, "player-pause", "warn"),
}
_TYPE_STATE = EventType.PublicationState
TYPES: dict[str, Look] = {
    _TYPE_STATE.DRAFT: Look(_TYPE_STATE.DRAFT.label, "pencil", border="dashed"),
    _TYPE_STATE.PUBLISHED: Look(_TYPE_STATE.PUBLISHED.label, "circle-check", "ok"),
}


def status_label(status: int) -> str:
    """Return the word of a status in the reader's language."""
    entry = event_statuses(settings.CAMPAIGN_EDITION).get(status)
    return entry.label() if entry else str(status)


def status_meaning(status: int) -> str:
    """Return what a status means, from the catalogue."""
    entry = event_statuses(settings.CAMPAIGN_EDITION).get(status)
    return entry.meaning if entry else ""


def of_status(status: int) -> Look:
    """Return the look of an event status."""
    icon, tone, border = _LOOKS.get(status, (UNKNOWN, "neutral", ""))
    return Look(status_label(status), icon, tone, border)


def of_event(event: Event) -> Look:
    """Return the look of an event: pending after errors says how many."""
    if event.status == EventStatus.PENDING and event.error_count:
        errors = ngettext("%(n)s error", "%(n)s errors", event.error_count) % {
            "n": event.error_count
        }
        label = f"{status_label(event.status)} · {errors}"
        return Look(label, "clock-exclamation", "warn")
    return of_status(event.status)
