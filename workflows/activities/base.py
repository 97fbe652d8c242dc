"""What an activity type is, and the list of those that exist."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, Protocol

from django.utils.functional import Promise

from workflows.exceptions import ConfigurationError, Fault
from workflows.registry import Result, RunContext

MODULES = ("control", "scheduler", "signal", "script", "alert")


class Context(RunContext, Protocol):
    """A handler's context, with what an activity type needs beyond it."""

    workflow_id: int
    label: str


class ActivityType:
    """A kind of activity; subclasses exist once and hold no state.

    An instant type has no work of its own and is executed together with the task
    before it; a persistent one waits, in one task, for its time or its signal.
    """

    name: ClassVar[str]
    label: ClassVar[Promise | str]
    icon: ClassVar[str]
    is_instant: ClassVar[bool] = False
    is_persistent: ClassVar[bool] = False
    is_initial_only: ClassVar[bool] = False

    def outputs(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the outbound transitions."""
        return ("ok",)

    def faults(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Return what is wrong with ``parameters``, each with its field."""
        return []

    def queue(self, parameters: Mapping[str, Any]) -> str:
        """Return the queue whose workers execute it."""
        return "workflows"

    def is_long(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether it gets a queue task of its own."""
        return False

    def is_idempotent(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether it may be executed again after a crash."""
        return True

    def execute(self, context: Context) -> Result:
        """Do the work; raise to fail the task."""
        raise NotImplementedError(self.name)


_types: dict[str, ActivityType] = {}


def register(activity_type: type[ActivityType]) -> type[ActivityType]:
    """Add an activity type to the list."""
    _types[activity_type.name] = activity_type()
    return activity_type


def activity_types() -> Mapping[str, ActivityType]:
    """Return every activity type by name."""
    for module in MODULES:
        import_module(f"workflows.activities.{module}")
    return dict(_types)


def find_type(name: str) -> ActivityType:
    """Return the activity type of that name; raises ConfigurationError."""
    known = _types if name in _types else activity_types()
    if name not in known:
        raise ConfigurationError(
            "Unknown activity type %(type)s; known are %(known)s.",
            type=name,
            known=", ".join(sorted(known)),
        )
    return known[name]
