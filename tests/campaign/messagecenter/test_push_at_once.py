"""Requests at the same moment, each on a connection of its own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, connections
from django.utils import timezone

from campaign.access.models import Operator
from campaign.deliveries.models import BroadLog, Delivery
from campaign.messagecenter.models import EventType, IdempotencyKey, RtEvent
from campaign.messagecenter.services.routing import Routed, route_batch
from tests.campaign.messagecenter.conftest import Reply, send, token_with
from tests.campaign.messagecenter.factories import make_event, make_template
from workflows.queue import CLOCK_CHANNEL, open_listener

pytestmark = pytest.mark.django_db(transaction=True)

OWN = "/api/v1/events/EVTorderShipped"
BATCH = "/api/v1/events:batch"
MINIMAL = {"email": "anna@example.com", "ctx": {}}


@pytest.fixture
def token(administrator: Operator) -> str:
    return token_with(administrator, "admin")


def at_once(count: int, token: str, path: str, body: object, key: str) -> list[Reply]:
    """Send the same request from many threads that start together."""
    barrier = threading.Barrier(count)

    def one(_number: int) -> Reply:
        try:
            barrier.wait(10)
            return send("POST", path, body, token=token, key=key)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_same_key_at_once_stores_one_event(
    order_shipped: EventType, token: str
) -> None:
    replies = at_once(8, token, OWN, MINIMAL, "k1")

    assert {reply.status for reply in replies} == {202}
    assert len({reply.body["id"] for reply in replies}) == 1
    assert RtEvent.objects.count() == IdempotencyKey.objects.count() == 1


def test_same_key_of_a_batch_at_once_stores_it_once(
    order_shipped: EventType, token: str
) -> None:
    body = {"events": [{"type": "EVTorderShipped", **MINIMAL}] * 5}

    replies = at_once(6, token, BATCH, body, "k1")

    assert {reply.status for reply in replies} == {202}
    assert all(reply.body == replies[0].body for reply in replies)
    assert RtEvent.objects.count() == 5


def test_stored_event_wakes_the_clock_when_it_is_committed(
    order_shipped: EventType, token: str
) -> None:
    listener = open_listener(CLOCK_CHANNEL)

    send("POST", OWN, MINIMAL, token=token)
    heard = [note.payload for note in listener.notifies(timeout=5, stop_after=1)]
    send("POST", OWN, {**MINIMAL, "scheduled": "2999-01-01"}, token=token)
    send("POST", OWN, {**MINIMAL, "queue": "batch"}, token=token)
    quiet = list(listener.notifies(timeout=0.3))
    send(
        "POST",
        BATCH,
        {"events": [{"type": "EVTorderShipped", **MINIMAL}] * 3},
        token=token,
    )
    heard += [note.payload for note in listener.notifies(timeout=5, stop_after=1)]
    listener.close()

    assert heard == ["signal:rtEventsProcessing"] * 2
    assert quiet == []


def test_broken_idle_connection_is_replaced(
    order_shipped: EventType, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign.messagecenter.intake.IDLE_SECONDS", -1.0)
    send("POST", OWN, MINIMAL, token=token)
    _end_session()

    reply = send("POST", OWN, MINIMAL, token=token)

    assert reply.status == 202
    assert RtEvent.objects.count() == 2


def test_connection_lost_on_the_way_is_503_and_the_next_call_works(
    order_shipped: EventType, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign.messagecenter.intake.IDLE_SECONDS", 3600.0)
    send("POST", OWN, MINIMAL, token=token)
    _end_session()

    lost = send("POST", OWN, MINIMAL, token=token)
    again = send("POST", OWN, MINIMAL, token=token)

    assert lost.status == 503
    assert lost.headers["Retry-After"] == "1"
    assert again.status == 202


def _end_session() -> None:
    """End this thread's session from another one."""
    pid = connection.connection.info.backend_pid
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    with psycopg.connect(**parameters, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_two_routers_at_once_write_each_log_once(order_shipped: EventType) -> None:
    make_template(order_shipped)
    at = timezone.now() + timedelta(days=365 * 900)
    for _ in range(300):
        make_event(order_shipped)
    barrier = threading.Barrier(4)

    def route(_number: int) -> int:
        try:
            barrier.wait(10)
            total = Routed()
            while (routed := route_batch(kind="rt", at=at, limit=20)).read:
                total.add(routed)
            return total.routed
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(route, range(4)))

    assert sum(counts) == 300
    assert BroadLog.objects.count() == 300
    assert Delivery.objects.count() == 1
    assert not RtEvent.objects.filter(status=0).exists()
