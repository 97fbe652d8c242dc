"""Senders as queue tasks: woken per lane, one per slot, ended by an empty lane.

Why a sender looks once more after it gave back its slot: a wake-up that comes while a
sender has already seen an empty lane, but still holds the lock, finds the slot busy
and returns. Without the second look the new logs would lie until the next backstop.
"""

from __future__ import annotations

import time

from django.db import connection
from django.utils import timezone

from campaign.deliveries.models import Lane
from campaign.deliveries.services import claim
from campaign.deliveries.services.journal import open_journal
from campaign.deliveries.services.lanes import queue_of, slot_lock, slots_of
from campaign.deliveries.services.sender import Sender
from campaign.deliveries.services.settling import settle_lost, settle_slot
from workflows import queue
from workflows.engine import freezing

SEND_LANE = "campaign.deliveries.services.sending.send_lane"
BACKSTOP = "campaign.deliveries.services.sending.start_missing_senders"
BACKSTOP_SECONDS = 10
_RESERVE_SECONDS = 6
_LOOKS_WITHOUT_CLAIM = 20
_LOOK_SECONDS = 0.05


def wake_senders(lane: int) -> None:
    """Wake the senders of a lane; part of the caller's transaction.

    Call it in the transaction that makes logs pending. One queue row per slot.
    """
    for slot in range(slots_of(lane)):
        queue.enqueue(SEND_LANE, int(lane), slot, queue=queue_of(lane))


def send_lane(lane: int, slot: int) -> None:
    """Send for a lane in one of its slots until the lane is empty or 20 s have passed.

    A queue task. Returns at once while another sender works in the slot, or while the
    instance is frozen. Enqueues itself while work is left.
    """
    if slot >= slots_of(lane) or freezing.is_frozen():
        return
    for _look in range(_LOOKS_WITHOUT_CLAIM):
        sender = _send_in_slot(lane, slot)
        while sender is not None and sender.claimed:
            if sender.relays_are_down or not claim.has_due(
                lane=lane, at=timezone.now()
            ):
                return
            if sender.was_cut_short:
                queue.enqueue(SEND_LANE, int(lane), slot, queue=queue_of(lane))
                return
            sender = _send_in_slot(lane, slot)
        if sender is None or not claim.has_due(lane=lane, at=timezone.now()):
            return
        time.sleep(_LOOK_SECONDS)  # someone else holds the rows at this moment


def _send_in_slot(lane: int, slot: int) -> Sender | None:
    """Work in a slot; None when it is taken."""
    with open_journal(lane, slot) as journal:
        if journal is None:
            return None
        with slot_lock(lane, slot) as is_ours:
            if not is_ours:
                return None
            settle_slot(lane, slot, journal, timezone.now())
            sender = Sender(
                lane,
                slot,
                journal,
                most_seconds=_most_seconds(lane),
            )
            try:
                sender.run()
            except BaseException:
                # The session may hold half a transaction: with it goes the lock.
                connection.close()
                raise
            return sender


def _most_seconds(lane: int) -> float:
    """Return after how long the queue would kill us, less a reserve."""
    return max(5.0, queue.time_limit(queue_of(lane)) - _RESERVE_SECONDS)


def start_missing_senders() -> None:
    """Settle what dead senders left and wake lanes with due logs.

    A queue task, ordered every 10 s: the backstop for lost wake-ups, and what starts
    retries.
    """
    at = timezone.now()
    settle_lost(at)
    if freezing.is_frozen():
        return
    for lane in Lane.values:
        if claim.has_due(lane=lane, at=at):
            wake_senders(lane)
