"""One sender at work on its lane: claim, send over several connections, record.

The task's own thread speaks with the database, the others with relays. An attempt is
committed before its message is begun; outcomes and the next claim share one short
transaction.
"""

from __future__ import annotations

import contextlib
import queue as queues
import threading
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from campaign.deliveries.services import claim, hooks, outcomes
from campaign.deliveries.services.attempts import Attempts, Plan, Plans, relays_of
from campaign.deliveries.services.claim import Claimed, Ended
from campaign.deliveries.services.journal import Journal
from campaign.deliveries.services.outcomes import Outcome
from campaign.deliveries.services.settling import claimer
from campaign.deliveries.services.smtp import pool
from workflows import queue

CLAIM_SIZE = 100
RECORD_SIZE = 50
BUDGET_SECONDS = 20.0
_RECORD_SECONDS = 1.0
#: How long the lane may go unseen while a message waits for its relay.
_LOOK_SECONDS = 0.25
#: After its time a sender waits this long for the messages on their way; while one
#: of them hangs it goes on with others, and waits again.
_CLOSING_SECONDS = 1.0
_OVERTIME_SECONDS = 5.0

_plans = Plans()


class Sender:
    """The work of one sender; its caller holds the lock of the slot."""

    def __init__(
        self,
        lane: int,
        slot: int,
        journal: Journal,
        *,
        most_seconds: float,
    ) -> None:
        self._lane = lane
        self._claimer = claimer(lane, slot)
        self._journal = journal
        self._attempts = Attempts(journal)
        self._started = monotonic()
        self._most_seconds = most_seconds
        self._jobs: queues.SimpleQueue[tuple[Claimed, Plan] | None] = (
            queues.SimpleQueue()
        )
        self._results: queues.SimpleQueue[tuple[Claimed, Outcome]] = (
            queues.SimpleQueue()
        )
        self._threads: list[threading.Thread] = []
        self._halted = threading.Event()
        self._held: dict[int, Claimed] = {}
        self.relays_are_down = False
        self.was_cut_short = False
        self.claimed = 0

    def run(self) -> None:
        """Send until the lane is empty, the time is up or no relay answers."""
        try:
            self._loop()
        finally:
            self._stop_threads()

    def _loop(self) -> None:
        ended: list[Ended] = []
        while True:
            claimed = self._exchange(ended)
            self._dispatch(claimed)
            if not self._held and not claimed:
                break
            ended = self._collect() if self._held else []
            self._look_at_time()
        self._journal.clear()

    def _exchange(self, ended: list[Ended]) -> list[Claimed]:
        """Record outcomes and claim the next logs, in one transaction."""
        may_claim = self._may_claim()
        if not ended and not may_claim:
            return []
        claimed: list[Claimed] = []
        with transaction.atomic():
            final = claim.record(ended, claimer=self._claimer)
            if may_claim:
                claimed = claim.claim(
                    lane=self._lane,
                    claimer=self._claimer,
                    most=CLAIM_SIZE,
                    at=timezone.now(),
                )
                final += claim.finals_of(claimed)
            hooks.logs_are_final(final)
        self.claimed += len(claimed)
        return claimed

    def _dispatch(self, claimed: list[Claimed]) -> None:
        sending = [log for log in claimed if log.status == claim.SENDING]
        if not sending:
            return
        for log in sending:
            self._held[log.id] = log
        _plans.load({log.delivery_id for log in sending})
        wanted = min(settings.CAMPAIGN_SENDER_CONNECTIONS, len(self._held))
        while len(self._threads) < wanted:
            thread = threading.Thread(
                target=self._work, name=f"sender {self._claimer}", daemon=True
            )
            self._threads.append(thread)
            thread.start()
        for log in sending:
            self._jobs.put((log, _plans[log.delivery_id]))
        relays = relays_of(sending, _plans)
        if all(relay is None or pool.is_down(relay) for relay in relays):
            self.relays_are_down = True

    def _collect(self) -> list[Ended]:
        """Wait for outcomes: until enough came, none is left, or a look is due."""
        ended: list[Ended] = []
        deadline = monotonic() + _LOOK_SECONDS
        while self._held and len(ended) < RECORD_SIZE:
            try:
                log, outcome = self._results.get(
                    timeout=max(0.001, deadline - monotonic())
                )
            except queues.Empty:
                break
            if not ended:
                deadline = monotonic() + _RECORD_SECONDS
                if len(self._held) <= settings.CAMPAIGN_SENDER_CONNECTIONS:
                    deadline = monotonic() + _LOOK_SECONDS
            del self._held[log.id]
            ended.append(Ended(log.id, log.part_month, log.epoch, outcome))
        return ended

    def _may_claim(self) -> bool:
        if self._halted.is_set() or self.relays_are_down:
            return False
        if len(self._held) > CLAIM_SIZE // 2:
            return False
        overtime = monotonic() - self._started - BUDGET_SECONDS
        return overtime < 0 or overtime % _OVERTIME_SECONDS > _CLOSING_SECONDS

    def _look_at_time(self) -> None:
        age = monotonic() - self._started
        if age > BUDGET_SECONDS:
            self.was_cut_short = True
        if queue.is_stopping() or age > self._most_seconds:
            self.was_cut_short = True
            self._give_back()
        if age > self._most_seconds:
            self._attempts.abort()

    def _give_back(self) -> None:
        """Begin nothing any more; what waits for a connection is pending again."""
        self._halted.set()
        with contextlib.suppress(queues.Empty):
            while (job := self._jobs.get_nowait()) is not None:
                self._results.put((job[0], outcomes.not_begun()))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            log, plan = job
            if self._halted.is_set():
                outcome = outcomes.not_begun()
            else:
                try:
                    outcome = self._attempts.make(log, plan)
                except Exception as error:  # noqa: BLE001 (one bad message, not all)
                    outcome = outcomes.impossible(f"{type(error).__name__}: {error}")
            self._results.put((log, outcome))

    def _stop_threads(self) -> None:
        """End the threads. What they began is in the journal if we were cut off."""
        self._halted.set()
        for _ in self._threads:
            self._jobs.put(None)
        patience = monotonic() + max(
            1.0, self._most_seconds - (monotonic() - self._started)
        )
        for thread in self._threads:
            thread.join(max(0.0, patience - monotonic()))
        self._attempts.abort()
        for thread in self._threads:
            thread.join()
