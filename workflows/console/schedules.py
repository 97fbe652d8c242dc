"""The schedules of a workflow as its pages read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from workflows.console import queries
from workflows.engine import load, planning
from workflows.engine.calendar import Schedule, ScheduleError
from workflows.engine.load import Forecast
from workflows.engine.schedule_text import describe
from workflows.models import Workflow

SHOWN_NEXT = 3


@dataclass(frozen=True, slots=True)
class Planned:
    """A scheduler activity and its stored schedule."""

    activity: str
    label: str
    stored: dict[str, Any]

    @property
    def text(self) -> str:
        """Return the sentence, or that the stored form is not understood."""
        try:
            return describe(Schedule.parse(self.stored))
        except ScheduleError:
            return _("A schedule that this version does not understand")


def schedules_of(workflow: Workflow) -> list[Planned]:
    """Return the scheduler activities in stored order. No SQL with the structure."""
    if workflow.structure is None:
        return []
    return [
        Planned(
            activity["name"],
            activity.get("label") or activity["name"],
            dict(activity.get("parameters", {}).get("schedule") or {}),
        )
        for activity in workflow.structure.activities
        if activity["type"] == "scheduler"
    ]


def has_signal(workflow: Workflow) -> bool:
    """Return whether an external signal can begin a run."""
    structure = workflow.structure
    return structure is not None and any(
        activity["type"] == "signal" for activity in structure.activities
    )


def schedule_text(workflow: Workflow) -> str:
    """Return in words when the workflow runs."""
    texts = [planned.text for planned in schedules_of(workflow)]
    if has_signal(workflow):
        texts.append(_("on signal"))
    return ", ".join(texts) or _("Only by hand")


@dataclass(frozen=True, slots=True)
class Listed:
    """A schedule in the list of all: sentence, zone, what comes next."""

    workflow: Workflow
    activity: str
    text: str
    zone: str
    instants: tuple[datetime, ...]
    starts: int
    marks: tuple[int, ...]
    is_planned: bool


def schedules_listed(
    found: Forecast,
    first: datetime,
    until: datetime,
    *,
    text: str = "",
    package: str = "",
) -> list[Listed]:
    """Return every scheduler of the visible workflows, by label. One query.

    ``marks`` are the hours, from ``first`` on, in which it begins.
    """
    workflows = queries.search(Workflow.objects.visible(), text)
    if package:
        workflows = workflows.filter(package=package)
    planned = {(item.workflow.pk, item.activity): item for item in found.planned}
    listed = [
        _listed(workflow, each, planned.get((workflow.pk, each.activity)), first, until)
        for workflow in workflows.select_related("structure")
        for each in schedules_of(workflow)
    ]
    return sorted(listed, key=lambda row: (row.workflow.label.casefold(), row.activity))


def _listed(
    workflow: Workflow,
    each: Planned,
    item: load.Planned | None,
    first: datetime,
    until: datetime,
) -> Listed:
    low, high = int(first.timestamp()), int(until.timestamp())
    if item is None:
        return Listed(
            workflow, each.activity, each.text, _zone(workflow, each), (), 0, (), False
        )
    inside = [at for at in item.instants if low <= at < high]
    hours = (
        range((high - low) // 3600)
        if item.is_always_on
        else sorted({(at - low) // 3600 for at in inside})
    )
    following = [datetime.fromtimestamp(at, UTC) for at in item.instants[:SHOWN_NEXT]]
    return Listed(
        workflow,
        each.activity,
        describe(item.schedule),
        item.zone.key,
        tuple(following),
        item.total,
        tuple(hours),
        True,
    )


def _zone(workflow: Workflow, each: Planned) -> str:
    try:
        return planning.zone_of(workflow, Schedule.parse(each.stored)).key
    except (ScheduleError, ValueError):
        return ""
