"""The scheduler: it owns the schedule of a workflow."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from workflows.activities.base import ActivityType, register
from workflows.activities.kinds import SchedulePlan


@register
class Scheduler(ActivityType):
    """Fires at planned instants (scheduler.md)."""

    name = "scheduler"
    label = gettext_lazy("Scheduler")
    help_text = gettext_lazy("Begins a run at each instant of its schedule.")
    icon = "calendar-time"
    is_persistent = True
    is_initial_only = True
    parameters = (
        SchedulePlan(
            name="schedule",
            label=gettext_lazy("Schedule"),
            help_text=gettext_lazy("When runs begin, and what happens to missed ones."),
            required=True,
        ),
    )
