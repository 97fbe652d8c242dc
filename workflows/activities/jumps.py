"""Jumps: a transition drawn as two ends with the same number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from workflows.activities.base import ActivityType, Context, register
from workflows.activities.kinds import Integer
from workflows.registry import Done, Result

_NUMBER = Integer(
    name="number",
    label=gettext_lazy("Number"),
    help_text=gettext_lazy("The jump leads to the end with the same number."),
    required=True,
    lowest=1,
    highest=999,
)


@register
class JumpOut(ActivityType):
    """Where a jump begins; without an end it is an exit of a sub-workflow (jump.md)."""

    name = "jump_out"
    label = gettext_lazy("Jump (start point)")
    help_text = gettext_lazy(
        "Goes on at the end point with its number; without one, a sub-workflow leaves"
        " here."
    )
    icon = "route"
    is_instant = True
    parameters = (_NUMBER,)

    def outputs(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Return none: the number says where it goes on."""
        return ()

    def execute(self, context: Context) -> Result:
        """Leave: the graph itself resolves a jump that has an end."""
        return Done(output="")


@register
class JumpIn(ActivityType):
    """Where a jump ends; without a start it is the entry of a sub-workflow."""

    name = "jump_in"
    label = gettext_lazy("Jump (end point)")
    help_text = gettext_lazy(
        "Reached from every start point with its number; the lowest one that no jump"
        " leads to is where a sub-workflow begins."
    )
    icon = "route"
    is_instant = True
    parameters = (_NUMBER,)

    def execute(self, context: Context) -> Result:
        """Go on."""
        return Done()
