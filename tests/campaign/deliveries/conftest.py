"""A relay that answers as told, and logs to send to it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from django.utils import timezone

from campaign.addresses import Relay
from campaign.deliveries.models import BroadLog, Delivery, DeliveryState, TargetType
from campaign.deliveries.services.smtp import pool
from workflows import queue

MONTH = date(2026, 3, 1)


def free_port() -> int:
    """Return a port that nobody uses at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class ScriptedRelay:
    """An aiosmtpd server; the local part of the recipient says what it answers."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.messages: list[tuple[str, bytes]] = []
        self.attempts: Counter[str] = Counter()
        self.connections = 0
        self.hold = threading.Event()
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=True
        )

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        if not self.hold.is_set():
            self.hold.set()
            self._controller.stop()

    @property
    def recipients(self) -> list[str]:
        return [recipient for recipient, _data in self.messages]

    async def handle_EHLO(
        self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list
    ) -> str:
        if address.startswith("goodbye@"):
            return "421 4.3.2 closing down"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list
    ) -> str:
        self.attempts[address] += 1
        kind = address.partition("@")[0].partition("-")[0]
        if kind == "soft":
            return "451 4.2.2 mailbox full"
        if kind == "hard":
            return "550 5.1.1 no such user"
        if kind == "later" and self.attempts[address] == 1:
            return "450 4.7.1 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        recipient = envelope.rcpt_tos[0]
        kind = recipient.partition("@")[0].partition("-")[0]
        if kind == "drop":
            server.transport.abort()
            return "250 OK"
        if kind == "refuse":
            return "554 5.7.1 we do not like it"
        while kind == "hang" and not self.hold.is_set():
            await asyncio.sleep(0.02)
        self.messages.append((recipient, envelope.content))
        return "250 2.0.0 taken"


@pytest.fixture
def relay(settings: Any) -> Iterator[ScriptedRelay]:
    """A relay that the sender uses, and an empty pool of connections."""
    scripted = ScriptedRelay()
    scripted.start()
    settings.RELAY = Relay(host="127.0.0.1", port=scripted.port)
    pool.close_all()
    yield scripted
    pool.close_all()
    scripted.stop()


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was ordered from the queue."""
    orders: list[tuple[Any, ...]] = []

    def order(function: str, *args: Any, queue: str) -> None:
        orders.append((function.rpartition(".")[2], *args, queue))

    monkeypatch.setattr(queue, "enqueue", order)
    return orders


@pytest.fixture
def delivery(db: None) -> Delivery:
    """A delivery of two lines."""
    return Delivery.objects.create(
        internal_name="orderShipped",
        label="Order shipped",
        state=DeliveryState.IN_PROGRESS,
        part_month=MONTH,
        content={
            "subject": "Order {{ ctx.number }}",
            "sender_name": "Shop",
            "sender_address": "shop@example.com",
            "text": "Dear {{ ctx.name }}",
            "html": "<p>Dear {{ ctx.name }}</p>",
        },
    )


@pytest.fixture
def pending(delivery: Delivery) -> Callable[..., list[BroadLog]]:
    """Makes pending logs to the given addresses."""

    def make(*addresses: str, **values: Any) -> list[BroadLog]:
        at = timezone.now()
        first = BroadLog.objects.count()
        return BroadLog.objects.bulk_create(
            BroadLog(
                **{
                    "part_month": MONTH,
                    "delivery": delivery,
                    "target_type": TargetType.RT_EVENT,
                    "target_id": first + number,
                    "address": address,
                    "event_at": at,
                    "valid_until": at + timedelta(days=5),
                    "message_id": f"{first + number}@example.com",
                    "context": {"ctx": {"number": number, "name": "A <b>"}},
                    "created_at": at,
                    "last_modified": at,
                    **values,
                }
            )
            for number, address in enumerate(addresses)
        )

    return make


@pytest.fixture
def long_ago() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)
