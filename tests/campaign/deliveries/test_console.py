"""Deliveries, their logs and caught mail in the console."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission
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
from campaign.deliveries.services.caught import Keeper
from workflows.models import AuditEntry

LOGS = "/deliveries/logs/"
CAUGHT = "/monitoring/caught-mail/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def shipped(db: None) -> Delivery:
    """A delivery without messages."""
    return Delivery.objects.create(
        internal_name="mc1v1m202611n1",
        label="Order shipped 2026-11",
        state=DeliveryState.IN_PROGRESS,
        part_month=timezone.now().date().replace(day=1),
        content={"subject": "Shipped <now>", "html": "<p>Hello</p>", "text": "Hello"},
    )


def add_log(delivery: Delivery, number: int = 1, **values: Any) -> BroadLog:
    now = timezone.now()
    defaults = {
        "part_month": delivery.part_month,
        "delivery": delivery,
        "target_type": TargetType.RT_EVENT,
        "target_id": number,
        "address": f"anna{number}@example.com",
        "status": LogStatus.SENT,
        "event_at": now,
        "valid_until": now + timedelta(days=5),
        "message_id": f"m{number}@example.com",
        "created_at": now,
        "last_modified": now,
        "context": {"ctx": {"order_number": "A-1"}},
    }
    return BroadLog.objects.create(**{**defaults, **values})


def test_list_counts_messages_from_their_logs(
    admin_client: Client, shipped: Delivery, django_assert_max_num_queries: Any
) -> None:
    add_log(shipped, 1)
    add_log(shipped, 2, status=LogStatus.FAILED)
    add_log(shipped, 3, status=LogStatus.PENDING)

    with django_assert_max_num_queries(10):
        reply = admin_client.get("/deliveries/")

    page = reply.content.decode()
    assert '<span class="num">3</span>' in page
    assert '<span class="num">1</span><small>1 waiting</small>' in page
    assert '<span class="num text-bad">1</span>' in page


def test_detail_shows_figures_and_the_content_as_text(
    admin_client: Client, shipped: Delivery, django_assert_max_num_queries: Any
) -> None:
    add_log(shipped, 1)

    with django_assert_max_num_queries(10):
        page = admin_client.get(shipped.get_absolute_url()).content.decode()

    assert "Shipped &lt;now&gt;" in page
    assert f"/deliveries/logs/?status=sent&amp;delivery={shipped.pk}" in page


def test_logs_are_listed_with_the_answer_of_the_relay(
    admin_client: Client, shipped: Delivery, django_assert_max_num_queries: Any
) -> None:
    add_log(shipped, 1, status=LogStatus.FAILED, smtp_reply="550 5.1.1 User unknown")

    with django_assert_max_num_queries(12):  # two of them are the tests' savepoint
        page = admin_client.get(LOGS, {"status": "failed"}).content.decode()

    assert "550 5.1.1 User unknown" in page


def test_logs_are_found_by_address(admin_client: Client, shipped: Delivery) -> None:
    wanted = add_log(shipped, 1)
    add_log(shipped, 2)

    page = admin_client.get(LOGS, {"q": wanted.address}).content.decode()

    assert page.count("data-row=") == 1


def test_logs_of_one_delivery(admin_client: Client, shipped: Delivery) -> None:
    add_log(shipped, 1)

    page = admin_client.get(LOGS, {"delivery": shipped.pk + 1}).content.decode()

    assert "No message matches" in page


def test_unknown_outcome_is_explained(admin_client: Client, shipped: Delivery) -> None:
    log = add_log(shipped, 1, status=LogStatus.UNKNOWN, send_count=1)

    page = admin_client.get(log.get_absolute_url()).content.decode()

    assert "It is never sent again by itself" in page
    assert "m1@example.com" in page
    assert "/message-center/events/rt/1/" in page


def test_failure_with_a_retry_is_told_apart(
    admin_client: Client, shipped: Delivery
) -> None:
    log = add_log(
        shipped,
        1,
        status=LogStatus.FAILED,
        next_retry_at=timezone.now() + timedelta(hours=1),
    )

    page = admin_client.get(log.get_absolute_url()).content.decode()

    assert "Failed, to be tried again" in page


def test_log_page_refreshes_itself(admin_client: Client, shipped: Delivery) -> None:
    log = add_log(shipped, 1, status=LogStatus.PENDING)
    token = admin_client.get(log.get_absolute_url()).context["token"]
    BroadLog.objects.filter(pk=log.pk).update(status=LogStatus.SENT)

    reply = admin_client.get(f"{log.get_absolute_url()}changes/", {"token": token})

    assert "The relay has taken the message" in reply.content.decode()


@pytest.mark.parametrize("address", ["/deliveries/", LOGS, CAUGHT])
def test_without_the_right_nothing_is_shown(
    client: Client, outsider: Operator, address: str
) -> None:
    client.force_login(outsider, "django.contrib.auth.backends.ModelBackend")

    assert client.get(address, headers={"accept": "text/html"}).status_code == 403


@pytest.fixture
def caught(settings: LazySettings, tmp_path: Path) -> str:
    """A caught message with HTML, text and an attachment; its id."""
    settings.MAIL_CATCHER_DIR = tmp_path
    settings.MAIL_CATCHER_ENABLED = True
    message = EmailMessage()
    message["Subject"] = "Your order <1>"
    message["From"] = "shop@example.com"
    message["To"] = "anna@example.com"
    message.set_content("Hello Anna")
    message.add_alternative("<p>Hello</p><script>alert(1)</script>", subtype="html")
    message.add_attachment(
        b"%PDF", maintype="application", subtype="pdf", filename="../../bill.pdf"
    )
    return Keeper(tmp_path).keep(
        "shop@example.com", ["anna@example.com"], bytes(message), timezone.now()
    )


def test_caught_mail_is_listed(admin_client: Client, caught: str) -> None:
    page = admin_client.get(CAUGHT).content.decode()

    assert "Your order &lt;1&gt;" in page
    assert f"{CAUGHT}{caught}/" in page


def test_caught_message_shows_headers_text_and_attachments(
    admin_client: Client, caught: str
) -> None:
    page = admin_client.get(f"{CAUGHT}{caught}/").content.decode()

    assert "Hello Anna" in page
    assert "bill.pdf" in page
    assert "<script>alert" not in page


def test_html_of_a_caught_message_is_sandboxed(
    admin_client: Client, caught: str
) -> None:
    reply = admin_client.get(f"{CAUGHT}{caught}/html/")

    assert reply["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert reply["X-Frame-Options"] == "SAMEORIGIN"


def test_attachment_is_only_ever_saved(admin_client: Client, caught: str) -> None:
    reply = admin_client.get(f"{CAUGHT}{caught}/attachments/1/")

    assert reply.content == b"%PDF"
    assert reply["Content-Disposition"] == 'attachment; filename="bill.pdf"'
    assert reply["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("name", ["x", "..", "20260101T000000000000-1"])
def test_unknown_caught_message_is_not_found(
    admin_client: Client, caught: str, name: str
) -> None:
    reply = admin_client.get(f"{CAUGHT}{name}/", headers={"accept": "text/html"})

    assert reply.status_code == 404


def test_caught_mail_hides_when_mail_goes_to_a_relay(
    admin_client: Client, settings: LazySettings, caught: str
) -> None:
    settings.MAIL_CATCHER_ENABLED = False

    reply = admin_client.get(CAUGHT, headers={"accept": "text/html"})

    assert reply.status_code == 404
    assert CAUGHT not in admin_client.get("/deliveries/").content.decode()


def test_pause_asks_in_numbers_and_is_done(
    admin_client: Client, shipped: Delivery
) -> None:
    add_log(shipped, 1, status=LogStatus.PENDING)
    address = f"{shipped.get_absolute_url()}pause/"

    page = admin_client.get(address).content.decode()
    reply = admin_client.post(address, {"expected_state": 55, "reason": "wrong text"})

    shipped.refresh_from_db()
    assert "1 message that waits is kept back" in page
    assert reply.status_code == 302
    assert shipped.state == DeliveryState.PAUSED


def test_page_that_is_stale_is_told_so(admin_client: Client, shipped: Delivery) -> None:
    address = f"{shipped.get_absolute_url()}stop/"

    reply = admin_client.post(address, {"expected_state": int(DeliveryState.PAUSED)})

    shipped.refresh_from_db()
    assert reply.status_code == 409
    assert shipped.state == DeliveryState.IN_PROGRESS


def test_reader_sees_the_buttons_disabled_with_the_reason(
    client: Client, outsider: Operator, shipped: Delivery
) -> None:
    outsider.user_permissions.add(Permission.objects.get(codename="view_delivery"))
    client.force_login(outsider)

    page = client.get(shipped.get_absolute_url()).content.decode()
    refused = client.post(
        f"{shipped.get_absolute_url()}stop/", headers={"accept": "text/html"}
    )

    assert "You lack the right deliveries.operate_delivery" in page
    assert refused.status_code == 403


def test_unknown_verb_and_delivery_are_404(
    admin_client: Client, shipped: Delivery
) -> None:
    verb = admin_client.get(f"{shipped.get_absolute_url()}explode/")
    delivery = admin_client.get(
        "/deliveries/99999/pause/", headers={"accept": "text/html"}
    )

    assert (verb.status_code, delivery.status_code) == (404, 404)


def test_list_tells_the_next_retry_and_narrows_by_kind(
    admin_client: Client, shipped: Delivery
) -> None:
    later = timezone.now() + timedelta(hours=2)
    add_log(shipped, 1, status=LogStatus.FAILED, next_retry_at=later)
    technical = admin_client.get("/deliveries/", {"kind": "technical"})

    page = admin_client.get("/deliveries/", {"kind": "other"}).content.decode()

    assert "in 2 hr" in page
    assert "No delivery matches." in technical.content.decode()


def test_log_is_masked_until_it_is_revealed(
    admin_client: Client, shipped: Delivery
) -> None:
    log = add_log(shipped, 1, smtp_reply="550 <anna1@example.com> unknown")
    address = log.get_absolute_url()

    masked = admin_client.get(address).content.decode()
    shown = admin_client.post(f"{address}reveal/", {"reason": "case 1180"})

    assert "anna1@example.com" not in masked
    assert "anna1@example.com" in shown.content.decode()
    assert AuditEntry.objects.get().action == "deliveries.broadlog.revealed"


def test_log_list_is_masked_without_the_right(
    client: Client, outsider: Operator, shipped: Delivery
) -> None:
    add_log(shipped, 1)
    outsider.user_permissions.add(Permission.objects.get(codename="view_broadlog"))
    client.force_login(outsider)

    page = client.get(LOGS).content.decode()

    assert "anna1@example.com" not in page
    assert "a•••@example.com" in page
