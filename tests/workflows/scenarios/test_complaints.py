"""What users of other systems complain about: cases that we must not have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.workflows.drawn import command, draw
from tests.workflows.handlers import handlers, script
from tests.workflows.in_state import one_row
from tests.workflows.samples import START, tick, work_off
from workflows.actions import save_properties, save_schedule
from workflows.engine import waiting
from workflows.exceptions import StaleState
from workflows.models import Source, State, Workflow

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
ELEVEN = START.replace(hour=11, minute=0, second=0)
SCHEDULE = {"kind": "several_times_a_day", "every": "PT1H", "from": "00:00"}


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    with handlers(work=one_row):
        yield


def started(**schedule: Any) -> Workflow:
    """Return a started workflow with an hourly schedule."""
    draw(
        {
            "scheduler": ("scheduler", {"schedule": {**SCHEDULE, **schedule}}),
            "work": script("work"),
            "end": "end",
        },
        "scheduler.ok>work work.ok>end",
    )
    return command("start")


def planned(workflow: Workflow) -> Any:
    return workflow.tasks.get(activity="scheduler", status="active").scheduled_for


def save(at: Any, **schedule: Any) -> None:
    save_schedule(
        internal_name="drawn",
        schedule={**SCHEDULE, **schedule},
        expected_version=None,
        acting_operator=None,
        source=Source.CONSOLE,
        at=at,
    )


def test_two_pauses_from_two_tabs_are_one_pause() -> None:
    workflow = started()
    command("pause", reason="upgrade")

    second = command("pause", reason="something else")

    assert (second.state, second.pause_comment) == (State.PAUSED, "upgrade")
    statuses = workflow.commands.filter(name="pause").order_by("id")
    assert [row.status for row in statuses] == ["applied", "noop"]


def test_stale_tab_cannot_undo_what_the_other_one_did() -> None:
    workflow = started()
    command("pause", expected_state="started")

    with pytest.raises(StaleState):
        command("stop", expected_state="started")

    workflow.refresh_from_db()
    assert workflow.state == State.PAUSED


def test_resume_with_skip_fires_no_extra_run() -> None:
    workflow = started(on_resume="skip")
    command("pause")

    command("resume", at=ELEVEN + 2.5 * HOUR)
    work_off(ELEVEN + 2.5 * HOUR)

    assert not workflow.runs.exists()
    assert planned(workflow) == ELEVEN + 3 * HOUR


def test_resume_before_anything_was_missed_fires_nothing() -> None:
    workflow = started()
    command("pause")

    command("resume", at=START + HOUR / 4)

    assert not workflow.runs.exists()


def test_pausing_and_resuming_many_times_does_not_move_the_next_run() -> None:
    workflow = started()
    before = planned(workflow)

    for nth in range(6):
        command("pause", at=START + timedelta(minutes=nth))
        command("resume", at=START + timedelta(minutes=nth, seconds=30))

    assert planned(workflow) == before
    assert not workflow.runs.exists()


def test_ledger_tells_a_pause_from_a_resume() -> None:
    workflow = started()
    command("pause", reason="upgrade")
    command("resume", reason="done")

    rows = workflow.commands.exclude(name="start").order_by("id")
    assert list(rows.values_list("name", "state_before", "state_after", "reason")) == [
        ("pause", "started", "paused", "upgrade"),
        ("resume", "paused", "started", "done"),
    ]


def test_saved_schedule_fires_no_extra_run() -> None:
    workflow = started()
    tick(ELEVEN)
    work_off(ELEVEN)

    save(ELEVEN + HOUR / 4, every="PT2H")
    tick(ELEVEN + HOUR / 4)

    assert workflow.runs.count() == 1
    assert planned(workflow) > ELEVEN + HOUR / 4


def test_saved_schedule_does_not_silence_the_workflow() -> None:
    workflow = started()
    save(START + HOUR / 4, every="PT2H")

    due = planned(workflow)
    tick(due)

    assert workflow.runs.get().scheduled_for == due


def test_saved_schedule_keeps_the_history() -> None:
    workflow = started()
    tick(ELEVEN)
    work_off(ELEVEN)

    save(ELEVEN + HOUR / 4, every="PT2H")

    assert workflow.runs.count() == 1
    assert workflow.occurrences.count() == 1


def test_other_change_does_not_take_back_a_pause() -> None:
    workflow = started()
    command("pause", reason="upgrade")

    save_properties(
        internal_name="drawn",
        values={"description": "New"},
        acting_operator=None,
        source=Source.API,
        at=START,
    )
    save(START + HOUR / 4, every="PT2H")

    workflow.refresh_from_db()
    assert (workflow.state, workflow.pause_comment) == (State.PAUSED, "upgrade")


def test_paused_run_says_why_it_does_not_go_on() -> None:
    workflow = started()
    command("wake")
    command("pause")
    workflow.refresh_from_db()

    found = waiting.reasons(workflow, START)

    assert {reason.code for reason in found} == {"paused"}
    assert {reason.activity for reason in found} == {"scheduler", "work"}


def test_wake_does_not_move_the_next_planned_instant() -> None:
    workflow = started()
    before = planned(workflow)

    command("wake", at=START + HOUR / 2)
    work_off(START + HOUR / 2)

    assert planned(workflow) == before
    tick(before)
    assert workflow.runs.count() == 2


def test_every_instant_of_a_day_with_pauses_and_edits_has_one_outcome() -> None:
    workflow = started()
    tick(ELEVEN)
    work_off(ELEVEN)
    command("pause", at=ELEVEN + HOUR / 2)
    save_properties(
        internal_name="drawn",
        values={"description": "New"},
        acting_operator=None,
        source=Source.API,
        at=ELEVEN + 1.5 * HOUR,
    )
    command("resume", at=ELEVEN + 2.5 * HOUR)
    work_off(ELEVEN + 2.5 * HOUR)
    tick(ELEVEN + 3 * HOUR)
    work_off(ELEVEN + 3 * HOUR)

    rows = workflow.occurrences.order_by("scheduled_for")
    assert sum(row.count for row in rows) == 4
    assert [row.scheduled_for.hour for row in rows] == [11, 12, 13, 14]
