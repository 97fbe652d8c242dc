"""Runs: how one begins, how its tasks follow each other, how it ends.

Every function here expects the workflow's row locked by the caller's transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F

from workflows import conf, queue
from workflows.activities import find_type
from workflows.engine import journal
from workflows.engine.context import InstantContext
from workflows.engine.graph import Graph, Node
from workflows.exceptions import AppError, ConfigurationError
from workflows.models import (
    Level,
    Occurrence,
    OccurrenceOutcome,
    Run,
    RunStatus,
    RunTrigger,
    StructureVersion,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)
from workflows.registry import Done

DRAIN = "workflows.engine.executor.drain"
RUN_TASK = "workflows.engine.executor.run_task"
MAX_INSTANT_STEPS = 100
_gathered: ContextVar[Counter[str] | None] = ContextVar("gathered", default=None)


def structure_of(workflow: Workflow) -> StructureVersion:
    """Return the current structure; raises LookupError for a workflow without."""
    if workflow.structure is None:
        raise LookupError(f"{workflow.internal_name} has no structure")
    return workflow.structure


def live_run(workflow: Workflow) -> Run | None:
    """Return the run that is not over, if any."""
    return workflow.runs.filter(status__in=RunStatus.live()).first()


def begin(
    workflow: Workflow,
    *,
    trigger: RunTrigger,
    activity: str,
    at: datetime,
    scheduled_for: datetime | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Run:
    """Create a run and queue what follows the activity that triggered it."""
    run = Run.objects.create(
        workflow=workflow,
        structure=structure_of(workflow),
        trigger=trigger,
        trigger_activity=activity,
        scheduled_for=scheduled_for,
        created_at=at,
        variables=dict(variables or {}),
    )
    graph = Graph.of(run.structure.graph)
    follow(workflow, run, graph, activity, "ok", run.variables, at)
    if not has_active_task(run):
        finish(workflow, run, at)
    return run


def skip(
    workflow: Workflow, *, activity: str, at: datetime, scheduled_for: datetime
) -> Run:
    """Record a trigger that the overlap policy refused."""
    return Run.objects.create(
        workflow=workflow,
        structure=structure_of(workflow),
        trigger=RunTrigger.SCHEDULE,
        trigger_activity=activity,
        scheduled_for=scheduled_for,
        status=RunStatus.SKIPPED,
        skip_reason="overlap",
        created_at=at,
        ended_at=at,
    )


def follow(
    workflow: Workflow,
    run: Run,
    graph: Graph,
    source: str,
    output: str,
    variables: Mapping[str, Any],
    at: datetime,
) -> bool:
    """Activate what an output leads to; return False when it leads nowhere."""
    open_ends = [(source, output)]
    steps = 0
    wakes: dict[str, int] = {}
    while open_ends:
        name, taken = open_ends.pop()
        followers = graph.after(name, taken)
        if not followers and taken:
            return False
        for node in followers:
            steps += 1
            if steps > MAX_INSTANT_STEPS:
                raise ConfigurationError(
                    "More than %(limit)s activities follow each other at once;"
                    " the structure loops.",
                    limit=MAX_INSTANT_STEPS,
                )
            result = _try_to_pass(workflow, run, node, variables, at)
            if result is None:
                queue_task(workflow, run, node, variables, at, wakes)
            elif result.output:
                open_ends.append((node.name, result.output))
    for name, count in wakes.items():
        wake(name, count)
    return True


def _try_to_pass(
    workflow: Workflow,
    run: Run,
    node: Node,
    variables: Mapping[str, Any],
    at: datetime,
) -> Done | None:
    """Execute an instant activity; return None for one that needs a worker.

    An instant activity at fault needs one too: there it fails like any other, with
    its workflow in error, instead of undoing what brought it about.
    """
    if not find_type(node.type).is_instant:
        return None
    try:
        return _pass_through(workflow, run, node, variables, at)
    except AppError:
        return None


def _pass_through(
    workflow: Workflow,
    run: Run,
    node: Node,
    variables: Mapping[str, Any],
    at: datetime,
) -> Done:
    """Execute an instant activity and keep its task as done."""
    context = InstantContext(workflow, run, node, variables, at)
    result = find_type(node.type).execute(context)
    if not isinstance(result, Done):
        raise ConfigurationError(
            "The activity %(activity)s cannot be continued later.", activity=node.name
        )
    Task.objects.create(
        workflow=workflow,
        run=run,
        activity=node.name,
        activity_type=node.type,
        status=TaskStatus.COMPLETED,
        substate=Substate.NONE,
        created_at=at,
        started_at=at,
        completed_at=at,
        output=result.output,
        result_label=result.label,
        variables=dict(variables),
    )
    return result


def queue_task(
    workflow: Workflow,
    run: Run,
    node: Node,
    variables: Mapping[str, Any],
    at: datetime,
    wakes: dict[str, int],
) -> Task:
    """Create the task of an activity and note which queue to wake."""
    activity_type = find_type(node.type)
    task = new_task(workflow, run, node, variables, at)
    task.save(force_insert=True)
    if activity_type.is_long(node.parameters):
        queue.enqueue(RUN_TASK, task.pk, queue=task.queue)
    else:
        wakes[task.queue] = wakes.get(task.queue, 0) + 1
    return task


def new_task(
    workflow: Workflow,
    run: Run,
    node: Node,
    variables: Mapping[str, Any],
    at: datetime,
) -> Task:
    """Return the queued task of an activity, unsaved."""
    return Task(
        workflow=workflow,
        run=run,
        activity=node.name,
        activity_type=node.type,
        substate=Substate.QUEUED,
        queue=find_type(node.type).queue(node.parameters),
        created_at=at,
        enqueued_at=at,
        process_at=at,
        variables=dict(variables),
    )


def wake(name: str, count: int = 1) -> None:
    """Have up to ``count`` workers of a queue look for queued tasks."""
    gathered = _gathered.get()
    if gathered is not None:
        gathered[name] += count
        return
    for _ in range(min(count, queue.worker_count(name))):
        queue.enqueue(DRAIN, name, queue=name)


@contextmanager
def gathered_wakes() -> Iterator[None]:
    """Wake each queue once for all that is queued within; a few drains take it."""
    counts: Counter[str] = Counter()
    token = _gathered.set(counts)
    try:
        yield
    finally:
        _gathered.reset(token)
    for name, count in counts.items():
        wake(name, count)


def has_active_task(run: Run) -> bool:
    """Return whether the run has anything left to do."""
    return run.tasks.filter(status=TaskStatus.ACTIVE).exists()


def open_or_failed(run: Run) -> set[str]:
    """Return which of *active* and *failed* occurs among the tasks of a run."""
    statuses = (TaskStatus.ACTIVE, TaskStatus.FAILED)
    return set(run.tasks.filter(status__in=statuses).values_list("status", flat=True))


def finish(
    workflow: Workflow, run: Run, at: datetime, *, has_failures: bool | None = None
) -> None:
    """Close a run whose last task is over, and settle its occurrence.

    Looks for failed tasks itself unless the caller knows.
    """
    failures = (
        TaskStatus.FAILED in open_or_failed(run)
        if has_failures is None
        else has_failures
    )
    run.status = (
        RunStatus.FINISHED_WITH_ERRORS
        if failures or run.rejected_count
        else RunStatus.FINISHED
    )
    run.ended_at = at
    run.next_attempt_at = None
    run.save()
    if not failures:
        workflow.consecutive_errors = 0
    workflow.last_finish = at
    workflow.save(update_fields=["last_finish", "consecutive_errors"])
    if run.is_idle:
        journal_worthy = run.journal.filter(level__gte=Level.WARNING).exists()
        if not journal_worthy and _merge_idle(workflow, run):
            return
    settle_occurrence(run)


def cancel(run: Run, at: datetime) -> None:
    """Close a run that a stop ended."""
    run.status = RunStatus.CANCELLED
    run.ended_at = at
    run.next_attempt_at = None
    run.save()
    run.occurrences.filter(outcome=OccurrenceOutcome.QUEUED).update(
        outcome=OccurrenceOutcome.CANCELLED
    )


def settle_occurrence(run: Run) -> None:
    """Say of the run's planned instant that it ran, and how late."""
    for occurrence in run.occurrences.filter(
        outcome__in=(OccurrenceOutcome.QUEUED, OccurrenceOutcome.FAILED)
    ):
        occurrence.late_seconds = _lateness(run, occurrence.scheduled_for)
        occurrence.outcome = (
            OccurrenceOutcome.RAN_LATE
            if occurrence.late_seconds > conf.LATE_SECONDS
            else OccurrenceOutcome.RAN
        )
        occurrence.save(update_fields=["late_seconds", "outcome"])


