"""When a workflow was started, by the ledger of its commands alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from workflows.models import Command, CommandName, CommandStatus, State, Workflow

#: How long after a stop of unknown answer an instant may still have been fired.
_UNKNOWN = timedelta(seconds=30)
_TAKEN = (CommandStatus.APPLIED, CommandStatus.REQUESTED, CommandStatus.SUPERSEDED)
_ENDING = (CommandName.STOP, CommandName.KILL, CommandName.RESTART)


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of time in which every planned instant must have an outcome.

    An instant is planned from after ``since`` up to ``until``. One up to ``grace``
    may have fired while the order to stop waited for the workflow's row.
    """

    since: datetime
    until: datetime
    grace: datetime


def phases(workflow: Workflow, returned_at: Mapping[int, datetime]) -> list[Phase]:
    """Return the phases of a stopped workflow, oldest first.

    Raises ValueError when the ledger leaves one open.
    """
    found: list[Phase] = []
    since: datetime | None = None
    for command in workflow.commands.filter(status__in=_TAKEN).order_by("id"):
        if command.name in _ENDING and since is not None:
            found.append(_phase(since, command, returned_at))
            since = None
        if since is None:
            since = _beginning(command)
    if since is not None:
        raise ValueError(f"{workflow.internal_name} was not stopped in the end")
    return found


def _phase(
    since: datetime, command: Command, returned_at: Mapping[int, datetime]
) -> Phase:
    until = command.requested_at
    return Phase(since, until, returned_at.get(command.pk, until + _UNKNOWN))


def _beginning(command: Command) -> datetime | None:
    """Return from when on instants are planned after the command, if they are."""
    if command.name == CommandName.START and command.state_before != State.PAUSED:
        return command.requested_at
    if command.name == CommandName.RESTART:
        is_applied = command.status == CommandStatus.APPLIED
        return command.applied_at if is_applied else None
    return None


def ended_at(workflow: Workflow) -> set[datetime]:
    """Return every instant at which an order ended what the workflow had open."""
    return {
        instant
        for command in workflow.commands.filter(name__in=_ENDING, status__in=_TAKEN)
        for instant in (command.requested_at, command.applied_at)
        if instant is not None
    }
