"""The scheduler: it owns the schedule of a workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from workflows.activities.base import ActivityType, register
from workflows.engine.calendar import Schedule, ScheduleError
from workflows.exceptions import Fault


@register
class Scheduler(ActivityType):
    """Fires at planned instants (scheduler.md). Parameter: ``schedule``."""

    name = "scheduler"
    label = gettext_lazy("Scheduler")
    icon = "calendar-time"
    is_persistent = True
    is_initial_only = True

    def faults(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Return the faults of the schedule."""
        try:
            Schedule.parse(parameters.get("schedule") or {})
        except ScheduleError as error:
            return [Fault(fault.field, fault.message) for fault in error.faults]
        return []
