"""Routing: every way that a due event can go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django_q.models import OrmQ

from campaign.deliveries.models import (
    BroadLog,
    Delivery,
    DeliveryState,
    ExcludeLog,
    FailureReason,
    Lane,
    LogStatus,
    TargetType,
)
from campaign.messagecenter.models import (
    BatchEvent,
    EventStatus,
    EventType,
    ExecutionDelivery,
    RtEvent,
)
from campaign.messagecenter.services import routing
from campaign.messagecenter.services.routing import route_batch
from campaign.messagecenter.services.templates import (
    pause_template,
    publish_template,
    resume_template,
    unpublish_template,
)
from campaign.platform.models import ExternalAccount
from campaign.platform.services.accounts import DEFAULT_ROUTING
from tests.campaign.messagecenter.factories import (
    AT,
    BY_ENGINE,
    make_event,
    make_template,
)

pytestmark = pytest.mark.django_db


def route(kind: str = "rt", at: Any = AT, limit: int = 500) -> routing.Routed:
    return route_batch(kind=kind, at=at, limit=limit)


def test_due_event_gets_a_pending_log_in_the_transactional_lane(
    order_shipped: EventType,
) -> None:
    make_template(order_shipped)
    event = make_event(order_shipped, language="fr", external_id="shop-1")

    routed = route()

    event.refresh_from_db()
    log = BroadLog.objects.get()
    assert (routed.read, routed.routed) == (1, 1)
    assert event.status == EventStatus.PENDING_DELIVERY
    assert (event.broadlog_id, event.delivery_id) == (log.pk, log.delivery_id)
    assert event.processed_at == AT
    assert (log.target_type, log.target_id) == (TargetType.RT_EVENT, event.pk)
    assert (log.status, log.lane) == (LogStatus.PENDING, Lane.TRANSACTIONAL)
    assert (log.address, log.address_domain) == ("anna@example.com", "example.com")
    assert log.language == "fr"
    assert log.message_id.startswith(f"rt-{event.pk}.")
    assert log.context["ctx"] == {"order_number": "A-1"}
    assert log.context["event"] == {
        "id": f"rt-{event.pk}",
        "type": "EVTorderShipped",
        "language": "fr",
        "external_id": "shop-1",
        "origin": "",
        "email": "anna@example.com",
        "mobile_phone": "",
        "created_at": "2026-03-10T11:59:59.000000Z",
    }
    assert log.valid_until == AT + timedelta(days=5)


def test_senders_are_woken_once_per_batch(order_shipped: EventType) -> None:
    make_template(order_shipped)
    make_event(order_shipped)
    make_event(order_shipped)
    OrmQ.objects.all().delete()

    route()

    assert OrmQ.objects.filter(key="realtime").count() == 2  # one per slot


def test_execution_delivery_carries_the_frozen_content(
    order_shipped: EventType,
) -> None:
    template = make_template(order_shipped)
    make_event(order_shipped)

    route()

    delivery = Delivery.objects.get()
    assert delivery.state == DeliveryState.IN_PROGRESS
    assert delivery.content["subject"] == "Order {{ ctx.order_number }}"
    assert delivery.label == "orderShipped 2026-03"
    assert delivery.execution.template == template
    assert delivery.part_month.isoformat() == "2026-03-01"


def test_events_of_one_month_and_version_share_a_delivery(
    order_shipped: EventType,
) -> None:
    make_template(order_shipped)
    make_event(order_shipped)
    route()
    make_event(order_shipped)
    route()

    assert Delivery.objects.count() == 1
    assert BroadLog.objects.count() == 2


def test_new_month_and_new_version_each_get_a_delivery(
    order_shipped: EventType,
) -> None:
    make_template(order_shipped)
    make_event(order_shipped)
    route()
    make_event(order_shipped)
    route(at=AT + timedelta(days=31))
    publish_template(internal_name="orderShipped", **BY_ENGINE)
    make_event(order_shipped)
    route()

    assert Delivery.objects.count() == 3


@pytest.mark.parametrize("state", [DeliveryState.STOPPED, DeliveryState.FAILED])
def test_ended_delivery_is_followed_by_a_new_one(
    order_shipped: EventType, state: DeliveryState
) -> None:
    make_template(order_shipped)
    make_event(order_shipped)
    route()
    Delivery.objects.update(state=state)
    make_event(order_shipped)

    route()

    assert Delivery.objects.count() == 2
    assert ExecutionDelivery.objects.filter(is_current=True).count() == 1


def test_batch_events_have_logs_of_their_own_kind(order_shipped: EventType) -> None:
    make_template(order_shipped)
    event = make_event(order_shipped, model=BatchEvent)

    route("rt")
    assert not BroadLog.objects.exists()
    route("batch")

    log = BroadLog.objects.get()
    assert (log.target_type, log.target_id) == (TargetType.BATCH_EVENT, event.pk)


def test_event_without_a_template_is_not_covered(order_shipped: EventType) -> None:
    event = make_event(order_shipped)

    routed = route()

    event.refresh_from_db()
    assert routed.not_covered == 1
    assert event.status == EventStatus.NOT_COVERED
    assert event.last_error == routing.NO_TEMPLATE
    assert event.processed_at == AT


def test_event_of_another_channel_is_not_covered(order_shipped: EventType) -> None:
    make_template(order_shipped)
    event = make_event(order_shipped, wished_channel=1, mobile_phone="+33612345678")

    route()

    event.refresh_from_db()
    assert event.status == EventStatus.NOT_COVERED


def test_event_of_an_unknown_type_is_not_covered() -> None:
    event = make_event(None)

    route()

    event.refresh_from_db()
    assert event.status == EventStatus.NOT_COVERED


def test_expired_event_is_void(order_shipped: EventType) -> None:
    make_template(order_shipped)
    event = make_event(order_shipped, expiration=AT)

    route()

    event.refresh_from_db()
    assert event.status == EventStatus.EXPIRED
    assert not BroadLog.objects.exists()


def test_expiration_bounds_the_validity_of_the_message(
    order_shipped: EventType,
) -> None:
    make_template(order_shipped)
    make_event(order_shipped, expiration=AT + timedelta(hours=1))

    route()

    assert BroadLog.objects.get().valid_until == AT + timedelta(hours=1)


def test_scheduled_event_waits(order_shipped: EventType) -> None:
    make_template(order_shipped)
    event = make_event(order_shipped, process_on=AT + timedelta(minutes=1))

    assert route().read == 0
    assert route(at=AT + timedelta(minutes=1)).routed == 1

    event.refresh_from_db()
    assert event.status == EventStatus.PENDING_DELIVERY


def test_event_without_address_is_excluded(order_shipped: EventType) -> None:
    make_template(order_shipped)
    event = make_event(order_shipped, email="")

    routed = route()

    event.refresh_from_db()
    assert routed.excluded == 1
    assert event.status == EventStatus.PENDING_DELIVERY
    assert not BroadLog.objects.exists()
    excluded = ExcludeLog.objects.get()
    assert excluded.failure_reason == FailureReason.ADDRESS_NOT_SPECIFIED
    assert excluded.target_id == event.pk


def test_paused_template_holds_new_and_waiting_events(
    order_shipped: EventType,
) -> None:
    make_template(order_shipped)
    waiting = make_event(order_shipped)
    pause_template(internal_name="orderShipped", **BY_ENGINE)
    new = make_event(order_shipped)

    routed = route()

    waiting.refresh_from_db()
    new.refresh_from_db()
    assert routed.paused == 1
    assert (waiting.status, new.status) == (EventStatus.PAUSED, EventStatus.PAUSED)


def test_resumed_template_releases_its_events(order_shipped: EventType) -> None:
    make_template(order_shipped)
    pause_template(internal_name="orderShipped", **BY_ENGINE)
    event = make_event(order_shipped)
    expired = make_event(order_shipped, expiration=AT + timedelta(seconds=1))
    batch = make_event(order_shipped, model=BatchEvent)
    route()
    route("batch")

    later = {**BY_ENGINE, "at": AT + timedelta(minutes=1)}
    resume_template(internal_name="orderShipped", **later)

    event.refresh_from_db()
    expired.refresh_from_db()
    batch.refresh_from_db()
    assert (event.status, event.last_error) == (EventStatus.PENDING, "")
    assert expired.status == EventStatus.EXPIRED
    assert batch.status == EventStatus.PENDING


def test_events_held_for_an_unpublished_template_are_not_covered(
    order_shipped: EventType,
) -> None:
    make_template(order_shipped)
    pause_template(internal_name="orderShipped", **BY_ENGINE)
    event = make_event(order_shipped)
    route()

    unpublish_template(internal_name="orderShipped", **BY_ENGINE)
    route()

    event.refresh_from_db()
    assert event.status == EventStatus.NOT_COVERED


def test_template_published_last_wins_and_stands_in_for_a_paused_one(
    order_shipped: EventType,
) -> None:
    make_template(order_shipped, "first")
    second = make_template(order_shipped, "second")
    pause_template(internal_name="first", **BY_ENGINE)
    make_event(order_shipped)

    route()

    assert ExecutionDelivery.objects.get().template == second


def test_fault_of_configuration_puts_events_off(order_shipped: EventType) -> None:
    make_template(order_shipped)
    event = make_event(order_shipped)
    ExternalAccount.objects.update_or_create(
        internal_name=DEFAULT_ROUTING,
        defaults={"label": "x", "type": "routing", "enabled": False},
    )

    routed = route()

    event.refresh_from_db()
    assert routed.deferred == 1
    assert (event.status, event.error_count) == (EventStatus.PENDING, 1)
    assert event.process_on == AT + timedelta(minutes=1)
    assert "enable it" in event.last_error


@pytest.mark.parametrize(
    ("errors", "minutes"), [(0, 1), (1, 5), (2, 15), (3, 60), (4, 240)]
)
def test_pauses_grow_with_the_errors(
    order_shipped: EventType, errors: int, minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = _poisoned(order_shipped, monkeypatch, error_count=errors)

    route()

    event.refresh_from_db()
    assert event.error_count == errors + 1
    assert event.process_on == AT + timedelta(minutes=minutes)


def test_sixth_error_expires_the_event(
    order_shipped: EventType, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = _poisoned(order_shipped, monkeypatch, error_count=5)

    route()

    event.refresh_from_db()
    assert event.status == EventStatus.EXPIRED
    assert event.last_error == routing.TRIES_USED_UP


def test_poisoned_event_does_not_keep_its_batch_back(
    order_shipped: EventType, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [make_event(order_shipped) for _ in range(3)]
    bad = _poisoned(order_shipped, monkeypatch)
    last = make_event(order_shipped)

    routed = route()

    bad.refresh_from_db()
    assert (routed.routed, routed.deferred) == (4, 1)
    assert bad.status == EventStatus.PENDING
    assert bad.last_error == routing.NOT_STORED
    assert set(BroadLog.objects.values_list("target_id", flat=True)) == {
        *(event.pk for event in good),
        last.pk,
    }


def _poisoned(
    order_shipped: EventType, monkeypatch: pytest.MonkeyPatch, **values: Any
) -> RtEvent | BatchEvent:
    """Return an event whose message the database refuses."""
    make_template(order_shipped)
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE deliveries_broadlog ADD CONSTRAINT no_poison"
            " CHECK (address <> 'poison@example.com')"
        )
    return make_event(order_shipped, email="poison@example.com", **values)


def test_event_that_has_a_log_already_keeps_it(order_shipped: EventType) -> None:
    make_template(order_shipped)
    event = make_event(order_shipped)
    route()
    log = BroadLog.objects.get()
    RtEvent.objects.update(status=EventStatus.PENDING, broadlog_id=None)

    route()

    event.refresh_from_db()
    again = BroadLog.objects.get()
    assert (event.status, event.broadlog_id) == (EventStatus.PENDING_DELIVERY, log.pk)
    assert again.message_id == log.message_id


def test_oldest_events_go_first_and_a_batch_has_its_limit(
    order_shipped: EventType,
) -> None:
    make_template(order_shipped)
    late = make_event(order_shipped)
    early = make_event(order_shipped, process_on=AT - timedelta(hours=1))

    routed = route(limit=1)

    late.refresh_from_db()
    early.refresh_from_db()
    assert routed.read == 1
    assert (late.status, early.status) == (0, 1)


def test_nothing_due_does_nothing() -> None:
    assert route().read == 0
    assert not Delivery.objects.exists()


def test_last_event_is_noted_with_its_type(order_shipped: EventType) -> None:
    make_event(order_shipped)

    route()

    order_shipped.refresh_from_db()
    assert order_shipped.last_event_at == AT


def test_claim_reads_the_partial_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM messagecenter_rtevent WHERE status = 0"
            " AND process_on <= now() ORDER BY process_on, id LIMIT 500"
            " FOR UPDATE SKIP LOCKED"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "rtevent_due" in plan
    assert "Sort" not in plan
