"""A workflow that has nothing left to do or to wait for is finished (§ 1.2)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.workflows.drawn import command, draw, redraw
from tests.workflows.samples import START, tick, work_off
from workflows.models import RunStatus, State, Workflow

pytestmark = pytest.mark.django_db
DUE = START + timedelta(minutes=30)
ONCE = (
    "scheduler",
    {
        "schedule": {
            "kind": "once",
            "date": "2026-01-05",
            "time": "10:30",
            "tz": "UTC",
        }
    },
)


def test_one_firing_whose_run_ends_at_once() -> None:
    workflow = draw({"plan": ONCE, "end": "end"}, "plan.ok>end")
    command("start")

    tick(DUE)

    workflow.refresh_from_db()
    assert workflow.runs.get().status == RunStatus.FINISHED
    assert workflow.state == State.FINISHED


def test_one_firing_whose_run_takes_a_while() -> None:
    workflow = draw(
        {"plan": ONCE, "wait": ("wait", {"duration": "1m"}), "end": "end"},
        "plan.ok>wait wait.ok>end",
    )
    command("start")
    tick(DUE)
    work_off(DUE)
    assert Workflow.objects.get(pk=workflow.pk).state == State.STARTED

    tick(DUE + timedelta(minutes=2))
    work_off(DUE + timedelta(minutes=2))

    assert Workflow.objects.get(pk=workflow.pk).state == State.FINISHED


def test_one_firing_held_by_a_pause() -> None:
    workflow = draw({"plan": ONCE, "end": "end"}, "plan.ok>end")
    command("start")
    command("pause")

    command("resume", at=DUE + timedelta(minutes=5))

    workflow.refresh_from_db()
    assert workflow.runs.get().status == RunStatus.FINISHED
    assert workflow.state == State.FINISHED


def test_mended_structure_whose_run_ends_with_the_resume() -> None:
    activities = {"begin": "start", "wait": ("wait", {"duration": "1m"})}
    workflow = draw(activities, "begin.ok>wait")
    command("start")
    work_off()
    tick(START + timedelta(minutes=2))
    work_off(START + timedelta(minutes=2))
    workflow.refresh_from_db()
    assert workflow.pause_reason == "unterminated_transition"
    redraw({**activities, "end": "end"}, "begin.ok>wait wait.ok>end")

    command("resume", at=START + timedelta(minutes=3))

    workflow.refresh_from_db()
    assert workflow.runs.get().status == RunStatus.FINISHED
    assert workflow.state == State.FINISHED


def test_run_that_waited_begins_when_a_mended_one_ends_with_the_resume() -> None:
    activities = {
        "plan": (
            "scheduler",
            {
                "schedule": {
                    "kind": "several_times_a_day",
                    "every": "PT1H",
                    "from": "00:00",
                }
            },
        ),
        "wait": ("wait", {"duration": "1m"}),
    }
    workflow = draw(activities, "plan.ok>wait", overlap_policy="queue")
    command("start")
    eleven = START.replace(hour=11, minute=0, second=0)
    tick(eleven)
    work_off(eleven)
    tick(eleven + timedelta(hours=1))
    # Both the wait and the second instant are due now; the second run waits.
    work_off(eleven + timedelta(hours=1))
    assert workflow.runs.filter(is_waiting=True).count() == 1
    mended = eleven + timedelta(hours=1, minutes=5)
    redraw({**activities, "end": "end"}, "plan.ok>wait wait.ok>end", at=mended)

    command("resume", at=mended)

    first, second = workflow.runs.order_by("id")
    assert first.status == RunStatus.FINISHED
    assert not second.is_waiting
    assert second.tasks.get().activity == "wait"
