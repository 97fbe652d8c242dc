"""Turning planned instants and signals into runs.

Every function expects the workflow's row locked by the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from workflows.engine import (
    calendar,
    cancelling,
    journal,
    planning,
    runs,
)
from workflows.engine.calendar import (
    BlackoutPolicy,
    Decision,
    Schedule,
    Skipped,
    SkipReason,
)
from workflows.engine.structures import current_graph
from workflows.models import (
    Level,
    Occurrence,
    OccurrenceOutcome,
    OverlapPolicy,
    Run,
    RunStatus,
    RunTrigger,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

_OUTCOMES = {
    SkipReason.COVERED: OccurrenceOutcome.COALESCED,
    SkipReason.MISFIRE: OccurrenceOutcome.SKIPPED_MISFIRE,
    SkipReason.OVER_LIMIT: OccurrenceOutcome.SKIPPED_MISFIRE,
    SkipReason.TOO_LATE: OccurrenceOutcome.SKIPPED_LATE,
    SkipReason.BLACKOUT: OccurrenceOutcome.SKIPPED_BLACKOUT,
}


@dataclass(frozen=True, slots=True)
class Hold:
    """Why planned instants were kept from firing, if not by an outage."""

    outcome: OccurrenceOutcome
    reason: str


def pause_hold(workflow: Workflow) -> Hold:
    """Return the hold that the pause of a workflow is, and by whom."""
    by = workflow.paused_by
    reason = f"paused by {by}" if by else "paused"
    if workflow.pause_comment:
        reason = f"{reason}: {workflow.pause_comment}"
    return Hold(OccurrenceOutcome.HELD_PAUSE, reason[:256])


def _hold_of_stop(workflow: Workflow) -> Hold:
    """Return why instants that have come did not fire before the workflow stopped."""
    if workflow.state in (State.PAUSED, State.PAUSE_REQUESTED):
        return pause_hold(workflow)
    if workflow.stops_after_run:
        return Hold(OccurrenceOutcome.CANCELLED, "stopped after the current run")
    return Hold(OccurrenceOutcome.CANCELLED, "stopped")


def edit_hold(workflow: Workflow) -> Hold:
    """Return why instants that have come do not fire when their schedule changes."""
    if workflow.state in (State.PAUSED, State.PAUSE_REQUESTED):
        return pause_hold(workflow)
    return Hold(OccurrenceOutcome.CANCELLED, "the schedule was changed")


def fire_schedule(
    workflow: Workflow, task: Task, at: datetime, *, hold: Hold | None = None
) -> None:
    """Fire the pending scheduler task and plan its next instant.

    Writes one outcome for every planned instant that has come; with ``hold`` the
    policy for a resume decides. A run that is still live is treated as the overlap
    policy says, an instant in a blackout window as the window says.
    """
    graph = current_graph(workflow)
    if graph is None or task.scheduled_for is None:
        return
    schedule = planning.schedule_in(graph, task.activity)
    window = planning.blackout_at(workflow, schedule, at)
    if window is not None and window.blackout.policy is BlackoutPolicy.DEFER:
        _defer(workflow, task, window, at)
        return
    decision = decide(workflow, task, schedule, at, held=hold is not None)
    _record_skipped(workflow, task.activity, decision, at, hold)
    begun = 0
    for instant in decision.fire:
        if window is not None:
            _skip_blacked_out(workflow, task, instant, at, window.blackout.name)
            continue
        begun += _fire_instant(workflow, task, instant, at, decision, nth=begun)
    task.iterations += begun
    planning.set_plan(task, workflow, schedule, decision.next)
    task.save(update_fields=["iterations", "scheduled_for", "process_at"])
    if decision.next is None:
        _expire(workflow, task, at)


def decide(
    workflow: Workflow, task: Task, schedule: Schedule, at: datetime, *, held: bool
) -> Decision:
    """Return what fires now for the planned instants that have come.

    Instants that a blackout window put off fire as one.
    """
    if task.scheduled_for is None:
        raise LookupError(f"The task {task.pk} has no planned instant")
    policy = schedule.resume_policy if held else None
    zone = planning.zone_of(workflow, schedule)
    if workflow.blackouts:
        window = calendar.covering(
            planning.blackouts_of(workflow), task.scheduled_for, zone=zone
        )
        if window is not None and window.blackout.policy is BlackoutPolicy.DEFER:
            policy = calendar.Policy.FIRE_ONCE
            # A delay that the window made is no lateness.
            schedule = replace(schedule, max_lateness_seconds=None)
    return calendar.plan(
        schedule,
        task.scheduled_for,
        at,
        zone=zone,
        policy=policy,
        count_so_far=task.iterations,
        seed=planning.jitter_seed(workflow, task.activity),
        blackouts=planning.blackouts_of(workflow),
    )


def _defer(
    workflow: Workflow, task: Task, window: calendar.Window, at: datetime
) -> None:
    """Put the firing off to the end of a blackout window."""
    task.process_at = window.ends
    task.save(update_fields=["process_at"])
    journal.write(
        workflow,
        "The planned run waits for the end of the blackout %(window)s, until %(end)s.",
        at=at,
        task=task,
        window=window.blackout.name,
        end=window.ends.isoformat(),
    )


def _skip_blacked_out(
    workflow: Workflow, task: Task, instant: datetime, at: datetime, name: str
) -> None:
    Occurrence.objects.create(
        workflow=workflow,
        activity=task.activity,
        scheduled_for=instant,
        last_scheduled_for=instant,
        outcome=OccurrenceOutcome.SKIPPED_BLACKOUT,
        reason=name,
        late_seconds=max(0.0, (at - instant).total_seconds()),
        recorded_at=at,
    )


def account_held(workflow: Workflow, at: datetime) -> None:
    """Write the outcome of instants that have come when a stop ends their task."""
    held = _hold_of_stop(workflow)
    for task in workflow.tasks.filter(
        status=TaskStatus.ACTIVE, activity_type="scheduler", scheduled_for__lte=at
    ):
        account(workflow, task, at, held)


def account(workflow: Workflow, task: Task, at: datetime, held: Hold) -> None:
    """Write one outcome for the planned instants of a scheduler that have come."""
    plan = planning.plan_of(task)
    if plan is None or task.scheduled_for is None or task.scheduled_for > at:
        return
    missed = calendar.missed(
        plan.schedule, task.scheduled_for, at, zone=plan.zone, limit=0
    )
    Occurrence.objects.create(
        workflow=workflow,
        activity=task.activity,
        scheduled_for=task.scheduled_for,
        last_scheduled_for=missed.last or task.scheduled_for,
        count=1 + missed.count,
        outcome=held.outcome,
        reason=held.reason,
        late_seconds=(at - task.scheduled_for).total_seconds(),
        recorded_at=at,
    )


def variables_of(instant: datetime, at: datetime, decision: Decision) -> dict[str, Any]:
    """Return the event variables of a planned run (catch-up variables)."""
    return {
        "scheduledFor": instant.isoformat(),
        "firedAt": at.isoformat(),
        "missedCount": decision.missed_count,
    }


def _fire_instant(
    workflow: Workflow,
    task: Task,
    instant: datetime,
    at: datetime,
    decision: Decision,
    *,
    nth: int,
) -> bool:
    """Begin the run of one instant; return whether it was not skipped.

    The second and later instants of one catch-up wait for the one before.
    """
    live = runs.live_runs(workflow)
    policy = OverlapPolicy(workflow.overlap_policy)
    if live and nth == 0 and policy is OverlapPolicy.SKIP:
        _skip_overlapping(workflow, task, instant, at, live[0])
        return False
    if live and policy is OverlapPolicy.QUEUE and nth == 0 and _waiting(workflow):
        _coalesce(workflow, task, instant, at)
        return False
    run = runs.new_run(
        workflow,
        trigger=RunTrigger.SCHEDULE,
        activity=task.activity,
        at=at,
        scheduled_for=instant,
        variables=variables_of(instant, at, decision),
    )
    run.is_waiting = bool(live) and policy is not OverlapPolicy.PARALLEL
    run.save(force_insert=True)
    reason = f"waits for run {live[0].pk}" if run.is_waiting else ""
    runs.queued_occurrence(run, at, reason=reason).save(force_insert=True)
    if not run.is_waiting:
        runs.set_off(workflow, run, at)
    elif policy is OverlapPolicy.RESTART and nth == 0:
        _replace_live(workflow, live, run, at)
    return True


def _waiting(workflow: Workflow) -> Run | None:
    """Return the oldest run that was let wait, if any."""
    found: Run | None = (
        workflow.runs.filter(status=RunStatus.QUEUED, is_waiting=True)
        .order_by("id")
        .first()
    )
    return found


def _skip_overlapping(
    workflow: Workflow, task: Task, instant: datetime, at: datetime, live: Run
) -> None:
    run = runs.skip(workflow, activity=task.activity, at=at, scheduled_for=instant)
    journal.write(
        workflow,
        "The planned run was skipped: run %(live)s was still running.",
        at=at,
        run=run,
        activity=task.activity,
        live=live.pk,
    )
    occurrence = runs.queued_occurrence(run, at, reason=f"run {live.pk}")
    occurrence.outcome = OccurrenceOutcome.SKIPPED_OVERLAP
    occurrence.save(force_insert=True)


def _coalesce(workflow: Workflow, task: Task, instant: datetime, at: datetime) -> None:
    """Let the run that waits already stand for this instant too."""
    waiting = _waiting(workflow)
    Occurrence.objects.create(
        workflow=workflow,
        activity=task.activity,
        scheduled_for=instant,
        last_scheduled_for=instant,
        outcome=OccurrenceOutcome.COALESCED,
        reason=f"run {waiting.pk}" if waiting else "",
        late_seconds=max(0.0, (at - instant).total_seconds()),
        recorded_at=at,
    )


def _replace_live(
    workflow: Workflow, live: Sequence[Run], successor: Run, at: datetime
) -> None:
    """Cancel the live runs; the successor begins when the last of them has ended.

    An older successor that still waits gives way too.
    """
    older = workflow.runs.filter(
        status=RunStatus.QUEUED, is_waiting=True, pk__lt=successor.pk
    )
    for run in [*live, *older]:
        journal.write(
            workflow,
            "Run %(old)s is cancelled: run %(new)s was planned to begin.",
            at=at,
            run=run,
            old=run.pk,
            new=successor.pk,
        )
        cancelling.cancel_run(run, at, reason=f"replaced by run {successor.pk}")
    begin_waiting(workflow, at)


def begin_waiting(workflow: Workflow, at: datetime) -> bool:
    """Begin the oldest run that was let wait, unless one is live."""
    if runs.live_run(workflow) is not None:
        return False
    run = _waiting(workflow)
    if run is None:
        return False
    run.is_waiting = False
    run.structure_id = runs.structure_of(workflow).pk
    run.save(update_fields=["is_waiting", "structure"])
    runs.set_off(workflow, run, at)
    if not run.is_live:
        begin_waiting(workflow, at)
    return True


def _record_skipped(
    workflow: Workflow,
    activity: str,
    decision: Decision,
    at: datetime,
    hold: Hold | None,
) -> None:
    Occurrence.objects.bulk_create(
        Occurrence(
            workflow=workflow,
            activity=activity,
            scheduled_for=stretch.first,
            last_scheduled_for=stretch.last,
            count=stretch.count,
            outcome=hold.outcome if hold else _OUTCOMES[stretch.reason],
            reason=hold.reason if hold else _reason(workflow, activity, stretch),
            late_seconds=(at - stretch.first).total_seconds(),
            recorded_at=at,
        )
        for stretch in decision.skipped
    )
    skipped = sum(
        s.count for s in decision.skipped if s.reason is not SkipReason.BLACKOUT
    )
    if skipped:
        journal.write(
            workflow,
            "%(count)s planned instants passed without a run of their own.",
            at=at,
            level=Level.WARNING,
            activity=activity,
            count=skipped,
        )


def _reason(workflow: Workflow, activity: str, stretch: Skipped) -> str:
    if stretch.reason is SkipReason.BLACKOUT:
        return planning.covering_name(workflow, activity, stretch.first)
    return stretch.reason.value


def _expire(workflow: Workflow, task: Task, at: datetime) -> None:
    """Tell that the schedule has ended, and end the task of a user's workflow.

    A technical workflow keeps its scheduler waiting, so that saving a new schedule
    is all it takes to go on (our choice).
    """
    journal.write(
        workflow,
        "The schedule has no further instant.",
        at=at,
        level=Level.WARNING,
        task=task,
    )
    if not workflow.is_technical:
        task.status = TaskStatus.COMPLETED
        task.substate = Substate.NONE
        task.completed_at = at
        task.save(update_fields=["status", "substate", "completed_at"])
