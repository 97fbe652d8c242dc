"""Declarations of technical workflows: what packages write, what the engine reads.

A package declares a workflow once, in its ``technical_workflows.py``::

    @technical_workflow(internal_name="forecasting")
    class Forecasting:
        @activity(after="scheduler")
        def analyse(self, run: RunContext) -> Done: ...

Name, labels, package, schedule and description come from the catalogue, which an
installed application provides with :func:`set_catalogue`.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from django.utils.functional import Promise
from django.utils.translation import get_language

from workflows.exceptions import ConfigurationError, DuplicateRegistration

QUEUES = ("workflows", "realtime", "bulk")


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What the catalogue says of a built-in workflow.

    ``labels`` maps Django language codes to text; ``schedule`` is the stored shape
    of a schedule or None; ``signals`` names what else wakes the workflow;
    ``aliases`` are other spellings of the name, accepted on reading.
    """

    internal_name: str
    package: str
    labels: Mapping[str, str]
    description: str
    schedule: Mapping[str, Any] | None
    schedule_text: str = ""
    signals: tuple[str, ...] = ()
    starts_with_package: bool = True
    aliases: tuple[str, ...] = ()

    def label(self) -> str:
        """Return the label in the active language, else in English."""
        language = (get_language() or "en").lower()
        return (
            self.labels.get(language)
            or self.labels.get(language.split("-")[0])
            or self.labels["en"]
        )