def _lateness(run: Run, planned: datetime) -> float:
    return max(0.0, ((run.started_at or run.created_at) - planned).total_seconds())


def _merge_idle(workflow: Workflow, run: Run) -> bool:
    """Let the idle run before stand for this one too; return whether it does.

    Runs that found nothing to do are counted, not kept one by one, and so are
    their planned instants.
    """
    before = workflow.runs.filter(pk__lt=run.pk).first()
    if (
        before is None
        or not before.is_idle
        or before.status != RunStatus.FINISHED
        or before.trigger != run.trigger
        or before.structure_id != run.structure_id
    ):
        return False
    planned = run.occurrences.first()
    kept = before.occurrences.order_by("-scheduled_for").first()
    if planned is not None and kept is not None:
        late = _lateness(run, planned.scheduled_for)
        if late > conf.LATE_SECONDS or kept.outcome != OccurrenceOutcome.RAN:
            return False
        between = Occurrence.objects.filter(
            workflow=workflow,
            activity=planned.activity,
            scheduled_for__gt=kept.last_scheduled_for,
            scheduled_for__lt=planned.scheduled_for,
        )
        if between.exists():
            return False
        kept.last_scheduled_for = planned.last_scheduled_for
        kept.count += planned.count
        kept.late_seconds = max(kept.late_seconds, late)
        planned.delete()
        kept.save(update_fields=["last_scheduled_for", "count", "late_seconds"])
    elif (planned is None) != (kept is None):
        return False
    Run.objects.filter(pk=before.pk).update(
        repeats=F("repeats") + run.repeats,
        scheduled_for=run.scheduled_for,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )
    _discard(run)
    return True


def _discard(run: Run) -> None:
    """Delete an ended run with all that belongs to it. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH lines AS (DELETE FROM workflows_journalentry WHERE run_id = %(run)s),"
            " done AS (DELETE FROM workflows_task WHERE run_id = %(run)s),"
            " heard AS (UPDATE workflows_signal SET run_id = NULL"
            " WHERE run_id = %(run)s)"
            " DELETE FROM workflows_run WHERE id = %(run)s",
            {"run": run.pk},
        )


def note_unterminated(workflow: Workflow, task: Task, at: datetime) -> None:
    """Warn that a task reached a transition without destination."""
    journal.write(
        workflow,
        "The output %(output)s of %(name)s leads nowhere; the workflow is paused."
        " Connect it, then resume.",
        at=at,
        level=Level.WARNING,
        run=task.run,
        task=task,
        output=task.output,
        name=task.activity,
    )
