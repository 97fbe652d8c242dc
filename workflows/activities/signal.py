"""The external signal: an order from outside starts a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.activities.base import ActivityType, register
from workflows.exceptions import Fault

TYPES = ("string", "number", "boolean", "date", "datetime")


@register
class ExternalSignal(ActivityType):
    """Waits for a signal (external-signal.md).

    Parameter ``declared``: a list of ``name`` and ``type`` that a signal may carry.
    """

    name = "signal"
    label = gettext_lazy("External signal")
    icon = "bolt"
    is_persistent = True
    is_initial_only = True

    def faults(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Name declarations without a name or of an unknown type."""
        return [
            Fault(
                f"declared.{index}",
                _("A parameter needs a name and one of the types %(types)s.")
                % {"types": ", ".join(TYPES)},
            )
            for index, declared in enumerate(parameters.get("declared", ()))
            if not declared.get("name") or declared.get("type") not in TYPES
        ]
