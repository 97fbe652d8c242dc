"""A delivery is paused, resumed and stopped; senders obey, through the real path."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connections
from django.utils import timezone

from campaign.access.models import Operator
from campaign.deliveries.models import (
    BroadLog,
    Delivery,
    DeliveryState,
    Lane,
    LogStatus,
)
from campaign.deliveries.services import claim, hooks
from campaign.deliveries.services.sending import send_lane
from campaign.deliveries.services.steering import (
    DeliveryRefused,
    preview_steering,
    release_waiting,
    steer_delivery,
)
from tests.campaign.deliveries.conftest import MONTH, ScriptedRelay
from workflows.exceptions import NotFound, PermissionRefused, StaleState
from workflows.models import AuditEntry, Source

pytestmark = pytest.mark.django_db(transaction=True)
Pending = Callable[..., list[BroadLog]]
finals: list[int] = []


def note_final(log_ids: list[int]) -> None:
    finals.extend(log_ids)


@pytest.fixture(autouse=True)
def _listener() -> Any:
    finals.clear()
    hooks.register_on_logs_final(f"{__name__}.note_final")
    yield
    hooks.unregister_on_logs_final(f"{__name__}.note_final")


def steer(delivery: Delivery, verb: str, **values: Any) -> Any:
    return steer_delivery(
        **{
            "delivery_id": delivery.pk,
            "verb": verb,
            "acting_operator": None,
            "source": Source.CLI,
            "at": timezone.now(),
            **values,
        }
    )


def fresh(log: BroadLog) -> BroadLog:
    return BroadLog.objects.get(pk=log.pk)


def test_messages_of_a_paused_delivery_are_put_aside_and_others_go_out(
    relay: ScriptedRelay, pending: Pending, delivery: Delivery
) -> None:
    (held,) = pending("held@example.org")
    other = Delivery.objects.create(
        internal_name="other",
        label="Other",
        state=DeliveryState.IN_PROGRESS,
        part_month=MONTH,
        content=delivery.content,
    )
    (sent,) = pending("sent@example.org", delivery=other)
    steer(delivery, "pause")

    send_lane(Lane.TRANSACTIONAL, 0)

    assert relay.recipients == ["sent@example.org"]
    assert fresh(held).status == LogStatus.PREPARED
    assert fresh(held).send_count == 0
    assert fresh(sent).status == LogStatus.SENT
    assert finals == [sent.pk]
    assert not claim.has_due(lane=Lane.TRANSACTIONAL, at=timezone.now())


def test_resumed_delivery_sends_what_was_put_aside(
    relay: ScriptedRelay,
    pending: Pending,
    delivery: Delivery,
    enqueued: list[tuple[Any, ...]],
) -> None:
    pending(*(f"reader{n}@example.org" for n in range(3)))
    steer(delivery, "pause")
    send_lane(Lane.TRANSACTIONAL, 0)

    steer(delivery, "resume")
    ordered = list(enqueued)
    release_waiting(delivery.pk)
    send_lane(Lane.TRANSACTIONAL, 0)

    assert ordered == [("release_waiting", delivery.pk, "bulk")]
    assert len(relay.recipients) == 3
    assert {fresh(log).status for log in BroadLog.objects.all()} == {LogStatus.SENT}


def test_stopped_delivery_cancels_what_waits(
    relay: ScriptedRelay, pending: Pending, delivery: Delivery
) -> None:
    (log,) = pending("reader@example.org")
    steer(delivery, "stop")

    send_lane(Lane.TRANSACTIONAL, 0)

    assert relay.recipients == []
    assert fresh(log).status == LogStatus.CANCELLED
    assert finals == [log.pk]


def test_delivery_stopped_while_paused_cancels_what_was_put_aside(
    relay: ScriptedRelay,
    pending: Pending,
    delivery: Delivery,
    enqueued: list[tuple[Any, ...]],
) -> None:
    (log,) = pending("reader@example.org")
    steer(delivery, "pause")
    send_lane(Lane.TRANSACTIONAL, 0)

    steer(delivery, "stop")
    release_waiting(delivery.pk)
    send_lane(Lane.TRANSACTIONAL, 0)

    assert relay.recipients == []
    assert fresh(log).status == LogStatus.CANCELLED


def test_stop_ends_planned_tries_at_once(
    relay: ScriptedRelay,
    pending: Pending,
    delivery: Delivery,
    enqueued: list[tuple[Any, ...]],
) -> None:
    (log,) = pending("soft@example.org")
    send_lane(Lane.TRANSACTIONAL, 0)
    assert fresh(log).next_retry_at is not None

    steer(delivery, "stop")
    release_waiting(delivery.pk)
    send_lane(Lane.TRANSACTIONAL, 0)

    log = fresh(log)
    assert log.status == LogStatus.FAILED
    assert log.next_retry_at is None
    assert log.smtp_reply.startswith("451")
    assert finals == [log.pk]


def test_validity_that_ended_during_the_pause_cancels_the_message(
    relay: ScriptedRelay,
    pending: Pending,
    delivery: Delivery,
    enqueued: list[tuple[Any, ...]],
) -> None:
    (log,) = pending("reader@example.org")
    steer(delivery, "pause")
    send_lane(Lane.TRANSACTIONAL, 0)
    BroadLog.objects.update(valid_until=timezone.now() - timedelta(seconds=1))

    steer(delivery, "resume")
    release_waiting(delivery.pk)
    send_lane(Lane.TRANSACTIONAL, 0)

    assert relay.recipients == []
    assert fresh(log).status == LogStatus.CANCELLED


def test_change_of_state_waits_for_a_claim_under_way(delivery: Delivery) -> None:
    from campaign.deliveries.services import states  # noqa: PLC0415

    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock_shared(%s, %s)",
                [states._SPACE, states._STATES],
            )
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_xact_lock(%s, %s)",
                [states._SPACE, states._STATES],
            )
            is_free = cursor.fetchone()[0]
    finally:
        other.rollback()
        other.close()

    assert is_free is False


def test_order_is_audited_and_a_second_one_changes_nothing(
    delivery: Delivery, administrator: Operator
) -> None:
    first = steer(delivery, "pause", acting_operator=administrator, reason="wrong text")
    second = steer(delivery, "pause", acting_operator=administrator)

    entry = AuditEntry.objects.get(action="deliveries.delivery.paused")
    assert (first.noop, second.noop) == (False, True)
    assert entry.changes == {"state": [55, 75]}
    assert (entry.author, entry.reason) == (administrator.username, "wrong text")


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        (DeliveryState.STOPPED, "resume"),
        (DeliveryState.FINISHED, "pause"),
        (DeliveryState.FAILED, "stop"),
        (DeliveryState.EDITING, "pause"),
    ],
)
def test_what_the_state_does_not_allow_is_refused(
    delivery: Delivery, state: int, verb: str
) -> None:
    Delivery.objects.update(state=state)

    with pytest.raises(DeliveryRefused):
        steer(delivery, verb)

    assert not AuditEntry.objects.exists()


def test_other_state_than_shown_is_refused(delivery: Delivery) -> None:
    with pytest.raises(StaleState):
        steer(delivery, "stop", expected_state=DeliveryState.PAUSED)


def test_operator_without_the_right_is_refused(
    delivery: Delivery, outsider: Operator
) -> None:
    with pytest.raises(PermissionRefused):
        steer(delivery, "pause", acting_operator=outsider)


def test_operator_with_the_right_may(delivery: Delivery, outsider: Operator) -> None:
    outsider.user_permissions.add(Permission.objects.get(codename="operate_delivery"))

    steer(delivery, "pause", acting_operator=Operator.objects.get(pk=outsider.pk))

    assert Delivery.objects.get().state == DeliveryState.PAUSED


def test_missing_delivery_is_not_found(db: None) -> None:
    with pytest.raises(NotFound):
        steer_delivery(
            delivery_id=2**70,
            verb="pause",
            acting_operator=None,
            source=Source.CLI,
            at=timezone.now(),
        )


def test_preview_tells_in_numbers_and_changes_nothing(
    delivery: Delivery, pending: Pending
) -> None:
    pending("a@example.org", "b@example.org")
    pending("c@example.org", target_id=99, status=LogStatus.SENDING)

    told = preview_steering(delivery_id=delivery.pk, verb="stop", acting_operator=None)

    assert told.state_after == DeliveryState.STOPPED
    assert told.effects[0].startswith("2 messages that wait are cancelled")
    assert any(text.startswith("1 message is on its way") for text in told.effects)
    assert Delivery.objects.get().state == DeliveryState.IN_PROGRESS


def test_preview_of_what_is_impossible_says_why(delivery: Delivery) -> None:
    Delivery.objects.update(state=DeliveryState.FINISHED)

    told = preview_steering(delivery_id=delivery.pk, verb="pause", acting_operator=None)

    assert "ended for good" in told.refusal
    assert told.effects == ()
