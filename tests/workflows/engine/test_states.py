"""The command × state table, cell by cell (workflow states of the engine paper)."""

from __future__ import annotations

import pytest

from workflows.engine.states import TABLE, Effect, Verdict, cell
from workflows.models import CommandName, State

E, V = Effect, Verdict
COMMANDS = ("start", "resume", "pause", "stop", "restart", "kill", "wake")
NO, SAME = V.REFUSE, V.NOOP
EXPECTED = {
    "edited": (E.BEGIN, NO, NO, NO, E.BEGIN, NO, NO),
    "start_asap": (NO, NO, E.PAUSE, E.STOP, NO, E.KILL, NO),
    "start_pending": (SAME, SAME, E.PAUSE, E.STOP, NO, E.KILL, NO),
    "started": (SAME, SAME, E.PAUSE, E.STOP, E.RESTART, E.KILL, E.WAKE),
    "pause_requested": (
        E.UNDO_PAUSE,
        E.UNDO_PAUSE,
        SAME,
        E.STOP,
        E.RESTART,
        E.KILL,
        NO,
    ),
    "paused": (E.RESUME, E.RESUME, SAME, E.STOP, E.RESTART, E.KILL, NO),
    "stop_requested": (NO, NO, NO, SAME, E.RESTART, E.KILL, NO),
    "restart_requested": (NO, NO, NO, E.STOP, NO, E.KILL, NO),
    "finished": (E.BEGIN, NO, NO, SAME, E.BEGIN_AGAIN, NO, NO),
}
CELLS = [
    pytest.param(state, name, expected, id=f"{state}-{name}")
    for state, row in EXPECTED.items()
    for name, expected in zip(COMMANDS, row, strict=True)
]


@pytest.mark.parametrize(("state", "name", "expected"), CELLS)
def test_cell(state: str, name: str, expected: Effect | Verdict) -> None:
    found = cell(state, name)

    assert (found.effect or found.verdict) == expected


def test_table_has_every_cell() -> None:
    assert {(s, c) for s, row in TABLE.items() for c in row} == {
        (s, c) for s in State for c in CommandName
    }
