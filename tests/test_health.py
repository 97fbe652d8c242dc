"""The endpoints that tell how the installation fares."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import TimeoutError as TooLate
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaign import health
from campaign.access.services.tokens import create_token
from workflows import conf
from workflows.engine.supervision import unknown_status
from workflows.models import Heartbeat
from workflows.registry import QUEUES


@pytest.fixture
def _relay_up(monkeypatch: pytest.MonkeyPatch) -> None:
    up = health.Component(health.Health.UP, "answers")
    monkeypatch.setattr(health._relay_in_time, "_ask", lambda: up)


@pytest.fixture
def _beats(transactional_db: None) -> Iterator[None]:
    now = timezone.now()
    Heartbeat.objects.create(kind="clock", name="one", at=now)
    for queue in QUEUES:
        Heartbeat.objects.create(kind="queue", name=queue, at=now, sent_at=now)
    yield
    # The probe's own thread holds a connection to the test database.
    health._engine._pool.submit(lambda: health.connection.close()).result()


def test_healthz_asks_nothing(client: Client) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "alive"}


@pytest.mark.usefixtures("_beats", "_relay_up")
def test_readyz_is_200_when_every_part_is_up(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200, answer.content
    assert answer.json()["status"] == "ready"
    assert set(answer.json()["components"]) == {
        "database",
        "clock",
        "queue:workflows",
        "queue:realtime",
        "queue:bulk",
        "relay",
    }


@pytest.mark.usefixtures("_beats", "_relay_up")
def test_readyz_is_503_when_a_queue_is_late(client: Client) -> None:
    late = timezone.now() - timedelta(seconds=conf.SILENCE_SECONDS + 5)
    Heartbeat.objects.filter(name="bulk").update(at=late)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    part = answer.json()["components"]["queue:bulk"]
    assert part["status"] == "down"
    assert part["age_seconds"] > conf.SILENCE_SECONDS


@pytest.mark.usefixtures("_relay_up")
def test_readyz_is_503_when_the_database_is_down(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = unknown_status("connection refused")
    monkeypatch.setattr(health._engine, "_ask", lambda: away)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    parts = answer.json()["components"]
    assert parts["database"] == {"status": "down", "detail": "connection refused"}
    assert parts["clock"]["status"] == "down"


@pytest.mark.usefixtures("_relay_up")
def test_readyz_answers_in_time_when_the_database_hangs(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = health._BoundedProbe("slow", lambda: time.sleep(3))
    monkeypatch.setattr(health, "_engine", slow)
    started = time.monotonic()

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert time.monotonic() - started < 2


def test_a_hanging_probe_is_asked_once() -> None:
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        time.sleep(0.6)

    probe = health._BoundedProbe("slow", ask)
    with pytest.raises(TooLate):
        probe.result(time.monotonic() + 0.2)

    probe.result(time.monotonic() + 5)

    assert asked == [1]


@pytest.mark.usefixtures("_beats", "_relay_up")
def test_metrics_are_given_to_this_machine(client: Client) -> None:
    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert b'campaign_component_up{component="database"} 1.0' in answer.content


def test_metrics_are_refused_to_strangers(client: Client, db: None) -> None:
    answer = client.get("/metrics", REMOTE_ADDR="203.0.113.9")

    assert answer.status_code == 401


@pytest.mark.usefixtures("_beats", "_relay_up")
def test_metrics_are_given_to_administrators_anywhere(
    client: Client, administrator: Any
) -> None:
    token = create_token(name="prometheus", operator=administrator, scopes=["admin"])

    answer = client.get(
        "/metrics",
        REMOTE_ADDR="203.0.113.9",
        headers={"authorization": f"Bearer {token.secret}"},
    )

    assert answer.status_code == 200
