"""Start and end of a branch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.activities.base import ActivityType, Context, register
from workflows.activities.kinds import Boolean, Expression, Name
from workflows.activities.records import ListOf
from workflows.activities.references import WorkflowName
from workflows.engine import signalling
from workflows.engine.conditions import value_of
from workflows.exceptions import ConfigurationError, Fault
from workflows.models import Workflow
from workflows.registry import Done, Result


@register
class Start(ActivityType):
    """The beginning of a branch (start-and-end.md)."""

    name = "start"
    label = gettext_lazy("Start")
    help_text = gettext_lazy("Activates its transition when the workflow starts.")
    icon = "player-play"
    is_instant = True
    is_initial_only = True

    def execute(self, context: Context) -> Result:
        """Go on."""
        return Done()


@register
class End(ActivityType):
    """The end of a branch, and of everything if it is told so (start-and-end.md).

    A signal is posted before the workflow stops (our choice).
    """

    name = "end"
    label = gettext_lazy("End")
    help_text = gettext_lazy(
        "Ends its branch; it may stop all others, and trigger another workflow."
    )
    icon = "flag"
    is_instant = True
    parameters = (
        Boolean(
            name="stop_all",
            label=gettext_lazy("Stop all tasks in progress"),
            help_text=gettext_lazy("The workflow ends here, as by the command Stop."),
        ),
        WorkflowName(
            name="signal_workflow",
            label=gettext_lazy("External signal: workflow"),
            help_text=gettext_lazy("The workflow to trigger; it must be started."),
        ),
        Name(
            name="signal_activity",
            label=gettext_lazy("External signal: activity"),
            default="signal",
        ),
        ListOf(
            name="signal_parameters",
            label=gettext_lazy("External signal: parameters"),
            help_text=gettext_lazy(
                "What the signal carries; declared by its activity."
            ),
            fields=(
                Name(name="name", label=gettext_lazy("Name"), required=True),
                Expression(
                    name="expression", label=gettext_lazy("Value"), required=True
                ),
            ),
        ),
    )

    def outputs(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Return none: the branch ends here."""
        return ()

    def passes_at_once(self, parameters: Mapping[str, Any]) -> bool:
        """Return False with a signal: two workflows are never held at once."""
        return not parameters.get("signal_workflow")

    def has_effect(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether more than its branch is concerned."""
        return bool(parameters.get("stop_all") or parameters.get("signal_workflow"))

    def is_idempotent(self, parameters: Mapping[str, Any]) -> bool:
        """Return False with a signal that carries something: it would not coalesce."""
        return not (
            parameters.get("signal_workflow") and parameters.get("signal_parameters")
        )

    def ends_workflow(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether all tasks in progress are stopped."""
        return bool(parameters.get("stop_all"))

    def rules(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Name what belongs to a signal without a destination."""
        if parameters.get("signal_workflow"):
            return []
        return [
            Fault(name, _("Choose the workflow to trigger, or leave this empty."))
            for name in ("signal_activity", "signal_parameters")
            if parameters.get(name)
        ]

    def execute(self, context: Context) -> Result:
        """Close the branch; post the signal first."""
        given = self.values(context.parameters)
        if given["signal_workflow"]:
            self._post(context, given)
        return Done(output="")

    def _post(self, context: Context, given: Mapping[str, Any]) -> None:
        target, activity = given["signal_workflow"], given["signal_activity"]
        variables = {
            item["name"]: value_of(item["expression"], context.variables)
            for item in given["signal_parameters"]
        }
        for name in variables.keys() - _declared(target, activity):
            raise ConfigurationError(
                "The external signal %(activity)s of %(workflow)s does not declare"
                " the parameter %(name)s; declare it there or take it out here.",
                activity=activity,
                workflow=target,
                name=name,
            )
        signalling.post(
            internal_name=target,
            activity=activity,
            variables=variables,
            source=context.workflow_name[:64],
            at=context.started_at,
        )
        context.info(
            "Signal posted to %(target)s, activity %(name)s.",
            target=target,
            name=activity,
        )


def _declared(internal_name: str, activity: str) -> set[str]:
    """Return the parameters that a signal activity declares. One query."""
    graph = (
        Workflow.objects.filter(internal_name=internal_name)
        .values_list("structure__graph", flat=True)
        .first()
    ) or {"activities": []}
    return {
        declared["name"]
        for candidate in graph["activities"]
        if candidate["name"] == activity and candidate["type"] == "signal"
        for declared in candidate.get("parameters", {}).get("declared", ())
    }
