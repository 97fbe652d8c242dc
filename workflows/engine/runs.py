"""Runs: how one begins, how it ends, and what its planned instant is told.

Every function here expects the workflow's row locked by the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workflows import conf
from workflows.engine import idle, joining, journal
from workflows.engine.following import Followed, follow
from workflows.engine.structures import graph_of
from workflows.models import (
    Level,
    Occurrence,
    OccurrenceOutcome,
    Run,
    RunStatus,
    RunTrigger,
    StructureVersion,
    TaskStatus,
    Workflow,
)


def structure_of(workflow: Workflow) -> StructureVersion:
    """Return the current structure; raises LookupError for a workflow without."""
    if workflow.structure is None:
        raise LookupError(f"{workflow.internal_name} has no structure")
    return workflow.structure


def live_runs(workflow: Workflow) -> list[Run]:
    """Return the runs that are not over, oldest first, without those let wait."""
    return list(workflow.runs.live().filter(is_waiting=False).order_by("id"))


def live_run(workflow: Workflow) -> Run | None:
    """Return the oldest run that is not over and was not let wait, if any."""
    return next(iter(live_runs(workflow)), None)


def new_run(
    workflow: Workflow,
    *,
    trigger: RunTrigger,
    activity: str,
    at: datetime,
    scheduled_for: datetime | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Run:
    """Return a run in the newest structure, unsaved; LookupError without one."""
    if workflow.structure_id is None:
        raise LookupError(f"{workflow.internal_name} has no structure")
    return Run(
        workflow=workflow,
        structure_id=workflow.structure_id,
        trigger=trigger,
        trigger_activity=activity,
        scheduled_for=scheduled_for,
        created_at=at,
        variables=dict(variables or {}),
        is_simulation=workflow.simulation,
    )


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
    run = new_run(
        workflow,
        trigger=trigger,
        activity=activity,
        at=at,
        scheduled_for=scheduled_for,
        variables=variables,
    )
    run.save(force_insert=True)
    set_off(workflow, run, at)
    return run


def set_off(workflow: Workflow, run: Run, at: datetime) -> Followed:
    """Activate what follows the activity that triggered the run."""
    followed = follow(
        workflow,
        run,
        graph_of(run.structure_id),
        run.trigger_activity,
        "ok",
        run.variables,
        at,
    )
    if followed.open_ends:
        journal.write(
            workflow,
            "Nothing follows %(name)s; the run has nothing to do.",
            at=at,
            level=Level.WARNING,
            run=run,
            activity=run.trigger_activity,
            name=run.trigger_activity,
        )
    if not has_active_task(run):
        finish(workflow, run, at)
    return followed


def skip(
    workflow: Workflow, *, activity: str, at: datetime, scheduled_for: datetime
) -> Run:
    """Record a trigger that the overlap policy refused."""
    run = new_run(
        workflow,
        trigger=RunTrigger.SCHEDULE,
        activity=activity,
        at=at,
        scheduled_for=scheduled_for,
    )
    run.status = RunStatus.SKIPPED
    run.skip_reason = "overlap"
    run.ended_at = at
    run.save(force_insert=True)
    return run


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
    starved = joining.tell_starved(workflow, run, at)
    run.status = (
        RunStatus.FINISHED_WITH_ERRORS
        if failures or starved or run.rejected_count
        else RunStatus.FINISHED
    )
    run.ended_at = at
    run.next_attempt_at = None
    run.save()
    if not failures:
        workflow.consecutive_errors = 0
        workflow.restart_count = 0
    workflow.last_finish = at
    workflow.save(update_fields=["last_finish", "consecutive_errors", "restart_count"])
    if run.is_idle:
        journal_worthy = run.journal.filter(level__gte=Level.WARNING).exists()
        if not journal_worthy and idle.merge(workflow, run):
            return
    settle_occurrence(run)


def cancel(run: Run, at: datetime, *, reason: str = "") -> None:
    """Close a run that a stop, or its successor, ended."""
    run.status = RunStatus.CANCELLED
    run.skip_reason = reason
    run.ended_at = at
    run.next_attempt_at = None
    run.is_waiting = False
    run.save()
    run.occurrences.filter(outcome=OccurrenceOutcome.QUEUED).update(
        outcome=OccurrenceOutcome.CANCELLED, reason=reason
    )


def settle_occurrence(run: Run) -> None:
    """Say of the run's planned instant that it ran, and how late."""
    for occurrence in run.occurrences.filter(
        outcome__in=(OccurrenceOutcome.QUEUED, OccurrenceOutcome.FAILED)
    ):
        occurrence.late_seconds = lateness(run, occurrence.scheduled_for)
        occurrence.outcome = (
            OccurrenceOutcome.RAN_LATE
            if occurrence.late_seconds > conf.LATE_SECONDS
            else OccurrenceOutcome.RAN
        )
        occurrence.save(update_fields=["late_seconds", "outcome"])


def lateness(run: Run, planned: datetime) -> float:
    """Return how many seconds after its planned instant a run began."""
    return max(0.0, ((run.started_at or run.created_at) - planned).total_seconds())


def queued_occurrence(run: Run, at: datetime, *, reason: str = "") -> Occurrence:
    """Return the outcome of the run's planned instant while it is not over, unsaved."""
    instant = run.scheduled_for or at
    return Occurrence(
        workflow_id=run.workflow_id,
        activity=run.trigger_activity,
        scheduled_for=instant,
        last_scheduled_for=instant,
        outcome=OccurrenceOutcome.QUEUED,
        reason=reason,
        late_seconds=max(0.0, (at - instant).total_seconds()),
        run=run,
        recorded_at=at,
    )
