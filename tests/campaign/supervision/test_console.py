"""The overview and the supervision page."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaign import health
from campaign.access.models import Operator
from campaign.supervision import readings
from workflows.models import Heartbeat, HeartbeatKind, State, Workflow

MONITORING = "/monitoring/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the relay answer without a network, and room on the disk."""
    answer = health.Component(health.Health.UP, "answers")
    monkeypatch.setattr(health, "relay", lambda: answer)
    has_room(monkeypatch, 50 * 2**30)


def has_room(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    usage = SimpleNamespace(total=100 * 2**30, free=free)
    monkeypatch.setattr(readings.shutil, "disk_usage", lambda _folder: usage)


def beat(kind: str, name: str, age: int) -> None:
    Heartbeat.objects.create(
        kind=kind,
        name=name,
        host="host-1",
        pid=42,
        at=timezone.now() - timedelta(seconds=age),
    )


def all_alive() -> None:
    beat(HeartbeatKind.CLOCK, "host-1", 1)
    for queue in ("workflows", "realtime", "bulk"):
        beat(HeartbeatKind.QUEUE, queue, 1)


def fail_one() -> Workflow:
    return Workflow.objects.create(
        internal_name="rtEventsProcessing",
        state=State.PAUSED,
        failed=True,
        paused_at=timezone.now(),
    )


def test_every_part_has_a_light(admin_client: Client) -> None:
    all_alive()

    parts = admin_client.get(MONITORING).context["parts"]

    assert [part.name for part in parts] == [
        "clock",
        "queue:workflows",
        "queue:realtime",
        "queue:bulk",
        "database",
        "relay",
        "disk",
    ]
    assert {part.status for part in parts[:6]} == {"up"}


def test_silent_queue_is_down_and_a_banner_says_so_on_every_page(
    admin_client: Client,
) -> None:
    all_alive()
    Heartbeat.objects.filter(name="realtime").update(
        at=timezone.now() - timedelta(seconds=90)
    )

    reply = admin_client.get(MONITORING)
    elsewhere = admin_client.get("/deliveries/").content.decode()

    assert [part.name for part in reply.context["down"]] == ["queue:realtime"]
    assert "The queue realtime has not answered" in elsewhere


def test_relay_that_does_not_answer_is_down(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_alive()
    monkeypatch.setattr(
        health, "relay", lambda: health.Component(health.Health.DOWN, "refused")
    )

    page = admin_client.get(MONITORING).content.decode()

    assert "does not answer; messages wait: refused" in page


def test_little_room_on_the_disk_asks_for_attention(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_room(monkeypatch, 2**30)
    soon = admin_client.get(MONITORING).content.decode()
    has_room(monkeypatch, 2**20)
    at_once = admin_client.get(MONITORING).content.decode()

    assert "1.0 GB of 100.0 GB free (1 %). Make room soon." in soon
    assert "Make room at once." in at_once


def test_failed_workflow_needs_attention_on_both_pages(admin_client: Client) -> None:
    workflow = fail_one()

    pages = [
        admin_client.get(address).content.decode() for address in (MONITORING, "/")
    ]

    assert [
        page.count(f'<a href="{workflow.get_absolute_url()}"') for page in pages
    ] == [
        1,
        1,
    ]


@pytest.mark.parametrize("address", [MONITORING, "/"])
def test_pages_ask_few_queries(
    admin_client: Client, address: str, django_assert_max_num_queries: Any
) -> None:
    all_alive()
    fail_one()

    with django_assert_max_num_queries(10):
        admin_client.get(address)


def test_live_refresh_brings_what_changed(admin_client: Client) -> None:
    all_alive()
    token = admin_client.get(MONITORING).context["token"]
    fail_one()

    reply = admin_client.get(f"{MONITORING}changes/", {"token": token})

    assert "monitoring-concerns" in reply.content.decode()


def test_overview_opens_for_an_operator_without_rights(
    client: Client, outsider: Operator
) -> None:
    client.force_login(outsider, "django.contrib.auth.backends.ModelBackend")

    assert client.get("/").status_code == 200
    assert client.get(MONITORING, headers={"accept": "text/html"}).status_code == 403


def pause(days: int) -> Workflow:
    return Workflow.objects.create(
        internal_name="cleanup",
        state=State.PAUSED,
        paused_at=timezone.now() - timedelta(days=days),
        pause_reason="operator",
    )


@pytest.mark.parametrize("address", ["/", MONITORING])
def test_workflow_paused_for_longer_than_the_period_is_counted_and_named(
    admin_client: Client, address: str
) -> None:
    pause(8)

    answer = admin_client.get(address)

    figures = {figure.name: figure for figure in answer.context["figures"]}
    assert figures["paused_long"].value == 1
    assert figures["paused_long"].label == "Paused for more than 7 days"
    assert "Paused for more than 7 days; nothing runs" in answer.content.decode()


def test_workflow_paused_for_less_than_the_period_is_not_counted(
    admin_client: Client,
) -> None:
    pause(6)

    answer = admin_client.get(MONITORING)

    assert "paused_long" not in {f.name for f in answer.context["figures"]}
    assert "Paused for a long time" in answer.content.decode()
