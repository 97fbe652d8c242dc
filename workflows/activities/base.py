"""What an activity type is, and the list of those that exist."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any, ClassVar, Protocol

from django.utils.functional import Promise

from workflows.activities.kinds import Parameter
from workflows.activities.records import (
    missing_references,
    schema_of,
    validate,
    values_of,
)
from workflows.exceptions import ConfigurationError, Fault
from workflows.registry import Result, RunContext, WouldDo

MODULES = (
    "control",
    "scheduler",
    "signal",
    "timing",
    "branching",
    "jumps",
    "sub_workflow",
    "script",
    "sql",
    "http",
    "mail",
    "approval",
)


class Context(RunContext, Protocol):
    """A handler's context, with what an activity type needs beyond it."""

    workflow_id: int
    label: str

    def begin_child(self, workflow_name: str, variables: Mapping[str, Any]) -> None:
        """Ask for a run of another workflow's structure, begun when this call waits."""

    def child_result(self) -> ChildResult | None:
        """Return how that run ended; None while it has not."""


class ChildResult(Protocol):
    """How the run of a sub-workflow ended."""

    @property
    def output(self) -> str:
        """The exit that it took, or ``ok``."""

    @property
    def variables(self) -> Mapping[str, Any]:
        """The event variables at its end."""


class ActivityType:
    """A kind of activity; subclasses exist once and hold no state.

    An instant type has no work of its own and is executed together with the task
    before it; a persistent one begins runs: it waits, in one task that belongs to
    none, for its time or its signal. A collecting one is activated when every
    transition that leads to it was.

    ``parameters`` declares what may be set; forms, validation, API and documentation
    are made from it; ``output_lists`` names those of them whose items are its
    transitions. Only operators with the right ``needs_right`` may add or change an
    activity of the type.
    """

    name: ClassVar[str]
    label: ClassVar[Promise | str]
    help_text: ClassVar[Promise | str] = ""
    icon: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    output_lists: ClassVar[tuple[str, ...]] = ()
    needs_right: ClassVar[str] = ""
    is_instant: ClassVar[bool] = False
    is_persistent: ClassVar[bool] = False
    is_initial_only: ClassVar[bool] = False
    is_collecting: ClassVar[bool] = False

    def outputs(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the outbound transitions."""
        if not self.output_lists:
            return ("ok",)
        return tuple(
            item["name"]
            for name in self.output_lists
            for item in parameters.get(name) or ()
            if item.get("name")  # a draft may have one that is not named yet
        )

    def passes_at_once(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether it is executed together with the task before it."""
        return self.is_instant

    def faults(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Return what is wrong with ``parameters``, each with its field. No SQL."""
        _clean, faults = validate(self.parameters, parameters)
        return faults or self.rules(parameters)

    def rules(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Return what is wrong with parameters that are sound one by one."""
        return []

    def missing(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Return which things that ``parameters`` name do not exist. SQL."""
        return missing_references(self.parameters, parameters)

    def clean(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return sound parameters as they are stored; what is not given is left out."""
        return validate(self.parameters, parameters)[0]

    def values(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return every parameter with its default; raises ConfigurationError."""
        return values_of(self.parameters, parameters)

    def value(self, parameters: Mapping[str, Any], name: str) -> Any:
        """Return one parameter, or its default where the given one is not sound.

        For what the engine asks of an activity that it is not executing yet; the
        execution itself names the fault.
        """
        declared = next(p for p in self.parameters if p.name == name)
        value, faults = declared.validate(parameters.get(name))
        return declared.default if faults else value

    def as_schema(self) -> dict[str, Any]:
        """Return the JSON schema of the parameters, in the active language."""
        return schema_of(self.parameters)

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

    def ends_workflow(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether its end stops the whole workflow."""
        return False

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
