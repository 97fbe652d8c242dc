"""Runs that a trigger begins and that reach an end, or nothing, at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.workflows.drawn import command, draw
from tests.workflows.samples import START, tick, work_off
from workflows.actions import raise_signal
from workflows.models import State, Workflow

pytestmark = pytest.mark.django_db
ELEVEN = START.replace(hour=11, minute=0, second=0)
HOURLY = (
    "scheduler",
    {"schedule": {"kind": "several_times_a_day", "every": "PT1H", "from": "00:00"}},
)
FORK = ("fork", {"branches": [{"name": "a"}, {"name": "b"}]})


def triggered(trigger: str, workflow: Workflow) -> Workflow:
    """Have the workflow's run begin in one of the ways there are."""
    command("start")
    if trigger == "schedule":
        tick(ELEVEN)
    elif trigger == "wake":
        command("wake", at=ELEVEN)
    else:
        raise_signal(internal_name="drawn", activity="listen", source="t", at=ELEVEN)
        tick(ELEVEN - timedelta(minutes=1))
    work_off(ELEVEN)
    workflow.refresh_from_db()
    return workflow


@pytest.mark.parametrize("trigger", ["schedule", "wake", "signal"])
def test_end_that_stops_everything_stops_the_workflow(trigger: str) -> None:
    drawn = draw(
        {"plan": HOURLY, "listen": "signal", "end": ("end", {"stop_all": True})},
        "plan.ok>end listen.ok>end",
    )

    workflow = triggered(trigger, drawn)

    assert workflow.state == State.FINISHED
    assert not workflow.tasks.filter(status="active").exists()


@pytest.mark.parametrize("trigger", ["schedule", "wake", "signal"])
def test_branch_that_leads_nowhere_pauses_the_workflow(trigger: str) -> None:
    drawn = draw(
        {"plan": HOURLY, "listen": "signal", "fork": FORK, "end": "end"},
        "plan.ok>fork listen.ok>fork fork.a>end",
    )

    workflow = triggered(trigger, drawn)

    assert (workflow.state, workflow.failed) == (State.PAUSED, False)
    assert workflow.pause_reason == "unterminated_transition"
