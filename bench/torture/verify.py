"""Reading from the database whether every promise was kept.

Called when every workload is stopped and has come to rest.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from bench.torture.phases import ended_at, phases
from bench.torture.verdict import Check
from bench.torture.workloads import (
    BY_NAME,
    SIGNAL_NUMBER,
    SLICES,
    WORKLOADS,
    Kind,
    Workload,
)
from workflows.engine import calendar
from workflows.engine.calendar import Schedule
from workflows.engine.claiming import LOCK_CLASS
from workflows.engine.rescue import LOST
from workflows.models import (
    Command,
    CommandStatus,
    Occurrence,
    OccurrenceOutcome,
    OverlapPolicy,
    Run,
    RunStatus,
    Signal,
    Task,
    TaskStatus,
    Workflow,
)

_UTC = ZoneInfo("UTC")
_SECOND = timedelta(seconds=1)
_ALL = 10**7
_REST_SECONDS = 15.0
_FINAL = (
    RunStatus.FINISHED,
    RunStatus.FINISHED_WITH_ERRORS,
    RunStatus.SKIPPED,
    RunStatus.CANCELLED,
)
_PERSISTENT = ("scheduler", "signal")


def planned(schedule: Schedule, after: datetime, until: datetime) -> list[datetime]:
    """Return the instants of the calendar in ``(after, until]``."""
    found = calendar.missed(schedule, after, until, zone=_UTC, limit=_ALL)
    return list(found.instants)


def rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall()


def _workflow(workload: Workload) -> Workflow:
    return Workflow.objects.get(internal_name=workload.internal_name)


def check_instants(returned_at: Mapping[int, datetime]) -> Check:
    """Hold the occurrences against the calendar."""
    check = Check("Every planned instant has exactly one outcome")
    for workload in WORKLOADS:
        workflow = _workflow(workload)
        name = workload.internal_name
        schedule = Schedule.parse(workload.entry().schedule or {})
        found = Counter(_instants(check, workflow, schedule))
        allowed: set[datetime] = set()
        try:
            started = phases(workflow, returned_at)
        except ValueError as error:
            check.expect(False, str(error))
            continue
        for phase in started:
            due = planned(schedule, phase.since, phase.until)
            for instant in due:
                check.expect(
                    found[instant] == 1,
                    f"{name}: {instant:%H:%M:%S} has {found[instant]} outcomes"
                    f" (started {phase.since:%H:%M:%S.%f} to"
                    f" {phase.until:%H:%M:%S.%f})",
                )
            allowed |= {*due, *planned(schedule, phase.until, phase.grace)}
        for instant in sorted(found.keys() - allowed):
            check.expect(False, f"{name}: {instant:%H:%M:%S} has an unwanted outcome")
    return check


def _instants(
    check: Check, workflow: Workflow, schedule: Schedule
) -> Iterable[datetime]:
    """Yield each instant that an outcome was written for."""
    for row in Occurrence.objects.filter(workflow=workflow):
        stretch = planned(schedule, row.scheduled_for - _SECOND, row.last_scheduled_for)
        check.expect(
            len(stretch) == row.count and row.outcome != OccurrenceOutcome.QUEUED,
            f"{workflow}: the row of {row.scheduled_for:%H:%M:%S} says {row.count}"
            f" instants, {row.outcome}; the calendar has {len(stretch)}",
        )
        yield from (instant.astimezone(UTC) for instant in stretch)


def check_runs_of_instants() -> Check:
    """Look for two runs of one planned instant, and for outcomes without a run."""
    check = Check("Every planned instant has at most one run")
    for name, instant, count in rows(
        "SELECT w.internal_name, r.scheduled_for, count(*) FROM workflows_run r"
        " JOIN workflows_workflow w ON w.id = r.workflow_id"
        " WHERE r.trigger = 'schedule' AND r.status <> 'skipped'"
        " AND starts_with(w.internal_name, 'torture') GROUP BY 1, 2"
    ):
        check.expect(count == 1, f"{name}: {count} runs for {instant:%H:%M:%S}")
    ran = (OccurrenceOutcome.RAN, OccurrenceOutcome.RAN_LATE)
    for row in Occurrence.objects.filter(
        workflow__internal_name__in=BY_NAME, outcome__in=ran
    ).select_related("workflow", "run"):
        check.expect(
            row.run is not None and row.run.ended_at is not None,
            f"{row.workflow}: {row.scheduled_for:%H:%M:%S} ran without a run",
        )
    return check


def check_once() -> Check:
    """Look for effects that happened twice though they must not."""
    check = Check("Every at-most-once effect happened at most once")
    for workflow, run, step, count in rows(
        "SELECT workflow, run_id, step, count(*) FROM torture.once GROUP BY 1, 2, 3"
    ):
        check.expect(count == 1, f"{workflow}: {step} of run {run} happened {count} ×")
    for run in _ended_runs(is_repeatable=False):
        steps = [step for (step,) in _effects("once", run)]
        wanted = BY_NAME[run.workflow.internal_name].kind.steps
        if run.status == RunStatus.FINISHED:
            check.expect(
                sorted(steps) == sorted(wanted),
                f"{run.workflow}: run {run.pk} finished with the effects {steps}",
            )
        else:
            check.expect(
                run.tasks.filter(status=TaskStatus.FAILED).exists(),
                f"{run.workflow}: run {run.pk} has errors but no failed task",
            )
    return check


def check_kept() -> Check:
    """Look for repeatable effects that a finished run lacks."""
    check = Check("Every idempotent effect of a finished run happened exactly once")
    for run in _ended_runs(is_repeatable=True):
        steps = sorted(step for (step,) in _effects("kept", run))
        wanted = sorted(BY_NAME[run.workflow.internal_name].kind.steps)
        check.expect(
            steps == wanted and run.status == RunStatus.FINISHED,
            f"{run.workflow}: run {run.pk} is {run.status} with the effects {steps}",
        )
    return check


def _ended_runs(*, is_repeatable: bool) -> Iterable[Run]:
    names = [
        w.internal_name for w in WORKLOADS if w.kind.is_repeatable == is_repeatable
    ]
    return Run.objects.filter(
        workflow__internal_name__in=names,
        status__in=(RunStatus.FINISHED, RunStatus.FINISHED_WITH_ERRORS),
    ).select_related("workflow")


def _effects(table: str, run: Run) -> list[tuple[Any, ...]]:
    return rows(f"SELECT step FROM torture.{table} WHERE run_id = %s", run.pk)  # noqa: S608


def check_claims() -> Check:
    """Look for handlers that one claim executed twice, and for effects of no run."""
    check = Check("Every claim of a task executed its handler once")
    for workflow, task, epoch, count in rows(
        "SELECT workflow, task_id, epoch, count(*) FROM torture.attempt"
        " GROUP BY 1, 2, 3"
    ):
        check.expect(
            count == 1, f"{workflow}: task {task}, epoch {epoch}, began {count} ×"
        )
    for table in ("attempt", "kept", "once"):
        for (run,) in rows(
            f"SELECT DISTINCT e.run_id FROM torture.{table} e"  # noqa: S608
            " LEFT JOIN workflows_run r ON r.id = e.run_id WHERE r.id IS NULL"
        ):
            check.expect(False, f"an effect in {table} belongs to no run ({run})")
    return check


def check_tasks() -> Check:
    """Look for tasks executed more than once, where nobody died meanwhile."""
    check = Check("Every task was executed exactly once")
    sliced = f"torture{Kind.SLICED}%"
    for workflow, task, count in rows(
        "SELECT workflow, task_id, count(*) FROM torture.attempt"
        " WHERE workflow NOT LIKE %s GROUP BY 1, 2",
        sliced,
    ):
        check.expect(count == 1, f"{workflow}: task {task} began {count} ×")
    for workflow, run, count in rows(
        "SELECT workflow, run_id, count(*) FROM torture.attempt"
        " WHERE workflow LIKE %s GROUP BY 1, 2",
        sliced,
    ):
        check.expect(count <= SLICES, f"{workflow}: run {run} had {count} slices")
    for workflow, task in rows(
        "SELECT w.internal_name, t.id FROM workflows_task t JOIN workflows_workflow w"
        " ON w.id = t.workflow_id LEFT JOIN torture.attempt a ON a.task_id = t.id"
        " WHERE starts_with(w.internal_name, 'torture') AND t.activity_type = 'script'"
        " AND t.status = 'completed' AND a.id IS NULL"
    ):
        check.expect(False, f"{workflow}: task {task} was never executed")
    for name, worker in rows(
        "SELECT w.internal_name, j.parameters->>'worker' FROM workflows_journalentry j"
        " JOIN workflows_workflow w ON w.id = j.workflow_id WHERE j.message = %s",
        str(LOST),
    ):
        check.expect(False, f"{name}: work of {worker}, which lives, was taken over")
    return check


def check_orders(taken: int, faults: list[str]) -> Check:
    """Tell the orders that ended in an error of ours."""
    check = Check("Every order was executed, or refused with its reason", taken)
    for fault in faults:
        check.expect(False, fault)
    return check


def check_signals(numbers: set[int]) -> Check:
    """Follow every accepted signal to its run and its effect."""
    check = Check("Every accepted signal had its run, unless a stop ended it")
    ends = {
        name: ended_at(Workflow.objects.get(internal_name=name))
        for name in (w.internal_name for w in WORKLOADS if w.kind is Kind.SIGNALLED)
    }
    stored = {
        signal.variables.get(SIGNAL_NUMBER): signal
        for signal in Signal.objects.filter(source="torture").select_related(
            "run", "workflow"
        )
    }
    had = Counter(number for (number,) in rows("SELECT number FROM torture.kept"))
    for number in sorted(numbers):
        signal = stored.get(number)
        if signal is None or signal.consumed_at is None:
            check.expect(False, f"signal {number} was lost")
        elif signal.run is None:
            check.expect(
                signal.consumed_at in ends[signal.workflow.internal_name],
                f"signal {number} was taken at {signal.consumed_at} without a run",
            )
        elif signal.run.status == RunStatus.FINISHED:
            check.expect(
                had[number] == 1, f"signal {number} had its effect {had[number]} ×"
            )
        else:
            check.expect(
                signal.run.status == RunStatus.CANCELLED,
                f"signal {number}: its run {signal.run.pk} is {signal.run.status}",
            )
    return check


def check_overlap() -> Check:
    """Look for runs side by side where the workflow does not allow them."""
    check = Check("Runs lie side by side only where the overlap policy says so")
    for workload in WORKLOADS:
        if workload.properties.get("overlap_policy") == OverlapPolicy.PARALLEL:
            continue
        end, owner = None, 0
        for run in Run.objects.filter(
            workflow__internal_name=workload.internal_name, started_at__isnull=False
        ).order_by("started_at"):
            check.expect(
                not owner or (end is not None and end <= (run.started_at or end)),
                f"{workload.internal_name}: run {run.pk} began before the end of run"
                f" {owner}",
            )
            end, owner = run.ended_at, run.pk
    return check


def check_rest(busy: list[str]) -> Check:
    """Look for what never came to its end."""
    check = Check("Nothing is left open: runs, tasks, commands, locks")
    for name in busy:
        check.expect(False, f"{name} did not come to rest by itself")
    for kind, look in _OPEN.items():
        left = _wait_for_none(look)
        check.expect(not left, f"{kind}: {', '.join(left[:5])} ({len(left)})")
    check.counted += Run.objects.count() + Task.objects.count()
    check.counted += Command.objects.count()
    return check


def _wait_for_none(look: Callable[[], list[str]]) -> list[str]:
    """Return what is left when what was under way has had time to end."""
    deadline = time.monotonic() + _REST_SECONDS
    while (left := look()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return left


def _open_runs() -> list[str]:
    return [
        f"run {run.pk} of {run.workflow} is {run.status}"
        for run in Run.objects.exclude(status__in=_FINAL).select_related("workflow")
    ]


def _open_tasks() -> list[str]:
    return [
        f"task {task.pk} of {task.workflow} is {task.substate}"
        for task in Task.objects.filter(status=TaskStatus.ACTIVE).select_related(
            "workflow"
        )
        if task.activity_type not in _PERSISTENT
        or task.workflow.internal_name in BY_NAME
    ]


def _open_commands() -> list[str]:
    return [
        f"{command.name} of {command.workflow} is {command.status}"
        for command in Command.objects.filter(
            status=CommandStatus.REQUESTED
        ).select_related("workflow")
    ]


def _held_locks() -> list[str]:
    return [
        f"task {task}"
        for (task,) in rows(
            "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s",
            LOCK_CLASS >> 32,
        )
    ]


_OPEN = {
    "open runs": _open_runs,
    "open tasks": _open_tasks,
    "open commands": _open_commands,
    "held locks": _held_locks,
}


def verify(
    *, returned_at: Mapping[int, datetime], signals: set[int], busy: list[str]
) -> list[Check]:
    """Make every check. A violation is told, never raised."""
    rest = check_rest(busy)  # first: it waits for the last of what is under way
    return [
        check_instants(returned_at),
        check_runs_of_instants(),
        check_once(),
        check_kept(),
        check_claims(),
        check_signals(signals),
        check_overlap(),
        rest,
    ]
