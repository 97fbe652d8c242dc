"""A sender: from pending logs to the relay's answers, each exactly once."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from campaign.deliveries.models import (
    Address,
    BroadLog,
    Channel,
    Delivery,
    FailureReason,
    FailureType,
    Lane,
    LogStatus,
)
from campaign.deliveries.services import hooks
from campaign.deliveries.services.sending import (
    send_lane,
    start_missing_senders,
    wake_senders,
)
from tests.campaign.deliveries.conftest import ScriptedRelay

pytestmark = pytest.mark.django_db(transaction=True)

Pending = Callable[..., list[BroadLog]]
finals: list[int] = []


def note_final(log_ids: list[int]) -> None:
    assert connection.in_atomic_block
    finals.extend(log_ids)


@pytest.fixture(autouse=True)
def _listener() -> Any:
    path = f"{__name__}.note_final"
    finals.clear()
    hooks.register_on_logs_final(path)
    yield
    hooks.unregister_on_logs_final(path)


def fresh(log: BroadLog) -> BroadLog:
    return BroadLog.objects.get(pk=log.pk)


def test_a_pending_log_is_sent(relay: ScriptedRelay, pending: Pending) -> None:
    (log,) = pending("reader@example.org")

    send_lane(Lane.TRANSACTIONAL, 0)

    log = fresh(log)
    assert log.status == LogStatus.SENT
    assert (log.send_count, log.epoch, log.claimed_by) == (1, 1, "")
    assert log.smtp_reply == "250 2.0.0 taken"
    assert log.attempt_at is not None
    assert finals == [log.pk]
    (recipient, data) = relay.messages[0]
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert recipient == "reader@example.org"
    assert message["Subject"] == "Order 0"
    assert message["Message-ID"] == "<0@example.com>"
    assert log.bytes == len(data)


def test_many_logs_share_few_connections(
    relay: ScriptedRelay, pending: Pending
) -> None:
    pending(*(f"reader{number}@example.org" for number in range(230)))

    send_lane(Lane.TRANSACTIONAL, 0)

    assert BroadLog.objects.filter(status=LogStatus.SENT).count() == 230
    assert len(set(relay.recipients)) == len(relay.recipients) == 230
    assert relay.connections <= 4


def test_only_the_lane_is_sent(relay: ScriptedRelay, pending: Pending) -> None:
    (log,) = pending("reader@example.org", lane=Lane.BULK)

    send_lane(Lane.TRANSACTIONAL, 0)

    assert fresh(log).status == LogStatus.PENDING


def test_a_lasting_refusal_is_a_hard_failure(
    relay: ScriptedRelay, pending: Pending
) -> None:
    at_rcpt, at_data = pending("hard@example.org", "refuse@example.org")

    send_lane(Lane.TRANSACTIONAL, 0)

    log = fresh(at_rcpt)
    assert (log.status, log.failure_type) == (LogStatus.FAILED, FailureType.HARD)
    assert log.failure_reason == FailureReason.USER_UNKNOWN
    assert log.smtp_reply == "550 5.1.1 no such user"
    assert log.next_retry_at is None
    assert fresh(at_data).failure_reason == FailureReason.REFUSED
    assert sorted(finals) == [at_rcpt.pk, at_data.pk]


def test_a_passing_refusal_is_tried_again_within_the_validity(
    relay: ScriptedRelay, pending: Pending, delivery: Delivery
) -> None:
    (log,) = pending("later@example.org")
    Delivery.objects.update(retry_period_seconds=600)

    send_lane(Lane.TRANSACTIONAL, 0)

    first = fresh(log)
    assert (first.status, first.failure_type) == (LogStatus.FAILED, FailureType.SOFT)
    assert first.next_retry_at is not None
    wait = first.next_retry_at - timezone.now()
    assert timedelta(seconds=590) < wait <= timedelta(seconds=600)
    assert finals == []

    send_lane(Lane.TRANSACTIONAL, 0)
    assert relay.attempts["later@example.org"] == 1

    BroadLog.objects.update(next_retry_at=timezone.now())
    send_lane(Lane.TRANSACTIONAL, 0)

    second = fresh(log)
    assert (second.status, second.send_count) == (LogStatus.SENT, 2)
    assert second.message_id == log.message_id
    assert b"Message-ID: <0@example.com>" in relay.messages[0][1]
    assert finals == [log.pk]


def test_the_last_refusal_before_the_end_of_validity_is_final(
    relay: ScriptedRelay, pending: Pending
) -> None:
    (log,) = pending(
        "soft@example.org", valid_until=timezone.now() + timedelta(minutes=30)
    )

    send_lane(Lane.TRANSACTIONAL, 0)

    assert fresh(log).status == LogStatus.FAILED
    assert fresh(log).next_retry_at is None
    assert finals == [log.pk]


def test_an_expired_log_is_cancelled(
    relay: ScriptedRelay, pending: Pending, long_ago: datetime
) -> None:
    (log,) = pending("reader@example.org", valid_until=long_ago)

    send_lane(Lane.TRANSACTIONAL, 0)

    assert fresh(log).status == LogStatus.CANCELLED
    assert (fresh(log).send_count, finals) == (0, [log.pk])
    assert relay.messages == []


def test_addresses_in_quarantine_or_denylisted_are_left_out(
    relay: ScriptedRelay, pending: Pending
) -> None:
    for address, status in (
        ("bad@example.org", Address.Status.QUARANTINE),
        ("never@example.org", Address.Status.DENYLISTED),
        ("good@example.org", Address.Status.ERRONEOUS),
    ):
        Address.objects.create(address=address, status=status)
    Address.objects.create(address="sms@example.org", status=3, channel=Channel.SMS)
    logs = pending(
        "Bad@example.org", "never@example.org", "good@example.org", "sms@example.org"
    )

    send_lane(Lane.TRANSACTIONAL, 0)

    found = [(fresh(log).status, fresh(log).failure_reason) for log in logs]
    assert found == [
        (LogStatus.IGNORED, FailureReason.QUARANTINED),
        (LogStatus.IGNORED, FailureReason.DENYLISTED),
        (LogStatus.SENT, FailureReason.NOT_DEFINED),
        (LogStatus.SENT, FailureReason.NOT_DEFINED),
    ]
    assert sorted(finals) == [log.pk for log in logs]


def test_a_message_without_an_answer_is_unknown_and_never_sent_again(
    relay: ScriptedRelay, pending: Pending
) -> None:
    lost, fine = pending("drop@example.org", "reader@example.org")

    send_lane(Lane.TRANSACTIONAL, 0)
    send_lane(Lane.TRANSACTIONAL, 0)
    start_missing_senders()

    assert fresh(lost).status == LogStatus.UNKNOWN
    assert fresh(fine).status == LogStatus.SENT
    assert relay.attempts["drop@example.org"] == 1


def test_messages_that_cannot_be_made_fail_alone(
    relay: ScriptedRelay, pending: Pending, delivery: Delivery
) -> None:
    Delivery.objects.update(content={**delivery.content, "html": "{{ ctx.name|date }}"})
    broken, nowhere, sms = (
        pending("reader@example.org")[0],
        pending("nobody", context={"ctx": {"name": "2026-01-01"}})[0],
        pending("+33123456789", channel=Channel.SMS)[0],
    )
    (fine,) = pending("fine@example.org", context={"ctx": {"name": "2026-01-01"}})

    send_lane(Lane.TRANSACTIONAL, 0)

    assert "html" in fresh(broken).smtp_reply
    assert fresh(nowhere).smtp_reply.startswith("nobody is not a mail address")
    assert "channel" in fresh(sms).smtp_reply
    assert {fresh(log).status for log in (broken, nowhere, sms)} == {LogStatus.FAILED}
    assert fresh(fine).status == LogStatus.SENT


def test_an_unreached_relay_leaves_logs_pending_and_uncounted(
    relay: ScriptedRelay, pending: Pending, enqueued: list[Any]
) -> None:
    relay.stop()
    pending(*(f"reader{number}@example.org" for number in range(300)))

    send_lane(Lane.TRANSACTIONAL, 0)

    logs = list(BroadLog.objects.order_by("pk"))
    assert {log.status for log in logs} == {LogStatus.PENDING}
    assert {log.send_count for log in logs} == {0}
    assert logs[0].next_retry_at is not None
    assert "refused" in logs[0].smtp_reply
    assert logs[-1].next_retry_at is None
    assert (finals, enqueued) == ([], [])


def test_a_relay_that_says_goodbye_has_not_taken_the_message(
    relay: ScriptedRelay, pending: Pending, delivery: Delivery
) -> None:
    Delivery.objects.update(
        content={**delivery.content, "sender_address": "goodbye@example.com"}
    )
    (log,) = pending("reader@example.org")

    send_lane(Lane.TRANSACTIONAL, 0)

    assert (fresh(log).status, fresh(log).send_count) == (LogStatus.PENDING, 0)
    assert fresh(log).smtp_reply.startswith("421")


def test_a_kept_connection_that_was_closed_is_replaced(
    relay: ScriptedRelay, pending: Pending, settings: Any
) -> None:
    pending("one@example.org")
    send_lane(Lane.TRANSACTIONAL, 0)
    relay.stop()
    again = ScriptedRelay(relay.port)
    again.start()
    (log,) = pending("two@example.org")

    send_lane(Lane.TRANSACTIONAL, 0)
    again.stop()

    assert fresh(log).status == LogStatus.SENT
    assert again.recipients == ["two@example.org"]


def test_waking_orders_every_slot(enqueued: list[Any]) -> None:
    wake_senders(Lane.TRANSACTIONAL)
    wake_senders(Lane.BULK)

    assert enqueued == [
        ("send_lane", 0, 0, "realtime"),
        ("send_lane", 0, 1, "realtime"),
        ("send_lane", 2, 0, "bulk"),
    ]


def test_the_backstop_wakes_lanes_with_due_logs(
    pending: Pending, enqueued: list[Any]
) -> None:
    pending("reader@example.org", lane=Lane.BULK)
    pending(
        "later@example.org",
        status=LogStatus.FAILED,
        next_retry_at=timezone.now() + timedelta(hours=1),
    )

    start_missing_senders()
    assert enqueued == [("send_lane", 2, 0, "bulk")]

    enqueued.clear()
    BroadLog.objects.filter(lane=Lane.TRANSACTIONAL).update(
        next_retry_at=timezone.now()
    )
    start_missing_senders()
    assert [order[1] for order in enqueued] == [0, 0, 2]
