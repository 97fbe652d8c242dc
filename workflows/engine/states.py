"""What each command does in each state: one table, for engine, console and API.

Mirrors starting-a-workflow.md and execution-commands.md; cells that those pages
leave open are our choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workflows.models import CommandName, State


class Effect(StrEnum):
    """What an accepted command sets in motion."""

    BEGIN = "begin"  # from the beginning, instance variables cleared
    BEGIN_AGAIN = "begin_again"  # from the beginning, instance variables kept
    RESUME = "resume"
    UNDO_PAUSE = "undo_pause"
    PAUSE = "pause"
    STOP = "stop"
    RESTART = "restart"
    KILL = "kill"
    WAKE = "wake"
    DRAIN = "drain"  # stop after the current run
    RESTART_TASK = "restart_task"
    SIMULATE = "simulate"
    PURGE = "purge"
    CANCEL_TASK = "cancel_task"


class Verdict(StrEnum):
    """Whether a command is taken."""

    ACCEPT = "accept"
    NOOP = "noop"  # the workflow already is as asked
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of the table.

    ``to`` is the state once nothing is in flight, ``via`` the one that lasts
    while a task still runs.
    """

    verdict: Verdict
    effect: Effect | None = None
    to: State | None = None
    via: State | None = None


REFUSED = Cell(Verdict.REFUSE)
ALREADY = Cell(Verdict.NOOP)
BEGIN = Cell(Verdict.ACCEPT, Effect.BEGIN, State.STARTED)
BEGIN_AGAIN = Cell(Verdict.ACCEPT, Effect.BEGIN_AGAIN, State.STARTED)
RESUME = Cell(Verdict.ACCEPT, Effect.RESUME, State.STARTED)
UNDO_PAUSE = Cell(Verdict.ACCEPT, Effect.UNDO_PAUSE, State.STARTED)
PAUSE = Cell(Verdict.ACCEPT, Effect.PAUSE, State.PAUSED, State.PAUSE_REQUESTED)
STOP = Cell(Verdict.ACCEPT, Effect.STOP, State.FINISHED, State.STOP_REQUESTED)
RESTART = Cell(Verdict.ACCEPT, Effect.RESTART, State.STARTED, State.RESTART_REQUESTED)
KILL = Cell(Verdict.ACCEPT, Effect.KILL, State.FINISHED)
WAKE = Cell(Verdict.ACCEPT, Effect.WAKE)
DRAIN = Cell(Verdict.ACCEPT, Effect.DRAIN)
RESTART_TASK = Cell(Verdict.ACCEPT, Effect.RESTART_TASK, State.STARTED)
SIMULATE = Cell(Verdict.ACCEPT, Effect.SIMULATE, State.STARTED)
PURGE = Cell(Verdict.ACCEPT, Effect.PURGE)
CANCEL_TASK = Cell(Verdict.ACCEPT, Effect.CANCEL_TASK)

