"""What the intake must know of an event type, kept for a moment per process.

The intake's own statement checks that the rules it used are the stored ones, so a
stale copy costs a second look, never a wrong answer.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime

from campaign.messagecenter.models import EventType
from campaign.messagecenter.services.attributes import Declaration

KEPT_SECONDS = 2.0
KEPT_COUNT = 1024


@dataclass(frozen=True, slots=True)
class EventRules:
    """A published event type as the intake needs it; ``version`` is its last change."""

    pk: int
    event_id: str
    channel: int
    needs_address: bool
    declaration: Declaration
    version: datetime


_kept: dict[str, tuple[float, EventRules]] = {}
_lock = threading.Lock()


def find_rules(event_id: str, *, fresh: bool = False) -> EventRules | None:
    """Return the rules of a published event type, or None. At most one query."""
    if not event_id.isprintable():  # nothing that the database could hold
        return None
    if not fresh:
        kept = _kept.get(event_id)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
    found = _load(event_id)
    with _lock:
        if found is None:
            _kept.pop(event_id, None)
        else:
            if len(_kept) >= KEPT_COUNT:
                _kept.clear()
            _kept[event_id] = (time.monotonic() + KEPT_SECONDS, found)
    return found


def forget_rules() -> None:
    """Make every event type be looked up again in this process."""
    with _lock:
        _kept.clear()


def _load(event_id: str) -> EventRules | None:
    row = (
        EventType.objects.filter(
            event_id=event_id, publication_state=EventType.PublicationState.PUBLISHED
        )
        .only("event_id", "channel", "targeting", "attributes", "modified_at")
        .first()
    )
    if row is None:
        return None
    return EventRules(
        pk=row.pk,
        event_id=row.event_id,
        channel=row.channel,
        needs_address=row.targeting == EventType.Targeting.EVENT,
        declaration=Declaration.of(row.attributes),
        version=row.modified_at,
    )
