"""The lanes of the senders: their queues, slots and locks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from campaign.deliveries.models import Lane

#: First key of the advisory locks; the second is lane and slot.
LOCK_SPACE = 0x4C414E45
_SLOTS_PER_LANE = 1000


def slots_of(lane: int) -> int:
    """Return how many senders may work on a lane at once (on all hosts together)."""
    return int(settings.CAMPAIGN_SENDER_SLOTS.get(lane, 1))


def queue_of(lane: int) -> str:
    """Return the queue whose workers send for a lane."""
    return "realtime" if lane == Lane.TRANSACTIONAL else "bulk"


@contextmanager
def slot_lock(lane: int, slot: int) -> Iterator[bool]:
    """Hold the session lock of a slot; yield False when another sender has it.

    The database gives it back when our session ends, however it ends, so a free
    lock proves that no sender of the slot lives.
    """
    key = lane * _SLOTS_PER_LANE + slot
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_SPACE, key])
        is_ours = cursor.fetchone()[0]
    try:
        yield is_ours
    finally:
        if is_ours:
            _unlock(key)


def _unlock(key: int) -> None:
    if connection.connection is None or connection.connection.broken:
        connection.close()  # the lock went with the session
        return
    if connection.connection.info.transaction_status != 0 and not (
        connection.in_atomic_block
    ):
        connection.close()
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_SPACE, key])
