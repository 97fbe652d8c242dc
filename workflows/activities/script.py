"""The script activity: a registered Python handler with declared parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, get_type_hints

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.activities.base import ActivityType, Context, register
from workflows.exceptions import ConfigurationError, Fault
from workflows.registry import Result, WouldDo, find_handler, parameters_of


@register
class Script(ActivityType):
    """Calls a handler (javascript-code.md; free code is not accepted, our choice).

    Parameters: ``handler`` as ``<workflow>.<activity>`` and ``arguments`` by name.
    """

    name = "script"
    label = gettext_lazy("Script")
    icon = "code"

    def faults(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Name an unknown handler, and unknown, missing or mistyped arguments."""
        try:
            _declaration, declared = find_handler(parameters.get("handler", ""))
        except ConfigurationError as error:
            return [Fault("handler", error.message)]
        arguments = parameters.get("arguments", {})
        fields = parameters_of(declared)
        hints = get_type_hints(declared.parameters) if declared.parameters else {}
        faults = [
            Fault(f"arguments.{name}", _("The handler does not know this argument."))
            for name in arguments
            if name not in fields
        ]
        for name, field in fields.items():
            if name not in arguments:
                if field.default is dataclasses.MISSING:
                    faults.append(Fault(f"arguments.{name}", _("Give it a value.")))
            elif not isinstance(arguments[name], hints[name]):
                faults.append(
                    Fault(
                        f"arguments.{name}",
                        _("Give it a value of type %(type)s.")
                        % {"type": hints[name].__name__},
                    )
                )
        return faults

    def queue(self, parameters: Mapping[str, Any]) -> str:
        """Return the queue that the handler declares."""
        return find_handler(parameters["handler"])[1].queue

    def is_long(self, parameters: Mapping[str, Any]) -> bool:
        """Return what the handler declares."""
        return find_handler(parameters["handler"])[1].is_long

    def is_idempotent(self, parameters: Mapping[str, Any]) -> bool:
        """Return what the handler declares."""
        return find_handler(parameters["handler"])[1].is_idempotent

    def has_effect(self, parameters: Mapping[str, Any]) -> bool:
        """Return what the handler declares."""
        return find_handler(parameters["handler"])[1].has_effect

    def time_limit(self, parameters: Mapping[str, Any]) -> timedelta | None:
        """Return what the handler declares."""
        return find_handler(parameters["handler"])[1].time_limit

    def retries(self, parameters: Mapping[str, Any]) -> int:
        """Return what the handler declares."""
        return find_handler(parameters["handler"])[1].retries

    def would_do(self, context: Context) -> WouldDo | None:
        """Ask the handler's estimate, if it declares one."""
        declaration, declared = find_handler(context.parameters["handler"])
        if declared.would_do is None:
            return None
        return declared.would_do(declaration.owner(), context)

    def execute(self, context: Context) -> Result:
        """Call the handler."""
        declaration, declared = find_handler(context.parameters["handler"])
        return declared.handler(declaration.owner(), context)
