"""The script activity: a registered Python handler with declared parameters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.activities import handler_parameters
from workflows.activities.base import ActivityType, Context, register
from workflows.activities.kinds import Document, Seconds, Text
from workflows.activities.records import validate
from workflows.exceptions import ConfigurationError, Fault
from workflows.registry import ActivityDeclaration, Result, WouldDo, find_handler

LIMIT = timedelta(hours=1)


@register
class Script(ActivityType):
    """Calls a handler (javascript-code.md; free code is not accepted, our choice).

    The handler finds its arguments, typed and with their defaults, in
    ``run.parameters``.
    """

    name = "script"
    label = gettext_lazy("Script")
    help_text = gettext_lazy("Calls a handler that a package has registered.")
    icon = "code"
    parameters = (
        Text(
            name="handler",
            label=gettext_lazy("Handler"),
            help_text=gettext_lazy("Its name as workflow.activity."),
            required=True,
        ),
        Document(
            name="arguments",
            label=gettext_lazy("Parameters"),
            help_text=gettext_lazy("By name, as the handler declares them."),
        ),
        Seconds(
            name="time_limit",
            label=gettext_lazy("Stop execution after"),
            help_text=gettext_lazy(
                "Longer work in all is ended with an error. Empty: as the handler"
                " declares, else one hour. 0: the limit of the engine."
            ),
        ),
    )

    def rules(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Name an unknown handler, and unknown, missing or mistyped arguments."""
        try:
            _declaration, declared = find_handler(parameters["handler"])
        except ConfigurationError as error:
            return [Fault("handler", error.message)]
        arguments = parameters.get("arguments") or {}
        if not isinstance(arguments, Mapping):
            return [Fault("arguments", _("Give an object."))]
        fields = handler_parameters.of_dataclass(declared.parameters)
        return [
            Fault(f"arguments.{fault.field}", fault.message)
            for fault in validate(fields, arguments)[1]
        ]

    def clean(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return sound parameters as they are stored, the arguments included."""
        clean = super().clean(parameters)
        if "arguments" in clean:
            declared = find_handler(parameters["handler"])[1].parameters
            fields = handler_parameters.of_dataclass(declared)
            clean["arguments"] = validate(fields, clean["arguments"])[0]
        return clean

    def queue(self, parameters: Mapping[str, Any]) -> str:
        """Return the queue that the handler declares."""
        declared = _declared(parameters)
        return declared.queue if declared else super().queue(parameters)

    def is_long(self, parameters: Mapping[str, Any]) -> bool:
        """Return what the handler declares."""
        declared = _declared(parameters)
        return declared is not None and declared.is_long

    def is_idempotent(self, parameters: Mapping[str, Any]) -> bool:
        """Return what the handler declares; of an unknown one nothing is repeated."""
        declared = _declared(parameters)
        return declared is not None and declared.is_idempotent

    def has_effect(self, parameters: Mapping[str, Any]) -> bool:
        """Return what the handler declares; an unknown one may have an effect."""
        declared = _declared(parameters)
        return declared is None or declared.has_effect

    def time_limit(self, parameters: Mapping[str, Any]) -> timedelta | None:
        """Return *Stop execution after*, else what the handler declares, else 1 h."""
        seconds = self.value(parameters, "time_limit")
        if seconds is not None:
            return timedelta(seconds=seconds) if seconds else None
        declared = _declared(parameters)
        return (declared.time_limit if declared else None) or LIMIT

    def retries(self, parameters: Mapping[str, Any]) -> int:
        """Return what the handler declares."""
        declared = _declared(parameters)
        return declared.retries if declared else 0

    def would_do(self, context: Context) -> WouldDo | None:
        """Ask the handler's estimate, if it declares one."""
        declaration, declared = find_handler(context.parameters["handler"])
        if declared.would_do is None:
            return None
        _give_arguments(context, declared)
        return declared.would_do(declaration.owner(), context)

    def execute(self, context: Context) -> Result:
        """Call the handler."""
        declaration, declared = find_handler(context.parameters["handler"])
        _give_arguments(context, declared)
        return declared.handler(declaration.owner(), context)


def _declared(parameters: Mapping[str, Any]) -> ActivityDeclaration | None:
    """Return the handler's declaration; None when its package is not there.

    The execution says so; what surrounds it must not fail.
    """
    try:
        return find_handler(parameters.get("handler") or "")[1]
    except ConfigurationError:
        return None


def _give_arguments(context: Context, declared: ActivityDeclaration) -> None:
    """Put the handler's own arguments where it looks for its parameters."""
    given = context.parameters.get("arguments") or {}
    context.parameters = (
        vars(handler_parameters.build(declared.parameters, given))
        if declared.parameters is not None
        else {}
    )
