"""A freeze lies over the workflows: nothing begins, no state changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from campaign.access.models import Operator
from tests.workflows.drawn import command, draw
from tests.workflows.handlers import handlers, script
from tests.workflows.in_state import one_row
from tests.workflows.samples import START, tick, work_off
from workflows.actions import freeze_instance, raise_signal, thaw_instance
from workflows.engine import claiming, freezing, waiting
from workflows.exceptions import InvalidInput, PermissionRefused, StaleState
from workflows.models import Freeze, Source, State, Workflow

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
ELEVEN = START.replace(hour=11, minute=0, second=0)
BY: dict[str, Any] = {"acting_operator": None, "source": Source.CLI}


def hourly(**schedule: Any) -> tuple[str, dict[str, Any]]:
    return (
        "scheduler",
        {
            "schedule": {
                "kind": "several_times_a_day",
                "every": "PT1H",
                "from": "00:00",
                **schedule,
            }
        },
    )


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    with handlers(work=one_row):
        yield


def started(name: str = "drawn", **schedule: Any) -> Workflow:
    """Return a started workflow with an hourly schedule and a signal."""
    draw(
        {
            "plan": hourly(**schedule),
            "listen": "signal",
            "work": script("work"),
            "end": "end",
        },
        "plan.ok>work listen.ok>work work.ok>end",
        name=name,
    )
    return command("start", name=name)


def freeze(at: Any = START, **more: Any) -> Freeze:
    return freeze_instance(reason="upgrade", at=at, **BY, **more)


def outcomes(workflow: Workflow) -> list[tuple[str, int]]:
    found = workflow.occurrences.order_by("scheduled_for")
    return [(each.outcome, each.count) for each in found]


def test_state_of_each_workflow_stays_its_own() -> None:
    started("running")
    started("resting")
    command("pause", name="resting")

    freeze()

    states = Workflow.objects.filter(internal_name__in=["running", "resting"])
    assert dict(states.values_list("internal_name", "state")) == {
        "running": "started",
        "resting": "paused",
    }


def test_nothing_fires_and_nothing_is_claimed() -> None:
    workflow = started()
    command("wake")
    freeze()

    tick(ELEVEN + HOUR)
    work_off(ELEVEN + HOUR)

    assert workflow.runs.count() == 1
    assert workflow.tasks.get(activity="work").substate == "queued"
    assert claiming.claim(queue_name="workflows") is None


def test_task_that_runs_goes_on_to_its_end() -> None:
    def freezes(_run: Any) -> Any:
        freeze()
        return one_row(_run)

    with handlers(work=freezes):
        workflow = started()
        command("wake")
        work_off()

    assert workflow.runs.get().status == "finished"


def test_progress_tells_when_the_instance_has_come_to_rest() -> None:
    started()
    command("wake")
    task = claiming.claim(queue_name="workflows")
    assert task is not None
    freeze()

    running = freezing.progress(ELEVEN)
    claiming.give_back(task)
    at_rest = freezing.progress(ELEVEN)

    assert (running.running, running.is_drained, running.due) == (1, False, 1)
    assert (at_rest.running, at_rest.queued, at_rest.is_drained) == (0, 1, True)


def test_thaw_fires_once_for_what_was_held() -> None:
    workflow = started()
    freeze()
    tick(ELEVEN + 2 * HOUR)

    thaw_instance(at=ELEVEN + 3 * HOUR, **BY)
    work_off(ELEVEN + 3 * HOUR)

    assert outcomes(workflow) == [("held_freeze", 3), ("ran", 1)]
    held = workflow.occurrences.get(outcome="held_freeze")
    assert held.reason == "frozen by cli: upgrade"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("skip", [("held_freeze", 4)]),
        ("fire_all", [("queued", 1)] * 4),
    ],
)
def test_thaw_follows_the_policy_for_a_resume(
    policy: str, expected: list[tuple[str, int]]
) -> None:
    workflow = started(on_resume=policy)
    freeze()

    thaw_instance(at=ELEVEN + 3.5 * HOUR, **BY)

    assert outcomes(workflow) == expected


def test_thaw_lets_what_was_queued_go_on() -> None:
    workflow = started()
    command("wake")
    freeze()

    thaw_instance(at=START + HOUR / 2, **BY)
    work_off(START + HOUR / 2)

    assert workflow.runs.get().status == "finished"


def test_paused_workflow_stays_paused_after_the_thaw() -> None:
    workflow = started()
    command("pause")
    freeze()

    thaw_instance(at=ELEVEN + HOUR, **BY)

    workflow.refresh_from_db()
    assert workflow.state == State.PAUSED
    assert not workflow.occurrences.exists()


def test_signal_is_taken_in_and_heard_after_the_thaw() -> None:
    workflow = started()
    freeze()
    raise_signal(internal_name="drawn", activity="listen", source="t", at=START)
    tick(START)
    assert not workflow.runs.exists()

    thaw_instance(at=START + HOUR / 2, **BY)
    tick(START + HOUR / 2)

    assert workflow.runs.get().trigger == "signal"


def test_freeze_ends_by_itself_at_its_instant() -> None:
    workflow = started()
    freeze(until=ELEVEN + HOUR)
    tick(ELEVEN)
    assert freezing.is_frozen()

    tick(ELEVEN + HOUR)

    assert not freezing.is_frozen()
    assert outcomes(workflow) == [("held_freeze", 1), ("queued", 1)]


def test_order_during_a_freeze_counts_at_once() -> None:
    workflow = started()
    freeze()

    assert command("stop").state == State.FINISHED
    assert workflow.commands.get(name="stop").status == "applied"


def test_what_waits_says_that_the_instance_is_frozen() -> None:
    workflow = started()
    freeze()

    reasons = waiting.reasons(workflow, START)

    assert {reason.code for reason in reasons} == {"frozen"}
    assert reasons[0].text == "The instance is frozen by cli: upgrade"


def test_second_freeze_is_refused() -> None:
    freeze()

    with pytest.raises(StaleState):
        freeze()


def test_thaw_of_what_is_not_frozen_is_refused() -> None:
    with pytest.raises(StaleState):
        thaw_instance(at=START, **BY)


def test_every_fault_of_a_freeze_is_named() -> None:
    with pytest.raises(InvalidInput) as refused:
        freeze_instance(reason=" ", until=START, at=START, **BY)

    assert [fault.field for fault in refused.value.faults] == ["reason", "until"]
    assert not Freeze.objects.exists()


def test_freeze_needs_its_right(outsider: Operator) -> None:
    with pytest.raises(PermissionRefused):
        freeze_instance(
            reason="upgrade", acting_operator=outsider, source=Source.CLI, at=START
        )

    assert not Freeze.objects.exists()
