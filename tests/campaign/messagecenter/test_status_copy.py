"""updateEventsStatus: what each delivery log means for its event."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from campaign.deliveries.models import BroadLog, LogStatus
from campaign.messagecenter.models import BatchEvent, EventStatus, EventType, RtEvent
from campaign.messagecenter.services import status_copy
from campaign.messagecenter.services.options import LAST_UPDATE
from campaign.messagecenter.services.routing import route_batch
from campaign.platform.services.options import read_pointer
from tests.campaign.messagecenter.factories import (
    AT,
    make_event,
    make_template,
    set_log,
)
from workflows.registry import Again, Done

pytestmark = pytest.mark.django_db


@dataclass
class Run:
    """What a handler sees of its run."""

    seconds_left: float = 20.0
    checkpoints: int = 0
    lines: list[str] = field(default_factory=list)

    def checkpoint(self) -> None:
        self.checkpoints += 1

    def warning(self, message: str, **_parameters: Any) -> None:
        self.lines.append(message)

    info = warning


@pytest.fixture
def event(order_shipped: EventType) -> RtEvent:
    """An event whose log waits to be sent."""
    make_template(order_shipped)
    event = make_event(order_shipped)
    route_batch(kind="rt", at=AT, limit=10)
    event.refresh_from_db()
    return event


def copy(**run: Any) -> Any:
    return status_copy.drain(Run(**run))


@pytest.mark.parametrize(
    ("log", "status"),
    [
        ({"status": LogStatus.SENT}, EventStatus.SENT),
        ({"status": LogStatus.MOBILE_RECEIVED}, EventStatus.SENT),
        ({"status": LogStatus.IGNORED}, EventStatus.IGNORED),
        ({"status": LogStatus.NOT_APPLICABLE}, EventStatus.IGNORED),
        ({"status": LogStatus.FAILED}, EventStatus.DELIVERY_ERROR),
        (
            {"status": LogStatus.FAILED, "next_retry_at": AT},
            EventStatus.PENDING_DELIVERY,
        ),
        ({"status": LogStatus.UNKNOWN}, EventStatus.DELIVERY_ERROR),
        ({"status": LogStatus.CANCELLED}, EventStatus.DELIVERY_ERROR),
        ({"status": LogStatus.CANCELLED, "valid_until": AT}, EventStatus.EXPIRED),
        ({"status": LogStatus.PENDING}, EventStatus.PENDING_DELIVERY),
        ({"status": LogStatus.SENDING}, EventStatus.PENDING_DELIVERY),
        ({"status": LogStatus.PREPARED}, EventStatus.PENDING_DELIVERY),
        ({"status": LogStatus.PROVIDER_ACCEPTED}, EventStatus.PENDING_DELIVERY),
        ({"status": LogStatus.PROVIDER_SENT}, EventStatus.PENDING_DELIVERY),
    ],
)
def test_status_of_the_log_becomes_the_event_s(
    event: RtEvent, log: dict[str, Any], status: EventStatus
) -> None:
    set_log(event.broadlog_id, **log)

    copy()

    event.refresh_from_db()
    assert event.status == status


def test_instant_and_failure_are_copied(event: RtEvent) -> None:
    set_log(
        event.broadlog_id,
        status=LogStatus.FAILED,
        failure_type=2,
        failure_reason=1,
        smtp_reply="550 5.1.1 User unknown",
    )

    copy()

    event.refresh_from_db()
    assert (event.failure_type, event.failure_reason) == (2, 1)
    assert event.last_error == "550 5.1.1 User unknown"
    assert event.sent_at is None


def test_sent_event_knows_when(event: RtEvent) -> None:
    set_log(event.broadlog_id, status=LogStatus.SENT, smtp_reply="250 OK")

    copy()

    event.refresh_from_db()
    assert event.sent_at == AT
    assert event.last_error == ""


def test_unknown_outcome_says_so(event: RtEvent) -> None:
    set_log(event.broadlog_id, status=LogStatus.UNKNOWN)

    copy()

    event.refresh_from_db()
    assert event.last_error == status_copy.UNKNOWN_OUTCOME


def test_excluded_event_is_ignored(order_shipped: EventType) -> None:
    make_template(order_shipped)
    event = make_event(order_shipped, email="")
    route_batch(kind="rt", at=AT, limit=10)

    copy()

    event.refresh_from_db()
    assert event.status == EventStatus.IGNORED
    assert event.failure_reason == 7


def test_batch_events_are_copied_too(order_shipped: EventType) -> None:
    make_template(order_shipped)
    event = make_event(order_shipped, model=BatchEvent)
    rt = make_event(order_shipped, pk=event.pk)
    route_batch(kind="batch", at=AT, limit=10)
    route_batch(kind="rt", at=AT, limit=10)
    event.refresh_from_db()
    set_log(event.broadlog_id, status=LogStatus.SENT)

    copy()

    event.refresh_from_db()
    rt.refresh_from_db()
    assert (event.status, rt.status) == (EventStatus.SENT, EventStatus.PENDING_DELIVERY)


@pytest.mark.parametrize(
    ("first", "then", "status"),
    [
        (LogStatus.SENT, LogStatus.FAILED, EventStatus.DELIVERY_ERROR),
        (LogStatus.FAILED, LogStatus.SENT, EventStatus.SENT),
        (LogStatus.UNKNOWN, LogStatus.SENT, EventStatus.SENT),
        (LogStatus.IGNORED, LogStatus.SENT, EventStatus.IGNORED),
    ],
)
def test_late_change_of_the_log_corrects_sent_and_error_only(
    event: RtEvent, first: LogStatus, then: LogStatus, status: EventStatus
) -> None:
    set_log(event.broadlog_id, status=first)
    copy()
    set_log(event.broadlog_id, status=then, last_modified=AT + timedelta(minutes=1))

    copy()

    event.refresh_from_db()
    assert event.status == status


def test_first_success_keeps_its_instant(event: RtEvent) -> None:
    set_log(event.broadlog_id, status=LogStatus.SENT)
    copy()
    later = AT + timedelta(days=1)
    set_log(
        event.broadlog_id, status=LogStatus.FAILED, event_at=later, last_modified=later
    )
    copy()

    event.refresh_from_db()
    assert event.status == EventStatus.DELIVERY_ERROR
    assert event.sent_at == AT


def test_log_of_an_earlier_delivery_changes_nothing(event: RtEvent) -> None:
    log = BroadLog.objects.get()
    RtEvent.objects.update(status=EventStatus.SENT, broadlog_id=log.pk + 1000)
    set_log(log.pk, status=LogStatus.FAILED)

    copy()

    event.refresh_from_db()
    assert event.status == EventStatus.SENT


def test_second_run_changes_nothing_and_is_idle(event: RtEvent) -> None:
    set_log(event.broadlog_id, status=LogStatus.SENT)
    first = copy()
    modified = RtEvent.objects.get().last_modified

    second = copy()

    assert isinstance(first, Done)
    assert (first.count, first.is_idle) == (1, False)
    assert (second.count, second.is_idle) == (0, True)
    assert RtEvent.objects.get().last_modified == modified


def test_empty_run_is_idle() -> None:
    assert copy() == Done(is_idle=True)


def test_run_hands_over_when_its_time_is_up(event: RtEvent) -> None:
    set_log(event.broadlog_id, status=LogStatus.SENT)

    assert isinstance(copy(seconds_left=0), Again)


def test_pointer_stays_behind_the_last_seconds(event: RtEvent) -> None:
    now = timezone.now()
    set_log(event.broadlog_id, status=LogStatus.SENT, last_modified=now)

    status_copy.correct(at=now)
    pointer = read_pointer(LAST_UPDATE)
    status_copy.correct(at=now + timedelta(seconds=6))

    event.refresh_from_db()
    assert pointer is None
    assert read_pointer(LAST_UPDATE)["id"] == event.broadlog_id
    assert event.status == EventStatus.SENT


def test_with_many_open_events_the_changes_lead_to_the_final_ones(
    event: RtEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy()  # the sweep that is due
    monkeypatch.setattr(status_copy, "MANY_OPEN", 0)
    now = timezone.now()
    set_log(event.broadlog_id, status=LogStatus.SENT, last_modified=now)

    copy()

    event.refresh_from_db()
    assert event.status == EventStatus.SENT


def test_sweep_goes_through_all_open_events_in_batches(
    order_shipped: EventType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_copy, "BATCH", 2)
    make_template(order_shipped)
    for _ in range(5):
        make_event(order_shipped)
    route_batch(kind="rt", at=AT, limit=10)
    last = RtEvent.objects.order_by("pk").last()
    set_log(last.broadlog_id, status=LogStatus.SENT)

    copy()

    assert RtEvent.objects.get(status=EventStatus.SENT) == last


def test_sweep_reads_the_partial_index_and_logs_by_key(
    order_shipped: EventType,
) -> None:
    plan = _plan_of(
        status_copy._SWEEP["rt"],
        {"after": 0, "limit": 1000, "target": 4, **status_copy._TEXTS},
    )

    assert "rtevent_open" in plan
    assert "deliveries_broadlog_pkey" in plan


def test_look_at_changes_reads_the_index_of_changes() -> None:
    plan = _plan_of(
        status_copy._CHANGES,
        {
            "since": AT,
            "after": 0,
            "until": AT,
            "limit": 1000,
            **status_copy._TEXTS,
        },
    )

    assert "broadlog_modified" in plan
    assert "messagecenter_rtevent_pkey" in plan


def _plan_of(statement: str, parameters: dict[str, Any]) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off;"
            " SET LOCAL enable_mergejoin = off; SET LOCAL enable_bitmapscan = off"
        )
        cursor.execute(f"EXPLAIN {statement}", parameters)
        return "\n".join(row[0] for row in cursor.fetchall())
