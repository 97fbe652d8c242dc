"""Started workflows without a run where two were planned: the dead-man's handle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice

from django.db import connection

from workflows.engine import calendar, planning
from workflows.engine.calendar import Blackout, Schedule, ScheduleError
from workflows.models import Command, CommandStatus, StructureVersion, Workflow

# How long after its instant a run may still begin in peace.
GRACE = timedelta(seconds=60)
PERIODS = 2
# In blackout windows nothing is planned: so many instants are looked through for two.
_LOOKED_THROUGH = 200
# The range of one keeps to the index of the workflow (see durations).
_QUIET = """
SELECT w.id, greatest(last.began, w.last_start, v.created_at, f.ended_at) AS since,
    s.iterations
FROM workflows_workflow w JOIN workflows_structureversion v ON v.id = w.structure_id
LEFT JOIN LATERAL (
    SELECT coalesce(newest.started_at, newest.created_at) AS began FROM (
        SELECT * FROM workflows_run WHERE workflow_id BETWEEN w.id AND w.id
        ORDER BY workflow_id, id DESC LIMIT 50
    ) AS newest
    WHERE newest.status <> 'skipped' ORDER BY newest.id DESC LIMIT 1
) AS last ON true
LEFT JOIN LATERAL (
    SELECT max(t.iterations) AS iterations FROM workflows_task t
    WHERE t.workflow_id = w.id AND t.status = 'active'
        AND t.activity_type = 'scheduler'
) AS s ON true
CROSS JOIN (SELECT max(ended_at) AS ended_at FROM workflows_freeze) AS f
WHERE w.state = 'started' AND w.is_technical AND NOT EXISTS (
    SELECT 1 FROM workflows_run r WHERE r.workflow_id = w.id
        AND r.status IN ('queued', 'running', 'deferred', 'failed')
        AND r.ended_at IS NULL
)
"""


@dataclass(frozen=True, slots=True)
class Missed:
    """A workflow and the two planned instants at which nothing began."""

    workflow: Workflow
    first: datetime
    second: datetime


def find(at: datetime) -> Iterator[Missed]:
    """Return the workflows that missed two planned runs. Two queries and a few.

    A live run, a freeze, a blackout window and what was planned before the last start
    or resume are no reason for an alarm.
    """
    with connection.cursor() as cursor:
        cursor.execute(_QUIET)
        quiet = {key: (since, fired) for key, since, fired in cursor.fetchall()}
    workflows = Workflow.objects.filter(pk__in=quiet).defer("variables", "description")
    for workflow in workflows:
        since, fired = quiet[workflow.pk]
        if since is None or workflow.structure_id is None:
            continue
        found = _first_two(workflow, since, at, fired)
        if found is None:
            continue
        resumed = _last_order(workflow)
        if resumed is not None and resumed > since:
            found = _first_two(workflow, resumed, at, fired)
        if found is not None:
            yield Missed(workflow, *found)


def _first_two(
    workflow: Workflow, since: datetime, at: datetime, fired: int | None
) -> tuple[datetime, datetime] | None:
    """Return the first two planned instants after ``since`` if both have passed."""
    for schedule in schedules_of(workflow.structure_id or 0):
        if fired is None and schedule.firings_left(0) is not None:
            continue  # it ended after its number of firings
        zone = planning.zone_of(workflow, schedule)
        blackouts = Blackout.parse_all(workflow.blackouts) if workflow.blackouts else ()
        planned = calendar.occurrences(
            schedule, since, _LOOKED_THROUGH if blackouts else PERIODS, zone=zone
        )
        due = (
            instant
            for instant in planned
            if not blackouts or calendar.covering(blackouts, instant, zone=zone) is None
        )
        firsts = list(islice(due, PERIODS))
        if len(firsts) == PERIODS and firsts[-1] + GRACE <= at:
            return firsts[0], firsts[1]
    return None


@lru_cache(maxsize=2_000)
def schedules_of(structure_id: int) -> tuple[Schedule, ...]:
    """Return the schedules of a structure, which never change. One query at most."""
    graph = (
        StructureVersion.objects.filter(pk=structure_id)
        .values_list("graph", flat=True)
        .first()
    ) or {"activities": []}
    found = []
    for activity in graph["activities"]:
        stored = (activity.get("parameters") or {}).get("schedule")
        if activity["type"] == "scheduler" and stored:
            try:
                found.append(Schedule.parse(stored))
            except ScheduleError:
                continue  # the workflow is in error for it, which was told
    return tuple(found)


def _last_order(workflow: Workflow) -> datetime | None:
    """Return when a command or a new schedule last planned the workflow anew."""
    return (
        Command.objects.filter(workflow=workflow, status=CommandStatus.APPLIED)
        .order_by("-pk")
        .values_list("applied_at", flat=True)
        .first()
    )
