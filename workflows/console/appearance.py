"""How a state or status looks: word, icon, tone and border; one table per noun."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from workflows.models import (
    CommandStatus,
    Level,
    OccurrenceOutcome,
    RunStatus,
    State,
    Substate,
    TaskStatus,
    Workflow,
)


@dataclass(frozen=True, slots=True)
class Look:
    """A chip: never told apart by colour alone.

    ``tone`` is one of ok, run, warn, bad, pending, neutral; ``border`` is "",
    "outlined" or "dashed"; ``turns`` sets the icon in motion where motion is
    welcome.
    """

    label: str | Promise
    icon: str
    tone: str = "neutral"
    border: str = ""
    turns: bool = False


RUNNING = Look(_("Running"), "loader-2", "run", turns=True)
FAILED = Look(_("Failed"), "alert-octagon", "bad", "outlined")

STATES: dict[str, Look] = {
    State.EDITED: Look(State.EDITED.label, "pencil", border="dashed"),
    State.START_ASAP: Look(State.START_ASAP.label, "hourglass", "pending"),
    State.START_PENDING: Look(State.START_PENDING.label, "hourglass", "pending"),
    State.STARTED: Look(State.STARTED.label, "clock", "ok"),
    State.PAUSE_REQUESTED: Look(State.PAUSE_REQUESTED.label, "hourglass", "pending"),
    State.PAUSED: Look(State.PAUSED.label, "player-pause", "warn"),
    State.STOP_REQUESTED: Look(State.STOP_REQUESTED.label, "hourglass", "pending"),
    State.RESTART_REQUESTED: Look(
        State.RESTART_REQUESTED.label, "hourglass", "pending"
    ),
    State.FINISHED: Look(State.FINISHED.label, "circle-check"),
}

RUNS: dict[str, Look] = {
    RunStatus.QUEUED: Look(RunStatus.QUEUED.label, "hourglass", "pending"),
    RunStatus.RUNNING: Look(RunStatus.RUNNING.label, "loader-2", "run", turns=True),
    RunStatus.DEFERRED: Look(RunStatus.DEFERRED.label, "clock", "pending"),
    RunStatus.FINISHED: Look(RunStatus.FINISHED.label, "check", "ok"),
    RunStatus.FINISHED_WITH_ERRORS: Look(
        RunStatus.FINISHED_WITH_ERRORS.label, "alert-triangle", "warn"
    ),
    RunStatus.SKIPPED: Look(
        RunStatus.SKIPPED.label, "player-skip-forward", border="dashed"
    ),
    RunStatus.FAILED: Look(RunStatus.FAILED.label, "alert-octagon", "bad", "outlined"),
    RunStatus.CANCELLED: Look(RunStatus.CANCELLED.label, "circle-x", border="dashed"),
}

TASKS: dict[str, Look] = {
    TaskStatus.COMPLETED: Look(TaskStatus.COMPLETED.label, "check", "ok"),
    TaskStatus.FAILED: Look(
        TaskStatus.FAILED.label, "alert-octagon", "bad", "outlined"
    ),
    TaskStatus.CANCELLED: Look(TaskStatus.CANCELLED.label, "circle-x", border="dashed"),
    TaskStatus.SKIPPED: Look(
        TaskStatus.SKIPPED.label, "player-skip-forward", border="dashed"
    ),
    Substate.PENDING: Look(Substate.PENDING.label, "clock", "neutral"),
    Substate.QUEUED: Look(Substate.QUEUED.label, "hourglass", "pending"),
    Substate.RUNNING: Look(Substate.RUNNING.label, "loader-2", "run", turns=True),
    Substate.WAITING: Look(Substate.WAITING.label, "broadcast", "neutral"),
}

OCCURRENCES: dict[str, Look] = {
    OccurrenceOutcome.QUEUED: Look(
        OccurrenceOutcome.QUEUED.label, "hourglass", "pending"
    ),
    OccurrenceOutcome.RAN: Look(OccurrenceOutcome.RAN.label, "check", "ok"),
    OccurrenceOutcome.RAN_LATE: Look(
        OccurrenceOutcome.RAN_LATE.label, "clock-exclamation", "warn"
    ),
    OccurrenceOutcome.SKIPPED_OVERLAP: Look(
        OccurrenceOutcome.SKIPPED_OVERLAP.label, "player-skip-forward", border="dashed"
    ),
    OccurrenceOutcome.SKIPPED_MISFIRE: Look(
        OccurrenceOutcome.SKIPPED_MISFIRE.label, "player-skip-forward", "warn", "dashed"
    ),
    OccurrenceOutcome.SKIPPED_LATE: Look(
        OccurrenceOutcome.SKIPPED_LATE.label, "player-skip-forward", "warn", "dashed"
    ),
    OccurrenceOutcome.COALESCED: Look(OccurrenceOutcome.COALESCED.label, "arrows-join"),
    OccurrenceOutcome.HELD_PAUSE: Look(
        OccurrenceOutcome.HELD_PAUSE.label, "player-pause", "warn"
    ),
    OccurrenceOutcome.FAILED: Look(
        OccurrenceOutcome.FAILED.label, "alert-octagon", "bad", "outlined"
    ),
    OccurrenceOutcome.CANCELLED: Look(
        OccurrenceOutcome.CANCELLED.label, "circle-x", border="dashed"
    ),
}

COMMANDS: dict[str, Look] = {
    CommandStatus.REQUESTED: Look(
        CommandStatus.REQUESTED.label, "hourglass", "pending"
    ),
    CommandStatus.APPLIED: Look(CommandStatus.APPLIED.label, "check", "ok"),
    CommandStatus.REFUSED: Look(CommandStatus.REFUSED.label, "ban", "bad"),
    CommandStatus.SUPERSEDED: Look(
        CommandStatus.SUPERSEDED.label, "circle-minus", border="dashed"
    ),
    CommandStatus.NOOP: Look(CommandStatus.NOOP.label, "circle-check", border="dashed"),
}

LEVELS: dict[int, Look] = {
    Level.INFO: Look(Level.INFO.label, "info-circle"),
    Level.WARNING: Look(Level.WARNING.label, "alert-triangle", "warn"),
    Level.ERROR: Look(Level.ERROR.label, "alert-octagon", "bad"),
}

UNKNOWN = "help-circle"


def of_workflow(workflow: Workflow, *, is_executing: bool = False) -> Look:
    """Return the look of a workflow's one derived status."""
    if workflow.failed:
        return FAILED
    if is_executing and workflow.state == State.STARTED:
        return RUNNING
    return STATES.get(workflow.state) or Look(workflow.state, UNKNOWN)


def of_task(status: str, substate: str) -> Look:
    """Return the look of a task: its substate while it is active."""
    key = substate if status == TaskStatus.ACTIVE else status
    return TASKS.get(key) or Look(key, UNKNOWN)


def of(table: dict[str, Look], key: str) -> Look:
    """Return the look of a status, readable even for one not in the table."""
    return table.get(key) or Look(key, UNKNOWN)
