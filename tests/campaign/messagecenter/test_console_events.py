"""The event history and one event in the console."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaign.access.models import Operator
from campaign.deliveries.models import (
    BroadLog,
    Delivery,
    DeliveryState,
    LogStatus,
    TargetType,
)
from campaign.messagecenter.models import BatchEvent, EventStatus, EventType, RtEvent
from campaign.messagecenter.services.executions import make_execution
from campaign.platform import listing
from tests.campaign.messagecenter.factories import make_template

EVENTS = "/message-center/events/"
pytestmark = pytest.mark.django_db


def make_event(model: type[Any] = RtEvent, **values: Any) -> Any:
    now = timezone.now()
    defaults = {
        "part_month": now.date().replace(day=1),
        "type": "EVTorderShipped",
        "email": "anna@example.com",
        "ctx": {"order_number": "A-1", "lines": [{"sku": "<b>x</b>"}]},
        "process_on": now,
        "created_at": now,
        "last_modified": now,
    }
    return model.objects.create(**{**defaults, **values})


def make_delivery(**values: Any) -> Delivery:
    now = timezone.now()
    defaults = {
        "internal_name": f"mc{Delivery.objects.count()}",
        "label": "Order shipped 2026-11",
        "state": DeliveryState.IN_PROGRESS,
        "part_month": now.date().replace(day=1),
        "content": {"subject": "Shipped", "html": "<p>x</p>", "text": "x"},
    }
    return Delivery.objects.create(**{**defaults, **values})


def make_log(delivery: Delivery, event: Any, **values: Any) -> BroadLog:
    now = timezone.now()
    defaults = {
        "part_month": delivery.part_month,
        "delivery": delivery,
        "target_type": TargetType.RT_EVENT,
        "target_id": event.pk,
        "address": event.email,
        "status": LogStatus.SENT,
        "event_at": now,
        "valid_until": now + timedelta(days=5),
        "message_id": f"m{event.pk}@example.com",
        "created_at": now,
        "last_modified": now,
    }
    return BroadLog.objects.create(**{**defaults, **values})


def test_list_shows_events_with_status_in_words(admin_client: Client) -> None:
    make_event()
    make_event(email="sven@example.com", error_count=2, last_error="no route")

    page = admin_client.get(EVENTS).content.decode()

    assert "anna@example.com" in page
    assert "Pending · 2 errors" in page


def test_list_speaks_the_reader_s_language(
    admin_client: Client, administrator: Operator
) -> None:
    administrator.language = "ko"
    administrator.save()
    make_event(status=EventStatus.NOT_COVERED)

    page = admin_client.get(EVENTS).content.decode()

    assert "이벤트가 포함되지 않음" in page


def test_list_asks_few_queries_however_many_rows(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        make_event(external_id=f"shop-{number}")

    with django_assert_max_num_queries(12):  # two of them are the tests' savepoint
        page = admin_client.get(EVENTS)

    assert page.content.decode().count("data-row=") == 50


def test_older_and_newer_lead_through_the_whole_list(admin_client: Client) -> None:
    keys = [make_event().pk for _number in range(120)]

    second = admin_client.get(EVENTS, {"after": keys[-50]}).content.decode()
    back = admin_client.get(EVENTS, {"before": keys[-51]}).content.decode()

    assert f'data-row="{keys[-51]}"' in second
    assert f'data-row="{keys[-100]}"' in second
    assert f"before={keys[-51]}" in second
    assert f"after={keys[-100]}" in second
    assert f'data-row="{keys[-1]}"' in back
    assert 'rel="prev"' not in back


@pytest.mark.parametrize(
    "query",
    [
        {"q": "sven@example.com"},
        {"q": "shop-7"},
        {"type": "EVTpasswordReset"},
        {"errors": "on"},
        {"channel": "1"},
        {"status": "5"},
        {"since": "2026-03-02", "until": "2026-03-02"},
    ],
)
def test_each_filter_finds_the_one_event(
    admin_client: Client, query: dict[str, str], password_reset: Any
) -> None:
    make_event(created_at=datetime(2026, 3, 1, 12, tzinfo=UTC))
    wanted = make_event(
        email="sven@example.com",
        external_id="shop-7",
        type="EVTpasswordReset",
        error_count=1,
        wished_channel=1,
        status=EventStatus.NOT_COVERED,
        created_at=datetime(2026, 3, 2, 12, tzinfo=UTC),
    )
    make_event(created_at=datetime(2026, 3, 3, 12, tzinfo=UTC))

    page = admin_client.get(EVENTS, query).content.decode()

    assert page.count("data-row=") == 1
    assert f'data-row="{wanted.pk}"' in page


@pytest.fixture
def password_reset() -> Any:
    from campaign.messagecenter.models import EventType  # noqa: PLC0415

    return EventType.objects.create(event_id="EVTpasswordReset", label="Reset")


def test_batch_queue_is_a_list_of_its_own(admin_client: Client) -> None:
    make_event(email="anna@example.com")
    make_event(BatchEvent, email="sven@example.com")

    page = admin_client.get(EVENTS, {"queue": "batch"}).content.decode()

    assert "sven@example.com" in page
    assert "anna@example.com" not in page


def test_live_refresh_answers_204_until_something_changes(
    admin_client: Client,
) -> None:
    event = make_event()
    token = admin_client.get(EVENTS).context["token"]

    same = admin_client.get(f"{EVENTS}changes/", {"token": token})
    RtEvent.objects.filter(pk=event.pk).update(status=EventStatus.NOT_COVERED)
    changed = admin_client.get(f"{EVENTS}changes/", {"token": token})

    assert same.status_code == 204
    assert "Event not covered" in changed.content.decode()
    assert changed["X-Live-Token"] != token


def test_detail_tells_the_whole_way(admin_client: Client) -> None:
    delivery = make_delivery()
    now = timezone.now()
    event = make_event(
        status=EventStatus.SENT, delivery=delivery, processed_at=now, sent_at=now
    )
    log = make_log(delivery, event, smtp_reply="250 2.0.0 taken")
    RtEvent.objects.filter(pk=event.pk).update(broadlog_id=log.pk)

    page = admin_client.get(event.get_absolute_url()).content.decode()

    assert delivery.get_absolute_url() in page
    assert log.get_absolute_url() in page
    assert "250 2.0.0 taken" in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<b>x</b>" not in page


def test_detail_asks_few_queries(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    delivery = make_delivery()
    now = timezone.now()
    event = make_event(status=EventStatus.SENT, delivery=delivery, processed_at=now)
    log = make_log(delivery, event)
    RtEvent.objects.filter(pk=event.pk).update(broadlog_id=log.pk)

    with django_assert_max_num_queries(10):
        admin_client.get(event.get_absolute_url())


def test_unknown_event_is_a_page_of_ours(admin_client: Client) -> None:
    reply = admin_client.get(f"{EVENTS}rt/987654321/", headers={"accept": "text/html"})

    assert reply.status_code == 404
    assert "may have been purged" in reply.content.decode()


def test_without_the_right_nothing_is_shown(client: Client, outsider: Operator) -> None:
    client.force_login(outsider, "django.contrib.auth.backends.ModelBackend")
    event = make_event()

    replies = [
        client.get(address, headers={"accept": "text/html"})
        for address in (EVENTS, f"{EVENTS}changes/", event.get_absolute_url())
    ]

    assert [reply.status_code for reply in replies] == [403, 403, 403]


def test_signed_out_readers_are_led_to_sign_in(client: Client) -> None:
    assert client.get(EVENTS)["Location"].startswith("/accounts/")


def test_refresh_of_a_purged_event_is_not_found(admin_client: Client) -> None:
    reply = admin_client.get(
        f"{EVENTS}rt/987654321/changes/", headers={"hx-request": "true"}
    )

    assert reply.status_code == 404


def test_search_that_takes_too_long_says_what_to_do(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(*_arguments: Any) -> None:
        raise listing.TooSlow

    monkeypatch.setattr(listing, "key_page", give_up)

    reply = admin_client.get(EVENTS, {"channel": "1"})

    assert reply.status_code == 200
    assert "The search was given up." in reply.content.decode()


def test_objects_made_automatically_tell_their_template(
    admin_client: Client, django_assert_max_num_queries: Any, order_shipped: EventType
) -> None:
    template = make_template(order_shipped)
    execution = make_execution(template.pk, timezone.now())

    with django_assert_max_num_queries(10):
        page = admin_client.get("/production/objects/").content.decode()
    other = admin_client.get("/production/objects/", {"q": "nothing"})

    assert f"/deliveries/{execution.delivery_id}/" in page
    assert template.get_absolute_url() in page
    assert "No object matches." in other.content.decode()


def test_objects_need_the_right(client: Client, outsider: Operator) -> None:
    client.force_login(outsider)

    reply = client.get("/production/objects/", headers={"accept": "text/html"})

    assert reply.status_code == 403
