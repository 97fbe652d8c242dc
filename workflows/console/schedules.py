"""The schedules of a workflow as its pages read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from workflows.engine.calendar import Schedule, ScheduleError
from workflows.engine.schedule_text import describe
from workflows.models import Workflow


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
