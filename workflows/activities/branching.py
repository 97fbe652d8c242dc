"""Test, fork and AND-join: activities that choose, spread and gather."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.activities.base import ActivityType, Context, register
from workflows.activities.kinds import Boolean, Expression, Name, Text
from workflows.activities.records import ListOf
from workflows.engine.conditions import evaluate, shown_operands
from workflows.exceptions import Fault
from workflows.registry import Done, Result

EVERY_OUTPUT = "*"


@register
class Test(ActivityType):
    """The first true condition chooses the way (test.md)."""

    name = "test"
    label = gettext_lazy("Test")
    help_text = gettext_lazy(
        "Activates the first transition whose condition holds; undefined is false."
    )
    icon = "arrows-split-2"
    output_lists = ("branches",)
    is_instant = True
    parameters = (
        ListOf(
            name="branches",
            label=gettext_lazy("Conditions"),
            help_text=gettext_lazy("In this order; each has a transition."),
            fields=(
                Name(name="name", label=gettext_lazy("Transition"), required=True),
                Text(name="label", label=gettext_lazy("Label")),
                Expression(
                    name="condition", label=gettext_lazy("Condition"), required=True
                ),
            ),
        ),
        Boolean(
            name="use_default",
            label=gettext_lazy("Use the default transition"),
            help_text=gettext_lazy("Taken when no condition holds; else it ends."),
        ),
    )

    def outputs(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the branches, and ``default`` if used."""
        names = super().outputs(parameters)
        return (*names, "default") if parameters.get("use_default") else names

    def rules(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Ask for a way out, and for names that differ."""
        branches = parameters.get("branches") or []
        if not branches and not parameters.get("use_default"):
            return [
                Fault("branches", _("Add a condition or use the default transition."))
            ]
        return twins("branches", branches, taken=("default", "error"))

    def execute(self, context: Context) -> Result:
        """Choose; without a match and without default the branch ends."""
        for branch in context.parameters.get("branches") or ():
            condition = branch["condition"]
            if evaluate(condition, context.variables):
                context.info(
                    "The condition %(condition)s of %(branch)s holds: %(operands)s.",
                    condition=condition,
                    branch=branch["name"],
                    operands=shown_operands(condition, context.variables) or "-",
                )
                return Done(output=branch["name"], label=branch.get("label") or "")
        if context.parameters.get("use_default"):
            context.info("No condition holds: the default transition is taken.")
            return Done(output="default")
        context.info("No condition holds: the branch ends here.")
        return Done(output="")


@register
class Fork(ActivityType):
    """Activates each of its transitions, in their order (fork.md)."""

    name = "fork"
    label = gettext_lazy("Fork")
    help_text = gettext_lazy("Activates all its transitions, in this order.")
    icon = "git-branch"
    output_lists = ("branches",)
    is_instant = True
    parameters = (
        ListOf(
            name="branches",
            label=gettext_lazy("Transitions"),
            required=True,
            fields=(
                Name(name="name", label=gettext_lazy("Transition"), required=True),
                Text(name="label", label=gettext_lazy("Label")),
            ),
        ),
    )

    def rules(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Ask for names that differ."""
        return twins("branches", parameters["branches"], taken=("error",))

    def execute(self, context: Context) -> Result:
        """Take every way."""
        return Done(output=EVERY_OUTPUT)


@register
class AndJoin(ActivityType):
    """Goes on once every inbound transition was activated (and-join.md).

    The engine collects per run and merges the variables in inbound order, those of
    the primary set last, so that they win.
    """

    name = "and_join"
    label = gettext_lazy("AND-join")
    help_text = gettext_lazy(
        "Waits for all inbound transitions of the same run, then goes on once."
    )
    icon = "arrows-join"
    is_instant = True
    is_collecting = True
    parameters = (
        Name(
            name="primary",
            label=gettext_lazy("Primary set"),
            help_text=gettext_lazy(
                "The activity before it whose variables win over those of the others."
            ),
        ),
    )

    def execute(self, context: Context) -> Result:
        """Go on; the engine has merged the variables."""
        return Done()


def twins(
    field: str, items: list[Mapping[str, Any]], *, taken: tuple[str, ...] = ()
) -> list[Fault]:
    """Name items whose name another one has, or that the type keeps for itself."""
    seen = set(taken)
    faults = []
    for index, item in enumerate(items):
        if item["name"] in seen:
            faults.append(
                Fault(
                    f"{field}.{index}.name",
                    _("This name is taken; give each transition its own."),
                )
            )
        seen.add(item["name"])
    return faults
