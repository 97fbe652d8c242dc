"""Turning planned instants and signals into runs.

Every function expects the workflow's row locked by the caller's transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from workflows.activities import find_type
from workflows.engine import calendar, journal, planning, runs
from workflows.engine.calendar import Decision, Schedule, SkipReason
from workflows.engine.graph import Graph, Node
from workflows.exceptions import AppError
from workflows.models import (
    Command,
    CommandName,
    Level,
    Occurrence,
    OccurrenceOutcome,
    Run,
    RunStatus,
    RunTrigger,
    Signal,
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
}


def fire_schedule(
    workflow: Workflow, task: Task, at: datetime, *, held: bool = False
) -> None:
    """Fire the pending scheduler task and plan its next instant.

    Writes one outcome for every planned instant that has come; ``held`` says that
    a pause, not an outage, kept them. A run that is still live makes the firing a
    skipped one (overlap policy).
    """
    if workflow.structure is None or task.scheduled_for is None:
        return
    graph = Graph.of(workflow.structure.graph)
    schedule = planning.schedule_in(graph, task.activity)
    decision = calendar.plan(
        schedule,
        task.scheduled_for,
        at,
        zone=planning.zone_of(workflow, schedule),
        policy=schedule.resume_policy if held else None,
        count_so_far=task.iterations,
        seed=planning.jitter_seed(workflow, task.activity),
    )
    _record_skipped(workflow, task.activity, decision, at, held=held)
    for instant in decision.fire:
        task.iterations += _fire_instant(workflow, task, instant, at, decision)
    planning.set_plan(task, workflow, schedule, decision.next)
    task.save(update_fields=["iterations", "scheduled_for", "process_at"])
    if decision.next is None:
        _expire(workflow, task, at)


def account_held(workflow: Workflow, at: datetime) -> None:
    """Write the outcome of instants that a pause held when a stop ends them."""
    if workflow.structure is None:
        return
    graph = Graph.of(workflow.structure.graph)
    for task in workflow.tasks.filter(
        status=TaskStatus.ACTIVE, activity_type="scheduler", process_at__lte=at
    ):
        if task.scheduled_for is None:
            continue
        schedule = planning.schedule_in(graph, task.activity)
        missed = calendar.missed(
            schedule,
            task.scheduled_for,
            at,
            zone=planning.zone_of(workflow, schedule),
            limit=0,
        )
        Occurrence.objects.create(
            workflow=workflow,
            activity=task.activity,
            scheduled_for=task.scheduled_for,
            last_scheduled_for=missed.last or task.scheduled_for,
            count=1 + missed.count,
            outcome=OccurrenceOutcome.HELD_PAUSE,
            reason=_who_paused(workflow),
            late_seconds=(at - task.scheduled_for).total_seconds(),
            recorded_at=at,
        )


@dataclass(frozen=True, slots=True)
class _Plain:
    """A due scheduler task whose firing is one run of ordinary tasks."""

    task: Task
    schedule: Schedule
    decision: Decision
    followers: tuple[Node, ...]


def fire_plain(tasks: Sequence[Task], at: datetime) -> list[Task]:
    """Fire the ordinary ones of the due tasks together; return the others.

    Ordinary is a scheduler with one instant to fire and a next one, in a workflow
    without a live run, followed by short activities for workers. A handful of
    statements for all of them; their rows and workflows are locked by the caller.
    """
    live = (
        set(
            Run.objects.filter(
                workflow__in=[task.workflow_id for task in tasks],
                status__in=RunStatus.live(),
            ).values_list("workflow_id", flat=True)
        )
        if tasks
        else set()
    )
    seen: set[int] = set()
    plain: list[_Plain] = []
    others: list[Task] = []
    for task in tasks:
        found = None
        if task.workflow_id not in live and task.workflow_id not in seen:
            found = _plain(task, at)
        if found is None:
            others.append(task)
        else:
            plain.append(found)
        seen.add(task.workflow_id)
    if plain and not _fire_together(plain, at):
        return list(tasks)
    return others


def _plain(task: Task, at: datetime) -> _Plain | None:
    workflow = task.workflow
    if (
        task.activity_type != "scheduler"
        or workflow.structure is None
        or task.scheduled_for is None
    ):
        return None
    try:
        graph = Graph.of(workflow.structure.graph)
        schedule = planning.schedule_in(graph, task.activity)
        decision = calendar.plan(
            schedule,
            task.scheduled_for,
            at,
            zone=planning.zone_of(workflow, schedule),
            count_so_far=task.iterations,
            seed=planning.jitter_seed(workflow, task.activity),
        )
        followers = graph.after(task.activity, "ok")
        types = [(find_type(node.type), node) for node in followers]
        is_plain = all(
            not kind.is_instant and not kind.is_long(node.parameters)
            for kind, node in types
        )
    except (AppError, ValueError, KeyError):
        return None  # told by whoever fires it by itself
    if (
        not followers
        or not is_plain
        or len(decision.fire) != 1
        or decision.skipped
        or decision.next is None
    ):
        return None
    return _Plain(task, schedule, decision, followers)


def _fire_together(plain: Sequence[_Plain], at: datetime) -> bool:
    """Write runs, tasks and occurrences; False, and nothing, when one is refused."""
    fired = [
        (
            each,
            Run(
                workflow=each.task.workflow,
                structure=runs.structure_of(each.task.workflow),
                trigger=RunTrigger.SCHEDULE,
                trigger_activity=each.task.activity,
                scheduled_for=each.decision.fire[0],
                created_at=at,
                variables=_variables(each.decision.fire[0], at, each.decision),
            ),
        )
        for each in plain
    ]
    try:
        with transaction.atomic():
            Run.objects.bulk_create([run for _each, run in fired])
            queued = Task.objects.bulk_create(
                [
                    runs.new_task(each.task.workflow, run, node, run.variables, at)
                    for each, run in fired
                    for node in each.followers
                ]
            )
            Occurrence.objects.bulk_create(
                [_occurrence(each.task, run, at) for each, run in fired]
            )
    except IntegrityError:
        return False
    for each in plain:
        each.task.iterations += 1
        planning.set_plan(
            each.task, each.task.workflow, each.schedule, each.decision.next
        )
    Task.objects.bulk_update(
        [each.task for each in plain], ["iterations", "scheduled_for", "process_at"]
    )
    for name, count in Counter(task.queue for task in queued).items():
        runs.wake(name, count)
    return True


def _variables(instant: datetime, at: datetime, decision: Decision) -> dict[str, Any]:
    return {
        "scheduledFor": instant.isoformat(),
        "firedAt": at.isoformat(),
        "missedCount": decision.missed_count,
    }


def _occurrence(task: Task, run: Run, at: datetime) -> Occurrence:
    instant = run.scheduled_for or at
    return Occurrence(
        workflow=task.workflow,
        activity=task.activity,
        scheduled_for=instant,
        last_scheduled_for=instant,
        outcome=OccurrenceOutcome.QUEUED,
        late_seconds=max(0.0, (at - instant).total_seconds()),
        run=run,
        recorded_at=at,
    )


def _fire_instant(
    workflow: Workflow, task: Task, instant: datetime, at: datetime, decision: Decision
) -> bool:
    """Begin the run of one instant; return whether it was not skipped."""
    live = runs.live_run(workflow)
    if live is not None:
        run = runs.skip(workflow, activity=task.activity, at=at, scheduled_for=instant)
        journal.write(
            workflow,
            "The planned run was skipped: run %(live)s was still running.",
            at=at,
            run=run,
            activity=task.activity,
            live=live.pk,
        )
        outcome, reason = OccurrenceOutcome.SKIPPED_OVERLAP, f"run {live.pk}"
    else:
        run = runs.begin(
            workflow,
            trigger=RunTrigger.SCHEDULE,
            activity=task.activity,
            at=at,
            scheduled_for=instant,
            variables=_variables(instant, at, decision),
        )
        outcome, reason = OccurrenceOutcome.QUEUED, ""
    Occurrence.objects.create(
        workflow=workflow,
        activity=task.activity,
        scheduled_for=instant,
        last_scheduled_for=instant,
        outcome=outcome,
        reason=reason,
        late_seconds=max(0.0, (at - instant).total_seconds()),
        run=run,
        recorded_at=at,
    )
    if live is None and not run.is_live:
        runs.settle_occurrence(run)
    return live is None


def _record_skipped(
    workflow: Workflow, activity: str, decision: Decision, at: datetime, *, held: bool
) -> None:
    reason = _who_paused(workflow) if held else ""
    Occurrence.objects.bulk_create(
        Occurrence(
            workflow=workflow,
            activity=activity,
            scheduled_for=stretch.first,
            last_scheduled_for=stretch.last,
            count=stretch.count,
            outcome=(
                OccurrenceOutcome.HELD_PAUSE if held else _OUTCOMES[stretch.reason]
            ),
            reason=reason or stretch.reason.value,
            late_seconds=(at - stretch.first).total_seconds(),
            recorded_at=at,
        )
        for stretch in decision.skipped
    )
    skipped = sum(s.count for s in decision.skipped)
    if skipped:
        journal.write(
            workflow,
            "%(count)s planned instants passed without a run of their own.",
            at=at,
            level=Level.WARNING,
            activity=activity,
            count=skipped,
        )


def _who_paused(workflow: Workflow) -> str:
    command = Command.objects.filter(workflow=workflow, name=CommandName.PAUSE).first()
    return f"paused by {command.author}" if command and command.author else "paused"


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


def fire_signals(workflow: Workflow, at: datetime) -> bool:
    """Begin the run that the open signals ask for, unless one is live.

    Signals are never skipped: those that come during a run wait for its end, and
    equal ones without variables share one run. Returns whether a run began.
    """
    waiting = list(workflow.signals.filter(consumed_at__isnull=True).order_by("id"))
    if not waiting or runs.live_run(workflow) is not None:
        return False
    first = waiting[0]
    together = [first] if first.variables else _coalesced(waiting)
    run = runs.begin(
        workflow,
        trigger=RunTrigger.SIGNAL,
        activity=first.activity,
        at=at,
        variables=first.variables,
    )
    taken = Signal.objects.filter(pk__in=[s.pk for s in together])
    if first.variables:
        taken.update(consumed_at=at, run=run)
    else:
        taken.delete()  # the run tells all there was to know
    return True


def _coalesced(waiting: Sequence[Signal]) -> list[Signal]:
    return [s for s in waiting if not s.variables and s.activity == waiting[0].activity]
