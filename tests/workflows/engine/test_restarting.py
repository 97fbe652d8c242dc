from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.workflows.samples import START
from workflows.engine import restarting
from workflows.models import Workflow

TODAY = START.date()


def failed(**values: object) -> Workflow:
    return Workflow(internal_name="sample", paused_at=START, failed=True, **values)


@pytest.mark.parametrize(
    ("restarts", "seconds"),
    [(0, 30), (1, 60), (2, 120), (3, 300), (4, 900), (5, 900), (400, 900)],
)
def test_each_restart_without_success_waits_longer(restarts: int, seconds: int) -> None:
    workflow = failed(restart_count=restarts)

    assert restarting.plan(workflow, START + timedelta(seconds=10))
    assert workflow.restart_at == START + timedelta(seconds=seconds)


def test_restart_is_counted_twice_over() -> None:
    workflow = failed(
        restart_count=2, restarts_of_day=7, restart_day=TODAY, restart_at=START
    )

    restarting.count(workflow, START)

    assert (workflow.restart_count, workflow.restarts_of_day) == (3, 8)
    assert workflow.restart_at is None


def test_count_of_the_day_begins_anew_each_day() -> None:
    workflow = failed(restarts_of_day=20, restart_day=TODAY - timedelta(days=1))

    restarting.count(workflow, START)

    assert workflow.restarts_of_day == 1
    assert workflow.restart_day == TODAY


def test_twentieth_restart_of_a_day_is_the_last() -> None:
    workflow = failed(restarts_of_day=19, restart_day=TODAY)

    assert restarting.plan(workflow, START)


def test_after_it_the_next_is_at_midnight_of_the_server() -> None:
    workflow = failed(restarts_of_day=20, restart_day=TODAY)

    assert not restarting.plan(workflow, START)
    assert workflow.restart_at == START.replace(
        day=START.day + 1, hour=0, minute=0, second=0
    )


def test_day_is_that_of_the_server(settings: pytest.FixtureRequest) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    workflow = failed()

    restarting.count(workflow, START.replace(hour=23))

    assert workflow.restart_day == date(2026, 1, 6)


def test_refused_restart_is_tried_again_later() -> None:
    workflow = failed(restart_count=1)

    restarting.put_off(workflow, START)

    assert workflow.restart_at == START + timedelta(minutes=1)
