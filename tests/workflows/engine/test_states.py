"""The command × state table, cell by cell (workflow states of the engine paper)."""

from __future__ import annotations

import pytest

from workflows.engine.states import SIGNAL_ACCEPTED, TABLE, Effect, Verdict, cell
from workflows.models import CommandName, State

E, V = Effect, Verdict
COMMANDS = ("start", "resume", "pause", "stop", "restart", "kill", "wake")
LATER_COMMANDS = ("stop_after_run", "restart_task", "simulate", "purge", "cancel_task")
NO, SAME = V.REFUSE, V.NOOP
UNDO = E.UNDO_PAUSE
EXPECTED = {
    "edited": (E.BEGIN, NO, NO, NO, E.BEGIN, NO, NO),
    "start_asap": (NO, NO, E.PAUSE, E.STOP, NO, E.KILL, NO),
    "start_pending": (SAME, SAME, E.PAUSE, E.STOP, NO, E.KILL, NO),
    "started": (SAME, SAME, E.PAUSE, E.STOP, E.RESTART, E.KILL, E.WAKE),
    "pause_requested": (UNDO, UNDO, SAME, E.STOP, E.RESTART, E.KILL, NO),
    "paused": (E.RESUME, E.RESUME, SAME, E.STOP, E.RESTART, E.KILL, NO),
    "stop_requested": (NO, NO, NO, SAME, E.RESTART, E.KILL, NO),
    "restart_requested": (NO, NO, NO, E.STOP, NO, E.KILL, NO),
    "finished": (E.BEGIN, NO, NO, SAME, E.BEGIN_AGAIN, NO, NO),
}
FROM_TASK, CANCEL = E.RESTART_TASK, E.CANCEL_TASK
EXPECTED_LATER = {
    "edited": (NO, NO, E.SIMULATE, E.PURGE, NO),
    "start_asap": (E.DRAIN, NO, NO, E.PURGE, NO),
    "start_pending": (E.DRAIN, NO, NO, E.PURGE, NO),
    "started": (E.DRAIN, FROM_TASK, NO, E.PURGE, CANCEL),
    "pause_requested": (NO, NO, NO, E.PURGE, CANCEL),
    "paused": (NO, FROM_TASK, NO, E.PURGE, CANCEL),
    "stop_requested": (SAME, NO, NO, NO, CANCEL),
    "restart_requested": (NO, NO, NO, NO, CANCEL),
    "finished": (SAME, FROM_TASK, E.SIMULATE, E.PURGE, NO),
}
#: The last column of the table: whether a signal is taken.
SIGNALS = {
    "edited": False,
    "start_asap": True,
    "start_pending": True,
    "started": True,
    "pause_requested": True,
    "paused": True,
    "stop_requested": False,
    "restart_requested": True,
    "finished": False,
}
CELLS = [
    pytest.param(state, name, expected, id=f"{state}-{name}")
    for names, rows in ((COMMANDS, EXPECTED), (LATER_COMMANDS, EXPECTED_LATER))
    for state, row in rows.items()
    for name, expected in zip(names, row, strict=True)
]


@pytest.mark.parametrize(("state", "name", "expected"), CELLS)
def test_cell(state: str, name: str, expected: Effect | Verdict) -> None:
    found = cell(state, name)

    assert (found.effect or found.verdict) == expected


@pytest.mark.parametrize("state", State.values)
def test_signal_is_taken_where_it_can_be_heard(state: str) -> None:
    assert (state in SIGNAL_ACCEPTED) == SIGNALS[state]


def test_table_has_every_cell() -> None:
    assert {(s, c) for s, row in TABLE.items() for c in row} == {
        (s, c) for s in State for c in CommandName
    }


def test_every_cell_is_expected_by_a_test() -> None:
    assert {(cell.values[0], cell.values[1]) for cell in CELLS} == {
        (s.value, c.value) for s in State for c in CommandName
    }
