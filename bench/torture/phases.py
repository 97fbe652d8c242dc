"""When a workflow was started, by the ledger of its commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from workflows.models import Command, CommandName, CommandStatus, State, Workflow

#: How long after a stop of unknown answer an instant may still have been fired.
_UNKNOWN = timedelta(seconds=30)
_FINISHED = "Workflow finished."
_DRAINING = "Stop after the current run ordered."
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

    ``returned_at`` tells when the order of a ledger row was answered. The journal
    is asked for one thing only: when the stop after the current run happened.
    Raises ValueError when a phase was never ended.
    """
    found: list[Phase] = []
    since: datetime | None = None
    drain: Command | None = None
    for command in _ledger(workflow):
        if since and drain and command.state_before == State.FINISHED:
            found.append(_phase(since, _drained_at(drain), drain, returned_at))
            since = drain = None
        if since and command.name in _ENDING:
            found.append(_phase(since, command.requested_at, command, returned_at))
            since = drain = None
        if command.name == CommandName.STOP_AFTER_RUN:
            drain = drain or command
        elif since is None:
            since = _beginning(command)
            drain = None
    if since and drain:
        found.append(_phase(since, _drained_at(drain), drain, returned_at))
    elif since:
        raise ValueError(f"{workflow.internal_name} was not stopped in the end")
    return found


def _ledger(workflow: Workflow) -> list[Command]:
    return list(workflow.commands.filter(status__in=_TAKEN).order_by("id"))


def _drained_at(drain: Command) -> datetime:
    """Return when the workflow ended after its current run.

    By the order of the journal, not by its instants: a run may have ended while the
    order waited for the workflow's row. Raises ValueError when it did not end.
    """
    journal = drain.workflow.journal
    ordered = journal.filter(message=_DRAINING, at=drain.requested_at).earliest("id")
    ended = journal.filter(message=_FINISHED, id__gt=ordered.pk).order_by("id").first()
    if ended is None:
        raise ValueError(f"{drain.workflow} did not stop after its run")
    return ended.at


def _phase(
    since: datetime,
    until: datetime,
    command: Command,
    returned_at: Mapping[int, datetime],
) -> Phase:
    grace = returned_at.get(command.pk, command.requested_at + _UNKNOWN)
    return Phase(since, until, max(until, grace))


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
    ends = {
        instant
        for command in _ledger(workflow)
        if command.name in _ENDING
        for instant in (command.requested_at, command.applied_at)
        if instant is not None
    }
    if any(c.name == CommandName.STOP_AFTER_RUN for c in _ledger(workflow)):
        finished = workflow.journal.filter(message=_FINISHED)
        ends |= set(finished.values_list("at", flat=True))
    return ends
