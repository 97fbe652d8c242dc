"""The clock: the only owner of time.

It sleeps until the next planned instant, or until somebody wakes it, turns what
is due into runs, and orders the housekeeping. Two may run at once: rows are taken
with SKIP LOCKED. Once a minute the queue calls the same tick, so that a dead clock
costs precision, never a run.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from types import FrameType
from typing import Any

import psycopg
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    connection,
    transaction,
)
from django.db.models import Q
from django.utils import timezone

from workflows import conf, queue
from workflows.engine import (
    cancelling,
    ending,
    firing,
    firing_signals,
    firing_together,
    freezing,
    journal,
    lifecycle,
    rescue,
    runs,
    supervision,
    waking,
)
from workflows.engine.following import gathered_wakes
from workflows.engine.states import SIGNAL_ACCEPTED
from workflows.exceptions import AppError
from workflows.models import (
    Level,
    OverlapPolicy,
    Run,
    RunStatus,
    Signal,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

logger = logging.getLogger(__name__)

BATCH = 50
LONGEST_SLEEP = 5.0
SHORTEST_SLEEP = 0.005
FROZEN_SLEEP = 1.0
# While something that was told to stop still works.
ENDING_SLEEP = 0.5
STOP_LOOK = timedelta(seconds=5)
HOUSEKEEPING_SECONDS = 4.0
SIGNAL_GAP = 0.025
SIGNAL_PREFIX = "signal:"


def tick(at: datetime) -> float:
    """Turn everything due at ``at`` into runs; return the seconds to sleep."""
    ending = cancelling.cancel_statements(at)
    longest = ENDING_SLEEP if ending else LONGEST_SLEEP
    if freezing.is_frozen() and not freezing.end_expired(at):
        return min(longest, FROZEN_SLEEP)
    busy = take_due(at) >= BATCH
    take_signals(at)
    return SHORTEST_SLEEP if busy else min(longest, seconds_to_next())


def safety_net() -> None:
    """Tick once, called by the queue's own schedule every minute."""
    at = timezone.now()
    tick(at)
    order_duties(at)


def take_due(at: datetime) -> int:
    """Fire the due scheduler tasks and queue the other timed ones that are due."""
    with transaction.atomic(), gathered_wakes():
        due = list(
            Task.objects.select_related("workflow", "run")
            .select_for_update(skip_locked=True, of=("self", "workflow"))
            .filter(
                status=TaskStatus.ACTIVE,
                substate=Substate.PENDING,
                process_at__lte=at,
                workflow__state=State.STARTED,
            )
            .order_by("process_at", "pk")[:BATCH]
        )
        for task in firing_together.fire_plain(due, at):
            _take_one(task, at)
    return len(due)


def _take_one(task: Task, at: datetime) -> None:
    """Handle one due task; a fault of one never holds back the others."""
    try:
        with transaction.atomic():
            if task.activity_type != "scheduler":
                _queue_timed(task, at)
            elif task.workflow.stops_after_run:
                _leave_to_the_stop(task)
            else:
                firing.fire_schedule(task.workflow, task, at)
                lifecycle.finish_if_over(task.workflow, at)
    except (AppError, ValueError, LookupError, IntegrityError, DataError) as error:
        logger.exception("A due task cannot be fired", extra={"task": task.pk})
        _fault(task, at, str(error))


def _queue_timed(task: Task, at: datetime) -> None:
    if task.run is not None:
        task.run.status = RunStatus.RUNNING
        task.run.next_attempt_at = None
        task.run.save(update_fields=["status", "next_attempt_at"])
    waking.call_again(task, at)


def _leave_to_the_stop(task: Task) -> None:
    """Fire no more for a workflow that stops after its run: the stop accounts for it.

    What a worker left undone when it died is looked at again in a while.
    """
    workflow = task.workflow
    if runs.live_run(workflow) is None:
        lifecycle.stop(workflow, at=timezone.now())
        return
    task.process_at = timezone.now() + STOP_LOOK
    task.save(update_fields=["process_at"])


def _fault(task: Task, at: datetime, error: str) -> None:
    """Put the workflow of a task that cannot be fired in error."""
    workflow = task.workflow
    run = runs.skip(
        workflow,
        activity=task.activity,
        at=at,
        scheduled_for=task.scheduled_for or at,
    )
    ending.fail(workflow, run, at=at, error=error)
    journal.write(
        workflow,
        "%(name)s cannot be planned: %(error)s",
        at=at,
        level=Level.ERROR,
        activity=task.activity,
        name=task.activity,
        error=error,
    )


