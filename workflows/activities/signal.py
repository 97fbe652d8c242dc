"""The external signal: an order from outside starts a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from workflows.activities.base import ActivityType, register
from workflows.activities.branching import twins
from workflows.activities.kinds import Choice, Name, Seconds
from workflows.activities.records import ListOf
from workflows.exceptions import Fault

TYPES = ("string", "number", "boolean", "date", "datetime")
_LABELS = {
    "string": gettext_lazy("Text"),
    "number": gettext_lazy("Number"),
    "boolean": gettext_lazy("Yes or no"),
    "date": gettext_lazy("Date"),
    "datetime": gettext_lazy("Date and time"),
}


@register
class ExternalSignal(ActivityType):
    """Waits for a signal (external-signal.md)."""

    name = "signal"
    label = gettext_lazy("External signal")
    help_text = gettext_lazy("Begins a run when another workflow or the API asks it.")
    icon = "bolt"
    is_persistent = True
    is_initial_only = True
    parameters = (
        ListOf(
            name="declared",
            label=gettext_lazy("Parameters"),
            help_text=gettext_lazy("What a signal may carry; others are refused."),
            fields=(
                Name(name="name", label=gettext_lazy("Name"), required=True),
                Choice(
                    name="type",
                    label=gettext_lazy("Type"),
                    choices=tuple((name, _LABELS[name]) for name in TYPES),
                    required=True,
                ),
            ),
        ),
        Seconds(
            name="min_interval",
            label=gettext_lazy("Shortest interval"),
            help_text=gettext_lazy(
                "Between two signals of the API. Empty: ten minutes, none for built-in"
                " workflows."
            ),
        ),
    )

    def rules(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Ask for names that differ."""
        return twins("declared", parameters.get("declared") or [])