C, S = CommandName, State
TABLE: dict[State, dict[CommandName, Cell]] = {
    S.EDITED: {
        C.START: BEGIN,
        C.RESUME: REFUSED,
        C.PAUSE: REFUSED,
        C.STOP: REFUSED,
        C.RESTART: BEGIN,
        C.KILL: REFUSED,
        C.WAKE: REFUSED,
        C.STOP_AFTER_RUN: REFUSED,
        C.RESTART_TASK: REFUSED,
        C.SIMULATE: SIMULATE,
        C.PURGE: PURGE,
        C.CANCEL_TASK: REFUSED,
    },
    S.START_ASAP: {
        C.START: REFUSED,
        C.RESUME: REFUSED,
        C.PAUSE: PAUSE,
        C.STOP: STOP,
        C.RESTART: REFUSED,
        C.KILL: KILL,
        C.WAKE: REFUSED,
        C.STOP_AFTER_RUN: DRAIN,
        C.RESTART_TASK: REFUSED,
        C.SIMULATE: REFUSED,
        C.PURGE: PURGE,
        C.CANCEL_TASK: REFUSED,
    },
    S.START_PENDING: {
        C.START: ALREADY,
        C.RESUME: ALREADY,
        C.PAUSE: PAUSE,
        C.STOP: STOP,
        C.RESTART: REFUSED,
        C.KILL: KILL,
        C.WAKE: REFUSED,
        C.STOP_AFTER_RUN: DRAIN,
        C.RESTART_TASK: REFUSED,
        C.SIMULATE: REFUSED,
        C.PURGE: PURGE,
        C.CANCEL_TASK: REFUSED,
    },
    S.STARTED: {
        C.START: ALREADY,
        C.RESUME: ALREADY,
        C.PAUSE: PAUSE,
        C.STOP: STOP,
        C.RESTART: RESTART,
        C.KILL: KILL,
        C.WAKE: WAKE,
        C.STOP_AFTER_RUN: DRAIN,
        C.RESTART_TASK: RESTART_TASK,
        C.SIMULATE: REFUSED,
        C.PURGE: PURGE,
        C.CANCEL_TASK: CANCEL_TASK,
    },
    S.PAUSE_REQUESTED: {
        C.START: UNDO_PAUSE,
        C.RESUME: UNDO_PAUSE,
        C.PAUSE: ALREADY,
        C.STOP: STOP,
        C.RESTART: RESTART,
        C.KILL: KILL,
        C.WAKE: REFUSED,
        C.STOP_AFTER_RUN: REFUSED,
        C.RESTART_TASK: REFUSED,
        C.SIMULATE: REFUSED,
        C.PURGE: PURGE,
        C.CANCEL_TASK: CANCEL_TASK,
    },
    S.PAUSED: {
        C.START: RESUME,
        C.RESUME: RESUME,
        C.PAUSE: ALREADY,
        C.STOP: STOP,
        C.RESTART: RESTART,
        C.KILL: KILL,
        C.WAKE: REFUSED,
        C.STOP_AFTER_RUN: REFUSED,
        C.RESTART_TASK: RESTART_TASK,
        C.SIMULATE: REFUSED,
        C.PURGE: PURGE,
        C.CANCEL_TASK: CANCEL_TASK,
    },
    S.STOP_REQUESTED: {
        C.START: REFUSED,
        C.RESUME: REFUSED,
        C.PAUSE: REFUSED,
        C.STOP: ALREADY,
        C.RESTART: RESTART,
        C.KILL: KILL,
        C.WAKE: REFUSED,
        C.STOP_AFTER_RUN: ALREADY,
        C.RESTART_TASK: REFUSED,
        C.SIMULATE: REFUSED,
        C.PURGE: REFUSED,
        C.CANCEL_TASK: CANCEL_TASK,
    },
    S.RESTART_REQUESTED: {
        C.START: REFUSED,
        C.RESUME: REFUSED,
        C.PAUSE: REFUSED,
        C.STOP: STOP,
        C.RESTART: REFUSED,
        C.KILL: KILL,
        C.WAKE: REFUSED,
        C.STOP_AFTER_RUN: REFUSED,
        C.RESTART_TASK: REFUSED,
        C.SIMULATE: REFUSED,
        C.PURGE: REFUSED,
        C.CANCEL_TASK: CANCEL_TASK,
    },
    S.FINISHED: {
        C.START: BEGIN,
        C.RESUME: REFUSED,
        C.PAUSE: REFUSED,
        C.STOP: ALREADY,
        C.RESTART: BEGIN_AGAIN,
        C.KILL: REFUSED,
        C.WAKE: REFUSED,
        C.STOP_AFTER_RUN: ALREADY,
        C.RESTART_TASK: RESTART_TASK,
        C.SIMULATE: SIMULATE,
        C.PURGE: PURGE,
        C.CANCEL_TASK: REFUSED,
    },
}

# A signal waits here for the workflow to go on.
SIGNAL_ACCEPTED = frozenset(
    {
        S.START_ASAP,
        S.START_PENDING,
        S.STARTED,
        S.PAUSE_REQUESTED,
        S.PAUSED,
        S.RESTART_REQUESTED,
    }
)
# The engine activates tasks only in these.
EXECUTING = (S.START_ASAP, S.START_PENDING, S.STARTED)


def cell(state: State | str, command: CommandName | str) -> Cell:
    """Return what ``command`` does in ``state``."""
    return TABLE[State(state)][CommandName(command)]


def accepted_commands(state: State | str) -> list[CommandName]:
    """Return the commands that change something in ``state``."""
    return [
        name
        for name, field in TABLE[State(state)].items()
        if field.verdict is Verdict.ACCEPT
    ]
