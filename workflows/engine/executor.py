"""Executing tasks: claim, do the work, and write its result under the epoch.

A worker holds the session advisory lock of the task it executes, so that the
death of a worker is seen at once (``rescue``).
"""

from __future__ import annotations

import os
import socket
import time
import traceback
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from workflows import conf, queue
from workflows.activities import find_type
from workflows.engine import firing, journal, lifecycle, notifications, runs
from workflows.engine.context import TaskContext
from workflows.engine.graph import Graph
from workflows.engine.states import EXECUTING
from workflows.exceptions import AppError, TaskCancelled
from workflows.models import (
    ErrorPolicy,
    Level,
    OccurrenceOutcome,
    PauseReason,
    Run,
    RunStatus,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)
from workflows.registry import Again, Done, Result

LOCK_CLASS = 0x57 << 48
IDLE_RETRY_SECONDS = 0.005
LEAST_SECONDS = 1.0
_CLAIM = """
WITH picked AS (
    SELECT t.id FROM workflows_task t
    JOIN workflows_workflow w ON w.id = t.workflow_id
    WHERE t.status = 'active' AND t.substate = 'queued' AND {which}
        AND w.state IN ('start_pending', 'started')
    ORDER BY w.severity DESC, t.process_at, t.id
    LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
), claimed AS (
    UPDATE workflows_task t SET substate = 'running', epoch = t.epoch + 1,
        attempt = t.attempt + 1, started_at = %(at)s, heartbeat_at = %(at)s,
        claimed_by = %(claimer)s, host = %(host)s, pid = %(pid)s,
        backend_pid = pg_backend_pid()
    FROM picked WHERE t.id = picked.id AND pg_try_advisory_lock(%(lock)s + picked.id)
    RETURNING t.id, t.run_id, t.workflow_id
), begun AS (
    UPDATE workflows_run r SET status = 'running', started_at = %(at)s
    FROM claimed WHERE r.id = claimed.run_id AND r.status = 'queued'
), started AS (
    UPDATE workflows_workflow w SET state = 'started'
    FROM claimed WHERE w.id = claimed.workflow_id AND w.state = 'start_pending'
)
SELECT id FROM claimed
"""
_CLAIM_NEXT = _CLAIM.format(which="t.queue = %(queue)s")
_CLAIM_ONE = _CLAIM.format(which="t.id = %(task)s")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task failed, in one sentence and for a developer."""

    message: str
    trace: str


def lock_key(task_id: int) -> int:
    """Return the advisory lock key of a task."""
    return LOCK_CLASS + task_id


def drain(queue_name: str) -> None:
    """Execute queued tasks of a queue until none is left or the time is up.

    A queue task. Two drains of one queue share its tasks.
    """
    deadline = time.monotonic() + conf.BUDGET_SECONDS
    while deadline - time.monotonic() > LEAST_SECONDS and not queue.is_stopping():
        task = claim(queue_name=queue_name)
        if task is not None:
            execute(task, deadline=deadline)
        elif _has_queued(queue_name):
            time.sleep(IDLE_RETRY_SECONDS)  # locked by somebody for a moment
        else:
            return
    if _has_queued(queue_name):
        runs.wake(queue_name)


def run_task(task_id: int) -> None:
    """Execute one queued task that is long or waited for its turn.

    A queue task. Does nothing for a task that is over, running or held.
    """
    task = claim(task_id=task_id)
    if task is not None:
        budget = queue.time_limit(task.queue) * 0.8
        execute(task, deadline=time.monotonic() + budget)


def _has_queued(queue_name: str) -> bool:
    return Task.objects.filter(
        status=TaskStatus.ACTIVE,
        substate=Substate.QUEUED,
        queue=queue_name,
        workflow__state__in=EXECUTING,
    ).exists()


def claim(*, queue_name: str = "", task_id: int | None = None) -> Task | None:
    """Take the next queued task, weightiest and oldest first, for this worker.

    Returns None when there is none to take now. The workflow's row is held against
    commands without ever waiting for one, and the advisory lock is taken before
    anybody can see the task running. Two statements.
    """
    host, pid = socket.gethostname(), os.getpid()
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM_ONE if task_id is not None else _CLAIM_NEXT,
            {
                "task": task_id,
                "queue": queue_name,
                "lock": LOCK_CLASS,
                "at": timezone.now(),
                "claimer": f"{host}:{pid}",
                "host": host,
                "pid": pid,
            },
        )
        row = cursor.fetchone()
    if row is None:
        return None
    return Task.objects.select_related("workflow", "run__structure").get(pk=row[0])


def _unlock(task_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [lock_key(task_id)])


def execute(task: Task, *, deadline: float) -> None:
    """Execute a claimed task and write what came of it."""
    try:
        outcome, context = _perform(task, deadline)
        _conclude(task, outcome, context)
    except (DatabaseError, InterfaceError):
        # Without the connection the lock is gone too: the clock sees the task
        # orphaned and decides. Nothing can be written from here.
        if connection.is_usable():
            _unlock(task.pk)
        connection.close()
        raise
    _unlock(task.pk)


def _perform(
    task: Task, deadline: float
) -> tuple[Result | Failure | None, TaskContext]:
    """Call the activity; None stands for a cancelled one."""
    run = task.run
    if run is None:
        raise LookupError(f"The task {task.pk} belongs to no run")
    graph = Graph.of(run.structure.graph)
    node = graph.by_name[task.activity]
    context = TaskContext(
        task.workflow, run, node, task, deadline=deadline, at=timezone.now()
    )
    try:
        return find_type(node.type).execute(context), context
    except TaskCancelled:
        return None, context
    except Exception as error:
        if not connection.is_usable():
            raise
        return Failure(_sentence(error), traceback.format_exc()), context


def _sentence(error: Exception) -> str:
    if isinstance(error, AppError):
        return error.message
    return f"{type(error).__name__}: {error}"


def _conclude(
    task: Task, outcome: Result | Failure | None, context: TaskContext
) -> None:
    """Write the outcome, and what follows from it, in one transaction."""
    at = timezone.now()
    with transaction.atomic():
        workflow = Workflow.objects.select_for_update().get(pk=task.workflow_id)
        current = (
            Task.objects.select_for_update(of=("self",))
            .select_related("run__structure")
            .filter(
                pk=task.pk,
                epoch=task.epoch,
                status=TaskStatus.ACTIVE,
                substate=Substate.RUNNING,
            )
            .first()
        )
        if current is None or current.run is None:
            journal.write(
                workflow,
                "A late result of %(name)s was refused; the task was taken over.",
                at=at,
                level=Level.WARNING,
                name=task.activity,
            )
            return
        context.flush()
        if context.lines_dropped:
            journal.write(
                workflow,
                "%(count)s more lines were left out.",
                at=at,
                run=current.run,
                task=current,
                count=context.lines_dropped,
            )
        if workflow.state in (State.STOP_REQUESTED, State.RESTART_REQUESTED):
            _cancelled(workflow, current, outcome, at)
        elif isinstance(outcome, Failure):
            fail_task(workflow, current, outcome, at)
        elif isinstance(outcome, Again):
            _again(workflow, current, outcome, at)
        else:
            _done(workflow, current, outcome or Done(output=""), at)
        lifecycle.settle(workflow, at)


def _cancelled(
    workflow: Workflow, task: Task, outcome: Result | Failure | None, at: datetime
) -> None:
    if isinstance(outcome, Failure):
        journal.write(
            workflow,
            "%(name)s failed while the workflow was stopping: %(error)s",
            at=at,
            level=Level.WARNING,
            task=task,
            run=task.run,
            name=task.activity,
            error=outcome.message,
        )
    task.status = TaskStatus.CANCELLED
    task.substate = Substate.NONE
    task.completed_at = at
    task.save()


def _count(run: Run, result: Result) -> None:
    run.read_count += result.read
    run.written_count += result.written
    run.rejected_count += result.rejected


def _again(workflow: Workflow, task: Task, result: Again, at: datetime) -> None:
    """Give the task back; it goes on after others had their turn."""
    run = task.run
    if run is None:
        return
    _count(run, result)
    later = result.after > timedelta(0)
    task.record_count = (task.record_count or 0) + result.count
    task.attempt = 0
    task.substate = Substate.PENDING if later else Substate.QUEUED
    task.process_at = at + result.after
    task.enqueued_at = at
    task.save()
    run.status = RunStatus.DEFERRED if later else RunStatus.RUNNING
    run.next_attempt_at = task.process_at if later else None
    run.save()
    if not later:
        announce(task)


def announce(task: Task) -> None:
    """Have a worker take the queued task."""
    if task.run is None:
        return
    node = Graph.of(task.run.structure.graph).by_name[task.activity]
    if find_type(node.type).is_long(node.parameters):
        queue.enqueue(runs.RUN_TASK, task.pk, queue=task.queue)
    else:
        runs.wake(task.queue)


def _done(workflow: Workflow, task: Task, result: Done, at: datetime) -> None:
    run = task.run
    if run is None:
        return
    _count(run, result)
    total = (task.record_count or 0) + result.count
    run.is_idle = result.is_idle and not total
    task.status = TaskStatus.COMPLETED
    task.substate = Substate.NONE
    task.completed_at = at
    task.output = result.output
    task.result_label = result.label
    task.record_count = total
    task.save()
    if not run.is_idle:
        _tell(workflow, run, task, at)
    graph = Graph.of(run.structure.graph)
    variables = {**task.variables, **result.variables}
    if not runs.follow(
        workflow, run, graph, task.activity, result.output, variables, at
    ):
        task.result_label = "unterminated"
        task.save(update_fields=["result_label"])
        runs.note_unterminated(workflow, task, at)
        run.save()
        if workflow.state == State.STARTED:
            lifecycle.pause(workflow, at=at, reason=PauseReason.UNTERMINATED)
        return
    statuses = runs.open_or_failed(run)
    if TaskStatus.ACTIVE in statuses:
        run.save()
        return
    runs.finish(workflow, run, at, has_failures=bool(statuses))
    lifecycle.finish_if_over(workflow, at)
    if workflow.state == State.STARTED:
        firing.fire_signals(workflow, at)


def _tell(workflow: Workflow, run: Run, task: Task, at: datetime) -> None:
    """Say in the journal what the activity did."""
    journal.write(
        workflow,
        "%(name)s: %(read)s read, %(written)s written, %(rejected)s rejected"
        " in %(seconds)s s.",
        at=at,
        run=run,
        task=task,
        name=task.activity,
        read=run.read_count,
        written=run.written_count,
        rejected=run.rejected_count,
        seconds=f"{(at - (task.started_at or at)).total_seconds():.2f}",
    )


def fail_task(workflow: Workflow, task: Task, failure: Failure, at: datetime) -> None:
    """Mark a task failed and follow the workflow's error policy."""
    run = task.run
    if run is None:
        return
    task.status = TaskStatus.FAILED
    task.substate = Substate.NONE
    task.completed_at = at
    task.error = failure.message
    task.traceback = failure.trace
    task.save()
    journal.write(
        workflow,
        "%(name)s failed: %(error)s",
        at=at,
        level=Level.ERROR,
        task=task,
        run=run,
        name=task.activity,
        error=failure.message,
    )
    if workflow.error_policy == ErrorPolicy.IGNORE:
        workflow.consecutive_errors += 1
        workflow.save(update_fields=["consecutive_errors"])
        if not runs.has_active_task(run):
            runs.finish(workflow, run, at)
            lifecycle.finish_if_over(workflow, at)
        return
    run.occurrences.filter(outcome=OccurrenceOutcome.QUEUED).update(
        outcome=OccurrenceOutcome.FAILED, reason=failure.message[:256]
    )
    lifecycle.fail(workflow, run, at=at, error=failure.message)
    queue.enqueue(notifications.NOTIFY_FAILURE, task.pk, task.epoch, queue="workflows")