@dataclass(frozen=True, slots=True)
class Done:
    """An activity came to its end.

    ``count`` is shown on the outbound transition as "<count> - <label>"; a result
    without any count and with ``is_idle`` makes a run that is only counted.
    """

    count: int = 0
    output: str = "ok"
    label: str = ""
    read: int = 0
    written: int = 0
    rejected: int = 0
    is_idle: bool = False
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Emission:
    """An output that a task activates while it goes on itself."""

    output: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Again:
    """More is left: the same task goes on, after other work had its turn."""

    after: timedelta = timedelta(0)
    count: int = 0
    read: int = 0
    written: int = 0
    rejected: int = 0
    emissions: tuple[Emission, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """The task waits, without a worker, and is called again.

    At ``until``, or when somebody wakes it (``engine.waking.call_again``): an answer
    came, a sub-workflow ended, an operator ordered it. What it has to remember
    stands in ``context.own``.
    """

    until: datetime | None = None
    emissions: tuple[Emission, ...] = ()


Result = Done | Again | Wait


@dataclass(frozen=True, slots=True)
class WouldDo:
    """What an activity would do, told by a simulation; nothing was changed.

    ``message`` is an English msgid with named placeholders for ``parameters``.
    """

    count: int
    message: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for a workflow, and up to which instant its result is right."""

    rows: int
    oldest_at: datetime | None = None
    good_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class BacklogLimits:
    """From when on a backlog is an alarm; None sets no limit."""

    rows: int | None = None
    age: timedelta | None = None


class RunContext(Protocol):
    """What a handler may know and do while it runs."""

    workflow_name: str
    run_id: int
    task_id: int
    scheduled_for: datetime | None
    started_at: datetime
    # ``vars`` the event variables, ``instance`` those of the workflow, ``task`` own.
    variables: Mapping[str, Any]
    parameters: Mapping[str, Any]
    # The task's own variables: kept between two calls, unseen by other activities.
    own: dict[str, Any]
    # Which call of the same task this is, from 1; above 1 after a crash or a retry.
    attempt: int

    @property
    def seconds_left(self) -> float:
        """Seconds until the handler should hand over with :class:`Again`."""

    def checkpoint(self) -> None:
        """Tell that we live; raise TaskCancelled when the task must end."""

    def info(self, message: str, **parameters: Any) -> None:
        """Write a journal line; ``message`` is an English msgid."""

    def warning(self, message: str, **parameters: Any) -> None:
        """Write a journal line of level warning."""


Handler = Callable[[Any, RunContext], Result]
Estimate = Callable[[Any, RunContext], WouldDo]


@dataclass(frozen=True, slots=True)
class ActivityDeclaration:
    """One script activity of a declared workflow."""

    name: str
    handler: Handler
    after: tuple[str, ...]
    queue: str
    is_long: bool
    is_idempotent: bool
    parameters: type | None
    label: str
    has_effect: bool = True
    would_do: Estimate | None = None
    retries: int = 0
    time_limit: timedelta | None = None


@dataclass(frozen=True, slots=True)
class WorkflowDeclaration:
    """A workflow as its package declares it."""

    internal_name: str
    owner: type
    activities: tuple[ActivityDeclaration, ...]
    backlog: Callable[[Any], Backlog] | None = None
    backlog_limits: BacklogLimits = BacklogLimits()
    backlog_text: str = ""

    @property
    def place(self) -> str:
        """Return where the declaration stands, for messages."""
        return f"{self.owner.__module__}.{self.owner.__qualname__}"


_declarations: dict[str, WorkflowDeclaration] = {}
_catalogue: dict[str, CatalogueEntry] = {}
_package_labels: dict[str, str | Promise] = {}
_package_guard: list[Callable[[str], bool]] = []
_installed_packages: list[Callable[[], Iterable[str]]] = []
T = TypeVar("T", bound=type)


def activity(
    *,
    after: str | Iterable[str],
    queue: str = "workflows",
    is_long: bool = False,
    is_idempotent: bool = True,
    parameters: type | None = None,
    label: str = "",
    has_effect: bool = True,
    would_do: Estimate | None = None,
    retries: int = 0,
    time_limit: timedelta | None = None,
) -> Callable[[Handler], Handler]:
    """Declare a method as a script activity.

    ``after`` names the activity or activities before it; ``scheduler`` and
    ``signal`` are the initial ones that the catalogue gives a workflow. A handler
    declared long gets a queue task of its own. ``parameters`` is a dataclass; its
    fields with their types and defaults are what the activity accepts. One that
    ``has_effect`` is not executed by a simulation; ``would_do`` then tells, with
    counts, what it would have done. A runtime fault is tried again ``retries`` times
    before it counts as one; ``time_limit`` ends a task that works longer in all.
    """
    if queue not in QUEUES:
        raise ConfigurationError(
            "Unknown queue %(queue)s; use one of %(queues)s.",
            queue=queue,
            queues=", ".join(QUEUES),
        )

    def declare(handler: Handler) -> Handler:
        handler.__activity__ = ActivityDeclaration(  # type: ignore[attr-defined]
            name=handler.__name__,
            handler=handler,
            after=(after,) if isinstance(after, str) else tuple(after),
            queue=queue,
            is_long=is_long,
            is_idempotent=is_idempotent,
            parameters=parameters,
            label=label or handler.__name__.replace("_", " ").capitalize(),
            has_effect=has_effect,
            would_do=would_do,
            retries=retries,
            time_limit=time_limit,
        )
        return handler

    return declare


def technical_workflow(
    *,
    internal_name: str,
    backlog_limits: BacklogLimits = BacklogLimits(),
    backlog_text: str = "",
) -> Callable[[T], T]:
    """Register a class as the workflow of that internal name.

    A method ``backlog(self) -> Backlog`` of the class tells what waits for it; it is
    asked twice a minute and must answer from an index. ``backlog_text`` says it in
    the words of the package: an English msgid with ``rows`` and ``age``. Raises
    DuplicateRegistration naming both places.
    """

    def register(owner: T) -> T:
        declaration = WorkflowDeclaration(
            internal_name,
            owner,
            tuple(
                member.__activity__
                for member in vars(owner).values()
                if inspect.isfunction(member) and hasattr(member, "__activity__")
            ),
            getattr(owner, "backlog", None),
            backlog_limits,
            backlog_text,
        )
        present = _declarations.get(internal_name)
        if present is not None and present.place != declaration.place:
            raise DuplicateRegistration(
                name=internal_name, first=present.place, second=declaration.place
            )
        _declarations[internal_name] = declaration
        return owner

    return register


@contextmanager
def temporary_workflow(
    owner: type, internal_name: str, entry: CatalogueEntry | None = None
) -> Iterator[WorkflowDeclaration]:
    """Register ``owner`` for the length of a test, with its catalogue entry."""
    before, catalogue_before = dict(_declarations), dict(_catalogue)
    technical_workflow(internal_name=internal_name)(owner)
    if entry is not None:
        _catalogue[internal_name] = entry
    try:
        yield _declarations[internal_name]
    finally:
        _declarations.clear()
        _declarations.update(before)
        _catalogue.clear()
        _catalogue.update(catalogue_before)


def declarations() -> Mapping[str, WorkflowDeclaration]:
    """Return every declared workflow by internal name."""
    return dict(_declarations)


def find_handler(path: str) -> tuple[WorkflowDeclaration, ActivityDeclaration]:
    """Return what ``<workflow>.<activity>`` names.

    Raises ConfigurationError when nothing of that name is declared.
    """
    workflow_name, _, name = path.rpartition(".")
    declaration = _declarations.get(workflow_name)
    if declaration is not None:
        for candidate in declaration.activities:
            if candidate.name == name:
                return declaration, candidate
    raise ConfigurationError(
        "No handler %(handler)s is registered; install the package that has it.",
        handler=path,
    )


def parameters_of(
    declaration: ActivityDeclaration,
) -> dict[str, dataclasses.Field[Any]]:
    """Return the declared parameters of a handler by name."""
    if declaration.parameters is None:
        return {}
    return {f.name: f for f in dataclasses.fields(declaration.parameters)}


def set_catalogue(entries: Iterable[CatalogueEntry]) -> None:
    """Provide the catalogue; called once by the application that owns it."""
    _catalogue.clear()
    _catalogue.update({entry.internal_name: entry for entry in entries})


def catalogue_entry(internal_name: str) -> CatalogueEntry | None:
    """Return what the catalogue says of a workflow."""
    return _catalogue.get(internal_name)


def canonical_name(name: str) -> str:
    """Return the internal name that ``name`` is another spelling of, else itself."""
    if name in _catalogue:
        return name
    for entry in _catalogue.values():
        if name in entry.aliases:
            return entry.internal_name
    return name


def catalogue() -> Mapping[str, CatalogueEntry]:
    """Return the whole catalogue by internal name."""
    return dict(_catalogue)


def set_package_labels(labels: Mapping[str, str | Promise]) -> None:
    """Provide the labels of the packages by slug; called like set_catalogue."""
    _package_labels.clear()
    _package_labels.update(labels)


def set_package_guard(
    guard: Callable[[str], bool], installed: Callable[[], Iterable[str]]
) -> None:
    """Provide what tells whether a package was removed, and which ones are in use.

    Each asks one query a call.
    """
    _package_guard[:] = [guard]
    _installed_packages[:] = [installed]


def installed_packages() -> list[str]:
    """Return the labels of the packages in use. One query."""
    return [
        package_label(slug) for provider in _installed_packages for slug in provider()
    ]


def is_package_removed(slug: str) -> bool:
    """Return whether the package was removed: its workflows do not start."""
    return bool(slug) and any(guard(slug) for guard in _package_guard)


def package_label(slug: str) -> str:
    """Return the label of a package in the reader's language, else its slug."""
    return str(_package_labels.get(slug, slug))
