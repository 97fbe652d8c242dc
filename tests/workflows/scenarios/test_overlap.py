"""Scenario 16: a run that takes longer than its period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.workflows.drawn import command, draw, lines
from tests.workflows.handlers import handlers, script
from tests.workflows.samples import START, tick, work_off
from workflows.engine import claiming, locks, rescue
from workflows.exceptions import RuntimeFault
from workflows.models import OccurrenceOutcome, RunStatus, State, Task, Workflow
from workflows.registry import Done, RunContext

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MOMENT = timedelta(seconds=2)
ELEVEN = START.replace(hour=11, minute=0, second=0)
TWELVE, ONE, TWO = ELEVEN + HOUR, ELEVEN + 2 * HOUR, ELEVEN + 3 * HOUR
HOURLY = (
    "scheduler",
    {"schedule": {"kind": "several_times_a_day", "every": "PT1H", "from": "00:00"}},
)
WAITED = ELEVEN + timedelta(minutes=151)


def one_row(_run: RunContext) -> Done:
    return Done(count=1, written=1)


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    with handlers(work=one_row):
        yield


def long_runs(policy: str) -> Workflow:
    """Return a started workflow: each hour a run of two and a half hours."""
    workflow = draw(
        {
            "plan": HOURLY,
            "wait": ("wait", {"duration": "150m"}),
            "work": script("work"),
            "end": "end",
        },
        "plan.ok>wait wait.ok>work work.ok>end",
        overlap_policy=policy,
    )
    command("start")
    return workflow


def live_through(*instants: Any) -> None:
    for instant in instants:
        tick(instant)
        work_off(instant + MOMENT)


def outcomes(workflow: Workflow) -> list[tuple[int, str]]:
    """Return the hour of each planned instant and what became of it."""
    found = workflow.occurrences.order_by("scheduled_for")
    return [(each.scheduled_for.hour, each.outcome) for each in found]


def statuses(workflow: Workflow) -> list[tuple[int, str]]:
    """Return the hour that each run was planned for and where it stands."""
    found = workflow.runs.order_by("id")
    return [(run.scheduled_for.hour, run.status) for run in found]


def test_scenario_16_skip_leaves_out_what_comes_meanwhile() -> None:
    workflow = long_runs("skip")

    live_through(ELEVEN, TWELVE, ONE, WAITED, TWO)

    assert outcomes(workflow) == [
        (11, "ran"),
        (12, "skipped_overlap"),
        (13, "skipped_overlap"),
        (14, "queued"),
    ]
    assert [status for _hour, status in statuses(workflow)] == [
        "finished",
        "skipped",
        "skipped",
        "deferred",
    ]


def test_scenario_16_skip_names_the_run_in_the_way() -> None:
    workflow = long_runs("skip")

    live_through(ELEVEN, TWELVE)

    live = workflow.runs.get(status=RunStatus.DEFERRED)
    skipped = workflow.occurrences.get(outcome=OccurrenceOutcome.SKIPPED_OVERLAP)
    assert skipped.reason == f"run {live.pk}"
    assert f"The planned run was skipped: run {live.pk} was still running." in lines(
        workflow
    )


def test_scenario_16_queue_lets_one_wait_and_coalesces_the_others() -> None:
    workflow = long_runs("queue")

    live_through(ELEVEN, TWELVE, ONE)

    assert outcomes(workflow) == [(11, "queued"), (12, "queued"), (13, "coalesced")]
    waiting = workflow.runs.get(is_waiting=True)
    assert waiting.scheduled_for == TWELVE
    assert not waiting.tasks.exists()


def test_scenario_16_queue_begins_the_waiting_run_after_the_live_one() -> None:
    workflow = long_runs("queue")
    live_through(ELEVEN, TWELVE)

    live_through(WAITED)

    assert statuses(workflow)[:2] == [(11, "finished"), (12, "deferred")]
    assert not workflow.runs.filter(is_waiting=True).exists()


def test_scenario_16_parallel_runs_side_by_side() -> None:
    workflow = long_runs("parallel")

    live_through(ELEVEN, TWELVE, ONE)
    assert statuses(workflow) == [(11, "deferred"), (12, "deferred"), (13, "deferred")]

    live_through(WAITED)
    assert statuses(workflow)[0] == (11, "finished")
    assert workflow.runs.live().count() == 2


def test_scenario_16_restart_cancels_the_live_run() -> None:
    workflow = long_runs("restart")

    live_through(ELEVEN, TWELVE)

    assert statuses(workflow) == [(11, "cancelled"), (12, "deferred")]
    assert outcomes(workflow) == [(11, "cancelled"), (12, "queued")]
    first, second = workflow.runs.order_by("id")
    assert first.skip_reason == f"replaced by run {second.pk}"
    assert first.tasks.get(activity="wait").status == "cancelled"


def test_scenario_16_restart_waits_for_the_worker_of_the_live_run() -> None:
    workflow = draw(
        {"plan": HOURLY, "work": script("work"), "end": "end"},
        "plan.ok>work work.ok>end",
        overlap_policy="restart",
    )
    command("start")
    tick(ELEVEN)
    task = dead_worker()

    live_through(TWELVE)

    task.refresh_from_db()
    assert task.cancel_asked_at is not None
    assert statuses(workflow) == [(11, "running"), (12, "queued")]
    assert workflow.runs.get(is_waiting=True).scheduled_for == TWELVE


def dead_worker() -> Task:
    """Claim the queued task as a worker that dies at once does."""
    task = claiming.claim(queue_name="workflows")
    assert task is not None
    locks.unlock(task.pk)
    return task


@pytest.mark.parametrize("policy", ["skip", "queue", "parallel", "restart"])
def test_scenario_16_crash_in_mid_run_does_not_block_later_runs(policy: str) -> None:
    workflow = draw(
        {"plan": HOURLY, "work": script("work"), "end": "end"},
        "plan.ok>work work.ok>end",
        overlap_policy=policy,
    )
    command("start")
    tick(ELEVEN)
    dead_worker()
    tick(TWELVE)
    rescue.take_over_orphans(TWELVE + MOMENT)
    work_off(TWELVE + MOMENT)

    live_through(ONE)

    assert statuses(workflow)[-1] == (13, "finished")
    assert outcomes(workflow)[-1] == (13, "ran")
    assert not workflow.runs.live().exists()


@pytest.mark.parametrize("policy", ["skip", "queue", "parallel", "restart"])
def test_scenario_16_ignored_error_in_mid_run_does_not_block_later_runs(
    policy: str,
) -> None:
    def fail_first(run: RunContext) -> Done:
        if run.scheduled_for == ELEVEN:
            raise RuntimeFault("The relay is away.")
        return Done(count=1)

    with handlers(work=fail_first):
        workflow = draw(
            {"plan": HOURLY, "work": script("work"), "end": "end"},
            "plan.ok>work work.ok>end",
            overlap_policy=policy,
            error_policy="ignore",
        )
        command("start")

        live_through(ELEVEN, TWELVE)

    workflow.refresh_from_db()
    assert statuses(workflow) == [(11, "finished_with_errors"), (12, "finished")]
    assert workflow.state == State.STARTED
