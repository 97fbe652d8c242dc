"""Between a workflow's structure and the calendar: which instant is next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from workflows import conf
from workflows.engine import calendar
from workflows.engine.calendar import Blackout, Schedule, Window
from workflows.engine.graph import Graph
from workflows.engine.structures import current_graph
from workflows.models import Occurrence, Task, Workflow


def zone_of(workflow: Workflow, schedule: Schedule) -> ZoneInfo:
    """Return the zone in which the schedule of ``workflow`` is computed."""
    return calendar.resolve_zone(
        schedule.tz,
        workflow_tz=workflow.time_zone,
        server_tz=conf.server_zone(),
        database_tz="UTC",
    )


def schedule_in(graph: Graph, activity: str) -> Schedule:
    """Return the schedule of a scheduler activity."""
    return Schedule.parse(graph.by_name[activity].parameters["schedule"])


def jitter_seed(workflow: Workflow, activity: str) -> str:
    """Return what makes the random delays of one scheduler its own."""
    return f"{workflow.pk}/{activity}"


def due_instant(
    workflow: Workflow, activity: str, schedule: Schedule, planned: datetime | None
) -> datetime | None:
    """Return when to fire for the planned instant: later by the random delay."""
    if planned is None:
        return None
    return calendar.jittered(planned, schedule, jitter_seed(workflow, activity))


def first_planned(
    workflow: Workflow, activity: str, schedule: Schedule, at: datetime
) -> datetime | None:
    """Return the first instant for a scheduler that is activated at ``at``.

    Never one that has its outcome: the order may have waited for the workflow's row
    while the clock fired, or the clocks of the host were set back. One query.
    """
    zone = zone_of(workflow, schedule)
    planned = calendar.first_due(schedule, at, zone=zone)
    told: datetime | None = (
        Occurrence.objects.filter(workflow=workflow, activity=activity)
        .order_by("-scheduled_for")
        .values_list("last_scheduled_for", flat=True)
        .first()
    )
    if planned is not None and told is not None and planned <= told:
        return calendar.next_after(schedule, told, zone=zone)
    return planned


@dataclass(frozen=True, slots=True)
class Plan:
    """The schedule that a pending scheduler task was planned by, and its zone."""

    schedule: Schedule
    zone: ZoneInfo


def plan_of(task: Task) -> Plan | None:
    """Return what the pending scheduler task was planned by."""
    kept = task.own_variables.get("plan")
    if kept is None:
        return None
    zone = calendar.find_zone(kept["zone"])
    return Plan(Schedule.parse(kept["schedule"]), zone) if zone else None


def keep_plan(task: Task, workflow: Workflow, schedule: Schedule) -> None:
    """Note on the scheduler task what it is planned by, unsaved."""
    task.own_variables = {
        "plan": {
            "schedule": schedule.as_dict(),
            "zone": zone_of(workflow, schedule).key,
        }
    }


def set_plan(
    task: Task, workflow: Workflow, schedule: Schedule, planned: datetime | None
) -> None:
    """Put the planned instant on the pending scheduler task, unsaved."""
    task.scheduled_for = planned
    task.process_at = due_instant(workflow, task.activity, schedule, planned)


def blackouts_of(workflow: Workflow) -> tuple[Blackout, ...]:
    """Return the windows in which no planned run of the workflow begins."""
    return Blackout.parse_all(workflow.blackouts) if workflow.blackouts else ()


def blackout_at(
    workflow: Workflow, schedule: Schedule, instant: datetime
) -> Window | None:
    """Return the blackout window that ``instant`` lies in, if any."""
    if not workflow.blackouts:
        return None
    return calendar.covering(
        blackouts_of(workflow), instant, zone=zone_of(workflow, schedule)
    )


def covering_name(workflow: Workflow, activity: str, instant: datetime) -> str:
    """Return the name of the blackout that an instant of a scheduler lies in."""
    graph = current_graph(workflow)
    if graph is None:
        return ""
    window = blackout_at(workflow, schedule_in(graph, activity), instant)
    return window.blackout.name if window else ""
