"""What waits for the three workflows, and how the database finds it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from campaign.messagecenter.models import BatchEvent, EventStatus, EventType, RtEvent
from campaign.messagecenter.services import backlogs, routing, status_copy
from campaign.messagecenter.technical_workflows import (
    BatchEventsProcessing,
    RealTimeEventsProcessing,
    UpdateEventsStatus,
)
from tests.campaign.messagecenter.factories import (
    AT,
    make_event,
    make_template,
    set_log,
)
from workflows.registry import Backlog, declarations

pytestmark = pytest.mark.django_db
EVENT_WORKFLOWS = [
    (RealTimeEventsProcessing, RtEvent),
    (BatchEventsProcessing, BatchEvent),
]


def asked(workflow: Any, after: timedelta = timedelta(0)) -> Backlog:
    with time_machine.travel(AT + after, tick=False):
        return workflow().backlog()


def plan(statement: str) -> str:
    with connection.cursor() as cursor:
        # Without statistics of many rows anything else is as cheap.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {statement}")
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize(("workflow", "model"), EVENT_WORKFLOWS)
def test_due_events_wait(order_shipped: EventType, workflow: Any, model: Any) -> None:
    oldest = AT - timedelta(seconds=40)
    make_event(order_shipped, model=model, process_on=oldest)
    make_event(order_shipped, model=model)

    assert asked(workflow) == Backlog(rows=2, oldest_at=oldest, good_until=oldest)


@pytest.mark.parametrize(("workflow", "model"), EVENT_WORKFLOWS)
def test_without_due_events_the_result_is_good_now(
    order_shipped: EventType, workflow: Any, model: Any
) -> None:
    make_event(order_shipped, model=model, process_on=AT + timedelta(hours=1))
    make_event(order_shipped, model=model, status=EventStatus.EXPIRED)

    assert asked(workflow) == Backlog(rows=0, oldest_at=None, good_until=AT)


def test_counting_ends_beyond_what_is_told_apart(
    order_shipped: EventType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlogs, "COUNTED", 2)
    for _ in range(5):
        make_event(order_shipped)

    assert asked(RealTimeEventsProcessing).rows == 3


def test_changed_logs_wait_for_the_status_copy(order_shipped: EventType) -> None:
    make_template(order_shipped)
    make_event(order_shipped)
    routing.route_batch(kind="rt", at=AT, limit=10)
    set_log(RtEvent.objects.get().broadlog_id, status=1)

    waiting = asked(UpdateEventsStatus, timedelta(minutes=1))

    assert waiting == Backlog(rows=1, oldest_at=AT, good_until=AT)


def test_logs_read_by_the_status_copy_wait_no_more(order_shipped: EventType) -> None:
    make_template(order_shipped)
    make_event(order_shipped)
    routing.route_batch(kind="rt", at=AT, limit=10)
    set_log(RtEvent.objects.get().broadlog_id, status=1)

    status_copy.correct(at=AT + timedelta(minutes=1))

    waiting = asked(UpdateEventsStatus, timedelta(minutes=1))
    assert waiting.rows == 0
    assert waiting.good_until == AT + timedelta(minutes=1) - status_copy.COMMIT_LAG


def test_logs_of_the_last_seconds_are_left_for_later(order_shipped: EventType) -> None:
    make_template(order_shipped)
    make_event(order_shipped)
    routing.route_batch(kind="rt", at=AT, limit=10)
    set_log(RtEvent.objects.get().broadlog_id, status=1)

    assert asked(UpdateEventsStatus, timedelta(seconds=1)).rows == 0


@pytest.mark.parametrize(
    ("instant", "source", "index"),
    [
        ("process_on", backlogs._DUE.format(table="messagecenter_rtevent"), "_due"),
        ("process_on", backlogs._DUE.format(table="messagecenter_batchevent"), "_due"),
        ("last_modified", backlogs._CHANGED, "broadlog_modified"),
    ],
)
def test_counting_reads_an_index(instant: str, source: str, index: str) -> None:
    statement = backlogs._COUNT.format(instant=instant, source=source, limit=100_001)

    shown = plan(
        statement % {"at": "now()", "since": "now() - interval '1 d'", "after": "0"}
    )

    assert f"{index} on" in shown
    assert "Sort" not in shown


@pytest.mark.parametrize(
    "name", ["rtEventsProcessing", "batchEventsProcessing", "updateEventsStatus"]
)
def test_backlog_is_declared_with_a_limit_of_age(name: str) -> None:
    declaration = declarations()[name]

    assert declaration.backlog is not None
    assert declaration.backlog_limits.age is not None
    assert {"rows", "age"} <= {
        part.split(")")[0] for part in declaration.backlog_text.split("%(")
    }
