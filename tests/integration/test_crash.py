"""Processes are killed at random while events flow; nothing is lost or doubled."""

from __future__ import annotations

import email
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest

from tests.live import LiveStack, live_stack, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("crash")]

EVENTS = 2_000
BATCH = 100
KILLS = 8
UNKNOWN = 10
WINDOW = timedelta(seconds=10)
FINAL = {"processed", "ignored", "deliveryFailed", "routingFailed", "tooOld"}
VICTIMS = ("worker", "worker", "main", "sentinel", "clock", "web", "postgres")


@pytest.fixture(scope="module")
def stack() -> Iterator[LiveStack]:
    with live_stack() as started:
        yield started


def push(stack: LiveStack, first: int) -> list[str]:
    """Push one batch, again and again until it was accepted; return the ids."""
    events = [
        {
            "type": "EVTorderShipped",
            "email": f"crash-{number}@example.com",
            "ctx": {},
            "external_id": f"crash-{number}",
        }
        for number in range(first, first + BATCH)
    ]
    headers = {"Idempotency-Key": f"crash-batch-{first}"}
    while True:
        try:
            answer = stack.call(
                "POST", "/api/v1/events:batch", {"events": events}, headers
            )
        except OSError:
            time.sleep(0.3)
            continue
        if answer.status < 300:
            return [row["id"] for row in answer.body["results"]]
        time.sleep(0.3)


def victims(stack: LiveStack, kind: str) -> list[psutil.Process]:
    """Return the processes that a kill of ``kind`` may hit."""
    cluster = stack.processes("qcluster ")
    mains = [one for one in cluster if one.ppid() == stack.process.pid]
    sentinels = [one for one in cluster if one.ppid() in {m.pid for m in mains}]
    if kind == "main":
        return mains
    if kind == "sentinel":
        return sentinels
    if kind == "worker":
        return [one for one in cluster if one not in mains and one not in sentinels]
    words = {"clock": "manage.py clock", "web": "campaign-web", "postgres": " -D "}
    return stack.processes(words[kind])


def test_kills_lose_and_double_nothing(stack: LiveStack) -> None:
    ids: list[str] = []
    pushing = threading.Thread(
        target=lambda: [
            ids.extend(push(stack, first)) for first in range(0, EVENTS, BATCH)
        ]
    )
    dice = random.Random(20261121)

    killed_at: list[datetime] = []

    pushing.start()
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.3, 2.5))
        candidates = victims(stack, dice.choice(VICTIMS))
        if candidates:
            dice.choice(candidates).kill()
            killed_at.append(datetime.now(UTC))
    pushing.join(240)

    assert len(set(ids)) == EVENTS
    wait_until(stack.is_ready, seconds=60)
    statuses = wait_until(lambda: all_final(stack, ids), seconds=120, every=1)
    recipients = Counter(
        email.message_from_bytes(message)["To"] for message in stack.messages()
    )
    doubled = [address for address, count in recipients.items() if count > 1]
    assert doubled == []
    assert statuses["processed"] + statuses["deliveryFailed"] == EVENTS
    assert len(recipients) >= statuses["processed"]
    unknown = logs_in_doubt(stack)
    assert len(unknown) == statuses["deliveryFailed"]
    assert [log for log in unknown if not lies_in_a_kill(log, killed_at)] == []


def logs_in_doubt(stack: LiveStack) -> list[dict[str, Any]]:
    """Return the delivery logs whose outcome is unknown."""
    deliveries = stack.call("GET", "/api/v1/deliveries?limit=500").body["items"]
    return [
        log
        for delivery in deliveries
        for log in stack.call(
            "GET",
            f"/api/v1/logs?delivery_id={delivery['id']}&status={UNKNOWN}&limit=500",
        ).body["items"]
    ]


def lies_in_a_kill(log: dict[str, Any], killed_at: list[datetime]) -> bool:
    """Return whether the attempt in doubt was under way at one of the kills."""
    attempt = datetime.fromisoformat(log["attempt_at"])
    return any(abs(attempt - one) < WINDOW for one in killed_at)


def all_final(stack: LiveStack, ids: list[str]) -> Counter[str] | None:
    """Return how many events have each status, once all are final."""
    statuses = Counter(
        stack.call("GET", f"/api/v1/events/{one}").body["status"] for one in ids
    )
    return statuses if set(statuses) <= FINAL else None
