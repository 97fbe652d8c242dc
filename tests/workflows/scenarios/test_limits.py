"""Scenarios 25 and 28: what waits for its turn, or for a worker, says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from campaign.access.models import Operator
from campaign.platform.services import options
from tests.workflows.callers import client_of
from tests.workflows.drawn import command, draw
from tests.workflows.handlers import handlers, script
from tests.workflows.in_state import execute
from tests.workflows.samples import START, work_off
from tests.workflows.workers import at_once
from workflows import conf
from workflows.engine import claiming, waiting
from workflows.models import (
    Heartbeat,
    HeartbeatKind,
    Severity,
    Source,
    State,
    Task,
    Workflow,
)
from workflows.registry import Done, RunContext

SECOND = timedelta(seconds=1)


def one_row(_run: RunContext) -> Done:
    return Done(count=1, written=1)


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    with handlers(work=one_row):
        yield


def limited_to(number: int) -> None:
    options.set_value(
        name="WORKFLOW_MAX_ACTIVE",
        value=number,
        acting_operator=None,
        source=Source.CLI,
        at=START,
    )
    conf.forget_options()


def begun(
    name: str,
    severity: Severity = Severity.NORMAL,
    at: Any = START,
    **options: Any,
) -> Workflow:
    """Return a workflow that was started; its one task is queued."""
    draw(
        {"begin": "start", "work": script("work", **options), "end": "end"},
        "begin.ok>work work.ok>end",
        name=name,
        severity=severity,
    )
    return command("start", name=name, at=at)


def take() -> Task | None:
    """Claim the next task of the queue, as a worker does."""
    return claiming.claim(queue_name="workflows")


def alive(name: str, at: Any) -> None:
    """Note a sign of life of the workers of a queue."""
    Heartbeat.objects.update_or_create(
        kind=HeartbeatKind.QUEUE, name=name, defaults={"at": at}
    )


@pytest.mark.django_db
def test_scenario_25_weightier_workflows_go_first() -> None:
    begun("normal", Severity.NORMAL)
    begun("production", Severity.PRODUCTION, at=START + SECOND)
    begun("critical", Severity.CRITICAL, at=START + 2 * SECOND)

    taken = [take() for _ in range(3)]

    names = [task.workflow.internal_name for task in taken if task]
    assert names == ["critical", "production", "normal"]


@pytest.mark.django_db
def test_scenario_25_equal_ones_go_in_the_order_of_their_due_time() -> None:
    begun("later", at=START + SECOND)
    begun("sooner", at=START)

    taken = [take(), take()]

    assert [t.workflow.internal_name for t in taken if t] == ["sooner", "later"]


@pytest.mark.django_db
def test_scenario_25_no_more_run_than_the_limit() -> None:
    limited_to(2)
    for name in ("one", "two", "three"):
        begun(name, Severity.PRODUCTION)

    assert [take() is not None for _ in range(3)] == [True, True, False]


@pytest.mark.django_db
def test_scenario_25_last_place_is_kept_for_production() -> None:
    limited_to(2)
    begun("one")
    begun("two")
    begun("weighty", Severity.PRODUCTION, at=START + SECOND)
    command("pause", name="weighty")
    assert take() is not None
    assert take() is None

    command("resume", name="weighty", at=START + 2 * SECOND)

    task = take()
    assert task is not None
    assert task.workflow.internal_name == "weighty"


@pytest.mark.django_db
def test_scenario_25_place_that_comes_free_is_taken() -> None:
    limited_to(1)
    begun("one")
    begun("two")
    first = take()
    assert first is not None
    assert take() is None

    execute(first)

    assert take() is not None


@pytest.mark.django_db
def test_scenario_25_reason_and_place_in_the_queue_are_told() -> None:
    limited_to(1)
    alive("workflows", START)
    begun("one", Severity.CRITICAL)
    begun("two", Severity.PRODUCTION)
    third = begun("three")
    take()

    [reason] = waiting.reasons(third, START)

    assert reason.code == "limit"
    assert (
        reason.text == "The limit of 1 running tasks is reached; work is number 2 in"
        " the queue."
    )


@pytest.mark.django_db
def test_scenario_25_first_start_beyond_the_limit_says_as_soon_as_possible() -> None:
    limited_to(1)
    begun("one")
    take()

    second = begun("two")

    assert second.state == State.START_ASAP


@pytest.mark.django_db
def test_scenario_25_workflow_that_waited_for_the_limit_is_started_by_its_turn() -> (
    None
):
    limited_to(1)
    begun("one")
    first = take()
    second = begun("two")
    assert first is not None

    execute(first)
    work_off()

    second.refresh_from_db()
    assert second.state == State.FINISHED
    assert second.runs.get().status == "finished"


@pytest.mark.django_db(transaction=True)
def test_scenario_25_workers_that_claim_at_once_keep_to_the_limit() -> None:
    limited_to(2)
    for number in range(6):
        begun(f"normal{number}")

    with at_once(*[claim_and_hold] * 6) as taken:
        pass

    assert sum(taken) == 1


@pytest.mark.django_db(transaction=True)
def test_scenario_25_workers_that_claim_at_once_keep_the_reserved_place() -> None:
    limited_to(3)
    for number in range(4):
        begun(f"normal{number}")
    with at_once(*[claim_and_hold] * 6) as first:
        pass
    begun("weighty", Severity.PRODUCTION)
    with at_once(*[claim_and_hold] * 6) as second:
        pass

    assert (sum(first), sum(second)) == (2, 1)
    running = Task.objects.filter(substate="running")
    assert running.filter(workflow__internal_name="weighty").exists()


def claim_and_hold() -> bool:
    return take() is not None


@pytest.mark.django_db
def test_scenario_28_affinity_without_worker_is_told_within_a_minute() -> None:
    alive("workflows", START)
    workflow = begun("far", affinity="island")

    [reason] = waiting.reasons(workflow, START + 59 * SECOND)

    assert reason.code == "no_worker"
    assert reason.text == "work waits for a worker of the queue island."


@pytest.mark.django_db
def test_scenario_28_affinity_of_the_workflow_counts_too() -> None:
    draw(
        {"begin": "start", "work": script("work"), "end": "end"},
        "begin.ok>work work.ok>end",
        affinity="island",
    )
    workflow = command("start")

    [reason] = waiting.reasons(workflow, START)

    assert (reason.code, reason.parameters["queue"]) == ("no_worker", "island")


@pytest.mark.django_db
def test_scenario_28_queue_whose_workers_fell_silent_is_told() -> None:
    alive("island", START)
    workflow = begun("far", affinity="island")

    assert [r.code for r in waiting.reasons(workflow, START)] == ["worker"]
    minute = START + 60 * SECOND
    assert [r.code for r in waiting.reasons(workflow, minute)] == ["no_worker"]


@pytest.mark.django_db
def test_scenario_28_other_queues_do_not_take_it() -> None:
    workflow = begun("far", affinity="island")

    work_off()

    assert workflow.tasks.get(activity="work").substate == "queued"


@pytest.mark.django_db
def test_scenario_28_answer_of_the_api_names_it() -> None:
    begun("far", affinity="island")

    answer = client_of("Administrators").get("/api/v1/workflows/far/waiting")

    codes = [item["code"] for item in answer.json()["items"]]
    assert codes == ["no_worker"]


@pytest.mark.django_db
def test_scenario_28_stop_is_applied_by_the_command_itself(
    administrator: Operator,
) -> None:
    begun("far", affinity="island")

    assert command("stop", name="far").state == State.FINISHED
