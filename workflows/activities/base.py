"""What an activity type is, and the list of those that exist."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any, ClassVar, Protocol

from django.utils.functional import Promise

from workflows.exceptions import ConfigurationError, Fault
from workflows.registry import Result, RunContext, WouldDo

MODULES = ("control", "scheduler", "signal", "script", "alert")


class Context(RunContext, Protocol):
    """A handler's context, with what an activity type needs beyond it."""

    workflow_id: int
    label: str


class ActivityType:
    """A kind of activity; subclasses exist once and hold no state.

    An instant type has no work of its own and is executed together with the task
    before it; a persistent one begins runs: it waits, in one task that belongs to
    none, for its time or its signal. A collecting one is activated when every
    transition that leads to it was.
    """

    name: ClassVar[str]
    label: ClassVar[Promise | str]
    icon: ClassVar[str]
    is_instant: ClassVar[bool] = False
    is_persistent: ClassVar[bool] = False
    is_initial_only: ClassVar[bool] = False
    is_collecting: ClassVar[bool] = False

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

    def has_effect(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether it changes anything outside the workflow."""
        return False

    def is_cancellable(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether a stop may cancel its SQL: nothing is left half done."""
        return self.is_idempotent(parameters)

    def time_limit(self, parameters: Mapping[str, Any]) -> timedelta | None:
        """Return after how much work the engine ends it; None: the engine's limit."""
        return None

    def retries(self, parameters: Mapping[str, Any]) -> int:
        """Return how often a runtime fault is tried again unless the activity says."""
        return 0

    def can_fail_softly(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether *Process errors* may give it an output ``error``."""
        return not self.is_instant and not self.is_persistent

    def would_do(self, context: Context) -> WouldDo | None:
        """Tell what ``execute`` would do now, changing nothing; None: unknown."""
        return None

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
