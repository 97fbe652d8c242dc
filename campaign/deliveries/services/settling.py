"""Logs of senders that died: settled from what can be proven, never sent again blindly.

What the dead sender's journal calls ended gets its outcome, what it never began is
pending again, and what it began without an end is *Outcome unknown*. Without that
journal (another host, another boot) every held log is unknown.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from campaign.deliveries.services import claim, hooks, outcomes
from campaign.deliveries.services.claim import Ended
from campaign.deliveries.services.journal import Journal, Record, node, open_journal
from campaign.deliveries.services.lanes import slot_lock
from campaign.deliveries.services.outcomes import Outcome

#: How long we wait for the host of a dead sender to settle by its own journal.
FOREIGN_SECONDS = 120
_LOST = "The sender ended while the message was on its way."


def claimer(lane: int, slot: int) -> str:
    """Return how a sender on this host signs its claims."""
    return f"{lane}.{slot}@{node()}"


def settle_lost(at: datetime) -> int:
    """Settle the logs of every dead sender; return how many.

    Safe at any time: a living sender holds the lock of its slot.
    """
    settled = 0
    for lane, slot in sorted(claim.held_slots()):
        with open_journal(lane, slot) as journal:
            if journal is None:
                continue
            with slot_lock(lane, slot) as is_ours:
                if is_ours:
                    settled += settle_slot(lane, slot, journal, at)
    return settled


def settle_slot(lane: int, slot: int, journal: Journal, at: datetime) -> int:
    """Settle what earlier senders of a slot left; return how many logs.

    The caller holds the lock of the slot and its journal, which is cleared.
    """
    rows = claim.held(lane=lane, slot=slot)
    if rows:
        ended: dict[str, list[Ended]] = {}
        left = journal.read()
        ours = claimer(lane, slot)
        for log_id, part_month, epoch, held_by, since in rows:
            if held_by == ours:
                outcome = _proven(left, (log_id, epoch))
            elif since > at - timedelta(seconds=FOREIGN_SECONDS):
                continue
            else:
                outcome = outcomes.unknown(_LOST)
            ended.setdefault(held_by, []).append(
                Ended(log_id, part_month, epoch, outcome)
            )
        with transaction.atomic():
            final = [
                log_id
                for held_by, each in ended.items()
                for log_id in claim.record(each, claimer=held_by)
            ]
            hooks.logs_are_final(final)
    journal.clear()
    return len(rows)


def _proven(left: Record, key: tuple[int, int]) -> Outcome:
    if key in left.ended:
        return Outcome.from_json(left.ended[key])
    if key in left.begun or not left.is_complete:
        return outcomes.unknown(_LOST)
    return outcomes.not_begun()
