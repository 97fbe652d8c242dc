"""Without a clock, the queue's minute-wise call keeps every schedule to the minute.

Each test lives through ten minutes in which no clock runs: once a minute a worker
calls ``safety_net``, seven seconds after the full minute, and works off what it began.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from campaign import health
from campaign.access.models import Operator, Scope
from campaign.access.services import tokens
from tests.workflows.samples import (
    EVERY_MINUTE,
    START,
    sample_workflow,
    three_rows,
    tick,
    work_off,
)
from workflows.engine import clock, supervision
from workflows.models import OccurrenceOutcome, Run, Workflow
from workflows.registry import QUEUES

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = START.replace(second=0) + timedelta(minutes=1)
LATE = timedelta(seconds=7)
MINUTES = 10
EVERY_QUARTER = {**EVERY_MINUTE, "every": "PT15S"}


def live_without_clock(minutes: int = MINUTES) -> None:
    """Let only the safety net and the workers do their duty for some minutes."""
    for minute in range(minutes):
        at = FIRST + timedelta(minutes=minute) + LATE
        call_net(at, *QUEUES)
        work_off(at)


def call_net(at: datetime, *answering: str) -> None:
    """Call the safety net; a second later the answering queues run their canary."""
    with time_machine.travel(at, tick=False):
        clock.safety_net()
    with time_machine.travel(at + timedelta(seconds=1), tick=False):
        for name in answering:
            supervision.answer_canary(name)


@pytest.fixture
def _silent_clock() -> Iterator[None]:
    """A clock whose last sign of life came when the ten minutes began."""
    supervision.beat_clock(START)
    yield
    # The probe's own thread holds a connection to the test database.
    health._engine._pool.submit(lambda: health.connection.close()).result()


@pytest.fixture
def _relay_up(monkeypatch: pytest.MonkeyPatch) -> None:
    up = health.Component(health.Health.UP, "answers")
    monkeypatch.setattr(health._relay_in_time, "_ask", lambda: up)


def instants(workflow: Workflow) -> list[datetime]:
    """Return the planned instants of the runs, oldest first."""
    runs = Run.objects.filter(workflow=workflow, status="finished").order_by("pk")
    return [run.scheduled_for for run in runs]


def answered(workflow: Workflow) -> Counter[str]:
    """Return how many planned instants have each outcome, as the API tells it."""
    operator = Operator.objects.create_superuser("administrator")
    token = tokens.create_token(name="test", operator=operator, scopes=(Scope.ADMIN,))
    answer = Client(headers={"authorization": f"Bearer {token.secret}"}).get(
        f"/api/v1/workflows/{workflow.internal_name}/occurrences", {"limit": 500}
    )
    outcomes: Counter[str] = Counter()
    for row in answer.json()["items"]:
        outcomes[row["outcome"]] += row["count"]
    return outcomes


def test_minutely_schedule_runs_at_every_minute_without_a_clock() -> None:
    with sample_workflow(three_rows) as workflow:
        live_without_clock()

        assert instants(workflow) == [
            FIRST + timedelta(minutes=minute) for minute in range(MINUTES)
        ]


def test_finer_schedule_runs_once_a_minute_and_every_instant_is_explained() -> None:
    with sample_workflow(three_rows, schedule=EVERY_QUARTER) as workflow:
        live_without_clock()

        assert len(instants(workflow)) == MINUTES
        # From :45 before the first minute to :00 of the last one.
        assert answered(workflow) == {
            OccurrenceOutcome.RAN_LATE: MINUTES,
            OccurrenceOutcome.COALESCED: 4 * (MINUTES - 1) + 2 - MINUTES,
        }


def test_clock_that_is_back_fires_nothing_that_the_net_has_fired() -> None:
    with sample_workflow(three_rows) as workflow:
        live_without_clock()
        end = FIRST + timedelta(minutes=MINUTES - 1, seconds=30)

        tick(end)
        work_off(end)

        assert len(instants(workflow)) == MINUTES


@pytest.mark.parametrize(("misfire", "runs"), [("fire_once", 1), ("skip", 0)])
def test_clock_and_net_away_for_ten_minutes_follow_the_misfire_policy(
    misfire: str, runs: int
) -> None:
    schedule = {**EVERY_MINUTE, "every": "PT5M", "misfire": misfire}
    with sample_workflow(three_rows, schedule=schedule) as workflow:
        tick(FIRST + timedelta(minutes=MINUTES - 2, seconds=59))

        assert workflow.runs.count() == runs
        assert sum(answered(workflow).values()) == 1


@pytest.mark.usefixtures("_silent_clock", "_relay_up")
def test_readyz_names_the_clock_and_nothing_else(client: Client) -> None:
    live_without_clock(minutes=2)

    # Right before the third call: the queues' last canaries are a minute old.
    with time_machine.travel(FIRST + timedelta(minutes=2), tick=False):
        answer = client.get("/readyz")

    parts: dict[str, Any] = answer.json()["components"]
    down = [name for name, part in parts.items() if part["status"] == "down"]
    assert (answer.status_code, down) == (503, ["clock"])
    assert parts["clock"]["detail"] == (
        "The clock is not running; schedules are kept to the minute only."
    )


@pytest.mark.usefixtures("_silent_clock")
def test_queue_that_leaves_the_canary_of_the_net_unanswered_is_down() -> None:
    live_without_clock(minutes=1)
    call_net(FIRST + timedelta(minutes=1), "workflows")

    found = supervision.component_status(FIRST + timedelta(minutes=1, seconds=40))

    down = {name for name, part in found.items() if not part.is_up}
    assert down == {"clock", "queue:realtime", "queue:bulk"}


@pytest.mark.usefixtures("_silent_clock")
def test_queues_are_down_when_neither_clock_nor_net_asks_them() -> None:
    live_without_clock(minutes=1)

    found = supervision.component_status(FIRST + timedelta(minutes=3))

    assert [name for name, part in found.items() if part.is_up] == ["database"]


@pytest.mark.usefixtures("_silent_clock")
def test_every_page_of_the_console_says_that_the_clock_is_silent(
    admin_client: Client,
) -> None:
    live_without_clock(minutes=2)

    with time_machine.travel(FIRST + timedelta(minutes=1) + 2 * LATE, tick=False):
        page = admin_client.get("/workflows/", follow=True).content.decode()

    assert "The clock has been silent for" in page