def take_signals(at: datetime) -> None:
    """Begin the runs that open signals ask for."""
    waiting = list(
        Workflow.objects.filter(
            state=State.STARTED,
            signals__in=Signal.objects.filter(consumed_at__isnull=True),
        )
        .exclude(~Q(overlap_policy=OverlapPolicy.PARALLEL), runs__in=Run.objects.live())
        .distinct()
        .values_list("pk", flat=True)
    )
    for workflow_id in waiting:
        with transaction.atomic():
            workflow = (
                Workflow.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("structure")
                .filter(pk=workflow_id, state=State.STARTED)
                .first()
            )
            if workflow is not None:
                firing_signals.fire_signals(workflow, at)
                lifecycle.finish_if_over(workflow, at)


def raise_signals(names: Iterable[str], at: datetime) -> None:
    """Write the coalesced signals that hot paths asked for by NOTIFY.

    The foreign key makes the insert wait for whoever holds the workflow FOR
    UPDATE: either the run that ends now sees the signal, or we see its end.
    """
    accepting = Workflow.objects.filter(
        internal_name__in=list(names), state__in=SIGNAL_ACCEPTED
    )
    Signal.objects.bulk_create(
        [
            Signal(workflow=w, activity="signal", source="notify", created_at=at)
            for w in accepting
        ],
        ignore_conflicts=True,
    )


def _listening() -> list[str]:
    """Return the workflows that wait for a signal."""
    return list(
        Task.objects.filter(
            status=TaskStatus.ACTIVE, substate=Substate.WAITING, activity="signal"
        ).values_list("workflow__internal_name", flat=True)
    )


def seconds_to_next() -> float:
    """Return how long nothing will be due, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM min(t.process_at) - clock_timestamp())"
            " FROM workflows_task t JOIN workflows_workflow w ON w.id = t.workflow_id"
            " WHERE t.status = 'active' AND t.substate = 'pending'"
            " AND w.state = 'started'"
        )
        (seconds,) = cursor.fetchone()
    if seconds is None:
        return LONGEST_SLEEP
    return min(max(float(seconds), SHORTEST_SLEEP), LONGEST_SLEEP)


def order_duties(at: datetime) -> None:
    """Order what is done now and then; each duty is taken by one clock only."""
    with transaction.atomic():
        due = supervision.take_due_duties(at)
        for name in due:
            _order(name, at)
    if supervision.RESCUE in due:
        rescue.take_over_orphans(at)
        rescue.end_overdrawn(at)
        rescue.announce_lost(at)


def _order(name: str, at: datetime) -> None:
    if name.startswith(supervision.CANARY):
        target = name.removeprefix(supervision.CANARY)
        queue.enqueue(supervision.ANSWER_CANARY, target, queue=target)
    else:
        for duty in conf.periodic():
            if duty.name == name:
                queue.enqueue(duty.function, queue=duty.queue)


class _Stop(BaseException):
    """Ends the clock's sleep."""


class Clock:
    """The loop of ``manage.py clock``."""

    def __init__(self) -> None:
        self._stopping = False
        self._sleeping = False
        self._listener: psycopg.Connection[Any] | None = None
        self._kept_house = 0.0
        self._signalled = 0.0

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; a lost database is waited for."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        while not self._stopping:
            try:
                self._round()
            except _Stop:
                break
            except (DatabaseError, InterfaceError, psycopg.Error) as error:
                logger.warning("The clock lost the database: %s", error)
                self._disconnect()
                time.sleep(1)
        self._disconnect()

    def _round(self) -> None:
        if self._listener is None:
            self._listener = queue.open_listener(queue.CLOCK_CHANNEL)
            queue.ensure_safety_net()
            # Nobody heard what was announced while we did not listen.
            raise_signals(_listening(), timezone.now())
        seconds = tick(timezone.now())
        self._keep_house()
        names = self._sleep(seconds)
        if names:
            # A flood of events asks for the same run over and over.
            time.sleep(max(0.0, self._signalled + SIGNAL_GAP - time.monotonic()))
            self._signalled = time.monotonic()
            names |= self._sleep(0)
            raise_signals(names, timezone.now())

    def _keep_house(self) -> None:
        if time.monotonic() - self._kept_house < HOUSEKEEPING_SECONDS:
            return
        self._kept_house = time.monotonic()
        at = timezone.now()
        supervision.beat_clock(at)
        order_duties(at)

    def _sleep(self, seconds: float) -> set[str]:
        """Sleep at most so long; return the signals asked for meanwhile."""
        names: set[str] = set()
        if self._listener is None:
            return names
        self._sleeping = True
        try:
            if self._stopping:
                return names
            heard = self._listener.notifies(timeout=seconds, stop_after=1)
            for notification in heard:
                if notification.payload.startswith(SIGNAL_PREFIX):
                    names.add(notification.payload.removeprefix(SIGNAL_PREFIX))
        finally:
            self._sleeping = False
        return names

    def _stop(self, _signum: int, _frame: FrameType | None) -> None:
        self._stopping = True
        if self._sleeping:
            raise _Stop

    def _disconnect(self) -> None:
        connection.close()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
