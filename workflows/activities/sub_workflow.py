"""The sub-workflow: another workflow's structure as one activity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from workflows.activities.base import ActivityType, Context, register
from workflows.activities.branching import twins
from workflows.activities.kinds import Expression, Name
from workflows.activities.records import ListOf
from workflows.activities.references import WorkflowName
from workflows.engine.conditions import value_of
from workflows.exceptions import Fault
from workflows.models import Run, Workflow
from workflows.registry import Done, Result, Wait


@register
class SubWorkflow(ActivityType):
    """Executes another workflow and waits for its end (sub-workflow.md).

    The child's run belongs to this workflow; what it is given is explicit (our
    choice). Its exits are its jumps without an end.
    """

    name = "sub_workflow"
    label = gettext_lazy("Sub-workflow")
    help_text = gettext_lazy(
        "Executes the structure of another workflow; its exits are the transitions."
    )
    icon = "sitemap"
    parameters = (
        WorkflowName(
            name="workflow",
            label=gettext_lazy("Workflow"),
            help_text=gettext_lazy("Its newest structure is executed."),
            required=True,
        ),
        ListOf(
            name="arguments",
            label=gettext_lazy("Parameters"),
            help_text=gettext_lazy("The event variables that it begins with."),
            fields=(
                Name(name="name", label=gettext_lazy("Name"), required=True),
                Expression(
                    name="expression", label=gettext_lazy("Value"), required=True
                ),
            ),
        ),
    )

    def outputs(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the exits of the called workflow, else ``ok``. One query."""
        name = parameters.get("workflow")
        graph = (
            Workflow.objects.filter(internal_name=name)
            .values_list("structure__graph", flat=True)
            .first()
            if name
            else None
        )
        return exits_of(graph) if graph else ("ok",)

    def rules(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Ask for names that differ."""
        return twins("arguments", parameters.get("arguments") or [])

    def can_fail_softly(self, parameters: Mapping[str, Any]) -> bool:
        """Return False: a fault in the child suspends, so that it can be looked at."""
        return False

    def execute(self, context: Context) -> Result:
        """Begin the child and wait; called again, go on with what it ended with."""
        given = self.values(context.parameters)
        if not Run.objects.filter(parent_task=context.task_id).exists():
            context.begin_child(
                given["workflow"],
                {
                    item["name"]: value_of(item["expression"], context.variables)
                    for item in given["arguments"]
                },
            )
            return Wait()
        result = context.child_result()
        if result is None:
            return Wait()
        return Done(output=result.output, variables=result.variables)


def exits_of(graph: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the jumps without an end, by number; ``ok`` for a structure without."""
    ends = {
        activity.get("parameters", {}).get("number")
        for activity in graph["activities"]
        if activity["type"] == "jump_in"
    }
    exits = sorted(
        (number, activity["name"])
        for activity in graph["activities"]
        if activity["type"] == "jump_out"
        and (number := activity.get("parameters", {}).get("number")) is not None
        and number not in ends
    )
    return tuple(name for _number, name in exits) or ("ok",)
