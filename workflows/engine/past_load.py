"""The load of the days gone by: when workflows were at work, from their runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from workflows.engine.forecast import Profile, Span
from workflows.models import Run, RunStatus, Task, Workflow

#: Runs are read that began at most so long before.
LOOK_BACK: Final = timedelta(days=7)
#: So many runs of one look are read, the newest of them.
MOST_RUNS: Final = 200_000
#: So many runs of one cell are listed.
MOST_LISTED: Final = 50
# A queued or skipped run was never at work.
_NEVER_AT_WORK: Final = (RunStatus.QUEUED, RunStatus.SKIPPED)


@dataclass(frozen=True, slots=True)
class PastFilter:
    """Which runs count; ``among`` are keys of workflows, None stands for all."""

    least_seconds: int = 0
    workflow: str = ""
    is_technical: bool | None = None
    among: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """When workflows were at work; ``is_cut`` when there were too many runs."""

    profile: Profile
    runs: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Worked:
    """A run at work, and its tasks at work, within one cell."""

    run: Run
    seconds: float
    tasks: tuple[Task, ...]


def past_load(
    first: datetime, until: datetime, chosen: PastFilter, at: datetime
) -> Past:
    """Return the load of ``[first, until)``; what still runs, runs until ``at``.

    One query.
    """
    rows = list(
        runs_between(first, until, chosen, at)
        .order_by("-started_at")
        .values_list("workflow_id", "started_at", "ended_at")[: MOST_RUNS + 1]
    )
    spans = []
    for key, started_at, ended_at in rows[:MOST_RUNS]:
        if started_at is None:  # never: the filter asks for a beginning
            continue
        begins = int(started_at.timestamp())
        # A run of less than a second was at work in that second.
        ends = int((ended_at or at).timestamp())
        spans.append(Span(key, begins, max(ends, begins + 1)))
    return Past(Profile.of(spans), min(len(rows), MOST_RUNS), len(rows) > MOST_RUNS)


def runs_between(
    first: datetime, until: datetime, chosen: PastFilter, at: datetime
) -> QuerySet[Run]:
    """Return the runs at work within ``[first, until)``.

    Sub-workflows count as part of the run that called them. Reads the index of the
    beginnings, from a week before on: a run that lasted longer is not met.
    """
    second = timedelta(seconds=1)
    runs = Run.objects.filter(
        Q(ended_at__isnull=True)
        | Q(ended_at__gt=first)
        # See past_load: each run fills the second in which it began.
        | Q(started_at__gt=first - second),
        started_at__gte=first - LOOK_BACK,
        started_at__lt=min(until, at),
        parent_task__isnull=True,
    ).exclude(status__in=_NEVER_AT_WORK)
    if chosen.least_seconds:
        runs = runs.filter(
            started_at__lte=Coalesce(F("ended_at"), at)
            - timedelta(seconds=chosen.least_seconds)
        )
    if chosen.workflow:
        runs = runs.filter(
            workflow__in=Workflow.objects.filter(internal_name=chosen.workflow)
        )
    if chosen.is_technical is not None:
        runs = runs.filter(workflow__is_technical=chosen.is_technical)
    if chosen.among is not None:
        runs = runs.filter(workflow__in=chosen.among)
    return runs


def at_work(
    first: datetime, until: datetime, chosen: PastFilter, at: datetime
) -> list[Worked]:
    """Return the runs of a cell with the tasks that worked in it. Two queries."""
    runs = list(
        runs_between(first, until, chosen, at)
        .select_related("workflow")
        .order_by("started_at", "id")[:MOST_LISTED]
    )
    tasks: dict[int, list[Task]] = {run.pk: [] for run in runs}
    found = Task.objects.filter(
        Q(completed_at__isnull=True) | Q(completed_at__gte=first),
        run__in=tasks,
        started_at__lt=until,
    )
    for task in found.defer("variables", "own_variables", "traceback").order_by("id"):
        if task.run_id is not None:
            tasks[task.run_id].append(task)
    return [
        Worked(
            run,
            ((run.ended_at or at) - (run.started_at or at)).total_seconds(),
            tuple(tasks[run.pk]),
        )
        for run in runs
    ]
