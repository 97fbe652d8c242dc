"""What a workflow has in hand at one moment, counted, for comparing two moments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Max, Q

from workflows.engine import calendar, planning
from workflows.engine.structures import current_graph
from workflows.models import (
    Occurrence,
    Run,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

INSTANTS = 3


@dataclass(frozen=True, slots=True)
class Picture:
    """The active tasks, runs, signals and planned instants of a workflow."""

    state: State
    failed: bool
    version: int
    resume_at: datetime | None
    variables: int
    # Number of each active task with what it does: its substate, and whether it
    # belongs to a run.
    tasks: dict[int, Substate] = field(default_factory=dict)
    own: frozenset[int] = frozenset()
    asked: frozenset[int] = frozenset()
    failed_tasks: frozenset[int] = frozenset()
    live: frozenset[int] = frozenset()
    waiting: frozenset[int] = frozenset()
    signals: int = 0
    instants: tuple[datetime, ...] = ()
    newest_occurrence: int = 0
    newest_run: int = 0

    def of(self, substate: Substate) -> set[int]:
        """Return the tasks of runs that are in a substate."""
        return {pk for pk, s in self.tasks.items() if s == substate and pk in self.own}


def take(workflow: Workflow, at: datetime) -> Picture:
    """Return what the workflow has in hand now. A handful of indexed queries."""
    active = list(
        Task.objects.filter(workflow=workflow, status=TaskStatus.ACTIVE).values_list(
            "pk", "substate", "run_id", "cancel_asked_at"
        )
    )
    live = list(workflow.runs.live().values_list("pk", "is_waiting"))
    # Only live runs have failed tasks that a command could still concern.
    failed = Task.objects.filter(
        run__in=[pk for pk, _waiting in live], status=TaskStatus.FAILED
    )
    return Picture(
        state=State(workflow.state),
        failed=workflow.failed,
        version=workflow.structure.number if workflow.structure else 0,
        resume_at=workflow.resume_at,
        variables=len(workflow.variables),
        tasks={pk: Substate(substate) for pk, substate, _run, _asked in active},
        own=frozenset(pk for pk, _s, run, _asked in active if run is not None),
        asked=frozenset(pk for pk, _s, _run, asked in active if asked is not None),
        failed_tasks=frozenset(failed.values_list("pk", flat=True)),
        live=frozenset(pk for pk, waits in live if not waits),
        waiting=frozenset(pk for pk, waits in live if waits),
        signals=workflow.signals.filter(consumed_at=None).count(),
        instants=planned_instants(workflow, at),
        newest_occurrence=_newest(Occurrence, workflow),
        newest_run=_newest(Run, workflow),
    )


def _newest(model: type[Occurrence] | type[Run], workflow: Workflow) -> int:
    found = model.objects.filter(workflow=workflow).aggregate(newest=Max("pk"))
    return found["newest"] or 0


def planned_instants(
    workflow: Workflow, at: datetime, count: int = INSTANTS
) -> tuple[datetime, ...]:
    """Return the next planned instants of all schedulers, soonest first."""
    graph = current_graph(workflow)
    if graph is None:
        return ()
    found: list[datetime] = []
    pending = Task.objects.filter(
        Q(scheduled_for__isnull=False),
        workflow=workflow,
        status=TaskStatus.ACTIVE,
        activity_type="scheduler",
        run=None,
    )
    for task in pending:
        if task.scheduled_for is None or task.activity not in graph.by_name:
            continue
        schedule = planning.schedule_in(graph, task.activity)
        found.append(task.scheduled_for)
        found += calendar.occurrences(
            schedule,
            max(task.scheduled_for, at),
            count,
            zone=planning.zone_of(workflow, schedule),
            count_so_far=task.iterations + 1,
        )
    return tuple(sorted(instant for instant in set(found) if instant > at)[:count])


def instants_until(workflow: Workflow, at: datetime, end: datetime) -> int:
    """Return how many planned instants lie between two moments, ``end`` excluded."""
    graph = current_graph(workflow)
    if graph is None:
        return 0
    total = 0
    for task in Task.objects.filter(
        workflow=workflow, status=TaskStatus.ACTIVE, activity_type="scheduler", run=None
    ):
        if task.scheduled_for is None or task.scheduled_for >= end:
            continue
        schedule = planning.schedule_in(graph, task.activity)
        zone = planning.zone_of(workflow, schedule)
        rest = calendar.missed(schedule, task.scheduled_for, end, zone=zone, limit=0)
        total += 1 + rest.count
    return total
