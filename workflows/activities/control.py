"""Start, end and test: activities that only steer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.activities.base import ActivityType, Context, register
from workflows.engine.conditions import evaluate
from workflows.exceptions import Fault
from workflows.registry import Done, Result


@register
class Start(ActivityType):
    """The beginning of a branch (start-and-end.md)."""

    name = "start"
    label = gettext_lazy("Start")
    icon = "player-play"
    is_instant = True
    is_initial_only = True

    def execute(self, context: Context) -> Result:
        """Go on."""
        return Done()


@register
class End(ActivityType):
    """The end of a branch (start-and-end.md)."""

    name = "end"
    label = gettext_lazy("End")
    icon = "flag"
    is_instant = True

    def outputs(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Return none: the branch ends here."""
        return ()

    def execute(self, context: Context) -> Result:
        """Close the branch."""
        return Done(output="")


@register
class Test(ActivityType):
    """The first true condition chooses the way (test.md).

    Parameters: ``branches``, a list of ``name``, ``label`` and ``condition``;
    ``use_default``, whether an output ``default`` takes the rest.
    """

    name = "test"
    label = gettext_lazy("Test")
    icon = "arrows-split-2"
    is_instant = True

    def outputs(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the branches, and ``default`` if used."""
        names = tuple(branch["name"] for branch in parameters.get("branches", ()))
        return (*names, "default") if parameters.get("use_default") else names

    def faults(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Name branches without name or condition."""
        branches = parameters.get("branches", [])
        faults = [
            Fault(f"branches.{index}", _("A branch needs a name and a condition."))
            for index, branch in enumerate(branches)
            if not branch.get("name") or not branch.get("condition")
        ]
        if not branches and not parameters.get("use_default"):
            faults.append(
                Fault("branches", _("Add a condition or use the default transition."))
            )
        return faults

    def execute(self, context: Context) -> Result:
        """Choose; without a match and without default the branch ends."""
        for branch in context.parameters.get("branches", ()):
            if evaluate(branch["condition"], context.variables):
                context.info(
                    "The condition %(condition)s holds.",
                    condition=branch["condition"],
                )
                return Done(output=branch["name"], label=branch.get("label", ""))
        return Done(output="default" if context.parameters.get("use_default") else "")
