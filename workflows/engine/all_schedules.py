"""The schedules of all workflows in one list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import Q

from workflows import registry
from workflows.engine import load, planning
from workflows.engine.calendar import Schedule, ScheduleError
from workflows.engine.calendar.instants import to_seconds
from workflows.engine.schedule_text import describe
from workflows.models import Workflow

SHOWN_NEXT: Final = 3


@dataclass(frozen=True, slots=True)
class Listed:
    """A schedule in the list of all: sentence, zone, what comes next.

    ``text`` is empty for a stored form that this version does not understand.
    ``hours`` are those, counted from the first instant of the list, in which it
    begins.
    """

    workflow: Workflow
    activity: str
    text: str
    zone: str
    instants: tuple[datetime, ...]
    starts: int
    hours: tuple[int, ...]
    is_planned: bool


def schedules_listed(
    found: load.Forecast,
    first: datetime,
    until: datetime,
    *,
    text: str = "",
    package: str = "",
) -> list[Listed]:
    """Return every scheduler of the visible workflows, by label. One query."""
    workflows = Workflow.objects.visible().filter(named(text.strip()))
    if package:
        workflows = workflows.filter(package=package)
    planned = {(item.workflow.pk, item.activity): item for item in found.planned}
    listed = [
        _listed(workflow, activity, planned, first, until)
        for workflow in workflows.select_related("structure")
        for activity in (workflow.structure.activities if workflow.structure else ())
        if activity["type"] == "scheduler"
    ]
    return sorted(listed, key=lambda row: (row.workflow.label.casefold(), row.activity))


def named(text: str) -> Q:
    """Return the condition that a label, in any language, or a name has ``text``."""
    if not text:
        return Q()
    known = [
        entry.internal_name
        for entry in registry.catalogue().values()
        if any(text.casefold() in label.casefold() for label in entry.labels.values())
    ]
    return (
        Q(internal_name__icontains=text)
        | Q(own_label__icontains=text)
        | Q(own_label="", internal_name__in=known)
    )


def _listed(
    workflow: Workflow,
    activity: dict[str, Any],
    planned: dict[tuple[int, str], load.Planned],
    first: datetime,
    until: datetime,
) -> Listed:
    name = activity["name"]
    item = planned.get((workflow.pk, name))
    if item is None:
        sentence, zone = _at_rest(workflow, activity)
        return Listed(workflow, name, sentence, zone, (), 0, (), False)
    low, high = to_seconds(first), to_seconds(until)
    if item.is_always_on:
        hours = tuple(range((high - low) // 3600))
    else:
        inside = {(at - low) // 3600 for at in item.instants if low <= at < high}
        hours = tuple(sorted(inside))
    return Listed(
        workflow,
        name,
        describe(item.schedule),
        item.zone.key,
        tuple(datetime.fromtimestamp(at, UTC) for at in item.instants[:SHOWN_NEXT]),
        item.starts,
        hours,
        True,
    )


def _at_rest(workflow: Workflow, activity: dict[str, Any]) -> tuple[str, str]:
    try:
        schedule = Schedule.parse(activity.get("parameters", {}).get("schedule") or {})
        return describe(schedule), planning.zone_of(workflow, schedule).key
    except (ScheduleError, ValueError):
        return "", ""
