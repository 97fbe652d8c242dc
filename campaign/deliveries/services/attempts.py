"""One attempt to send one message, made in a thread of a sender. No SQL."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

from django.utils import timezone

from campaign.addresses import Relay
from campaign.deliveries.models import Channel, Delivery, FailureReason
from campaign.deliveries.services import outcomes
from campaign.deliveries.services.claim import Claimed
from campaign.deliveries.services.journal import Journal
from campaign.deliveries.services.mailboxes import Mailbox, MailboxFault
from campaign.deliveries.services.message import compose
from campaign.deliveries.services.outcomes import Outcome, RetryPolicy
from campaign.deliveries.services.rendering import RenderError, render
from campaign.deliveries.services.smtp import (
    ConnectionFault,
    OutcomeLost,
    RelayConnection,
    pool,
)
from campaign.platform.services.accounts import relay_of
from workflows.exceptions import ConfigurationError

DOWN_SECONDS = 10
_PLAN_SECONDS = 30
_MOST_PLANS = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sender knows of a delivery: content, relay and retries."""

    content: Mapping[str, Any]
    relay: Relay | None
    relay_fault: str
    tries: int
    retry_period: timedelta


class Plans:
    """The plans of the deliveries whose logs pass by; each is read every 30 s."""

    def __init__(self) -> None:
        self._plans: dict[int, tuple[float, Plan]] = {}

    def load(self, delivery_ids: set[int]) -> None:
        """Read what is missing or old. One query, none when all is known."""
        now = monotonic()
        wanted = [
            key
            for key in delivery_ids
            if key not in self._plans or self._plans[key][0] < now - _PLAN_SECONDS
        ]
        if not wanted:
            return
        if len(self._plans) > _MOST_PLANS:
            self._plans.clear()
            wanted = list(delivery_ids)
        found = Delivery.objects.select_related("routing").filter(pk__in=wanted)
        self._plans.update({each.pk: (now, _plan_of(each)) for each in found})

    def __getitem__(self, delivery_id: int) -> Plan:
        return self._plans[delivery_id][1]


def _plan_of(delivery: Delivery) -> Plan:
    relay, fault = None, ""
    try:
        relay = relay_of(delivery.routing)
    except ConfigurationError as error:
        fault = error.message
    return Plan(
        content=delivery.content if isinstance(delivery.content, dict) else {},
        relay=relay,
        relay_fault=fault,
        tries=delivery.retry_max,
        retry_period=timedelta(seconds=delivery.retry_period_seconds),
    )


class Attempts:
    """The attempts of one sender; `abort` ends those that wait for a relay."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._open: set[RelayConnection] = set()

    def make(self, log: Claimed, plan: Plan) -> Outcome:
        """Make one attempt and return its outcome; nothing is raised for a message."""
        try:
            sender, recipient, data = _laid_out(log, plan)
        except RenderError as error:
            return outcomes.impossible(error.message)
        except _CannotBeSent as error:
            return outcomes.impossible(str(error), failure=error.failure)
        if plan.relay is None:
            return outcomes.unreached(plan.relay_fault, at=timezone.now())
        if pool.is_down(plan.relay):
            return outcomes.unreached(
                "The relay was not reached a moment ago.", at=timezone.now()
            )
        self._journal.begin(*log.key)
        try:
            outcome = self._send(log, plan, plan.relay, sender, recipient, data)
        except Exception as error:  # noqa: BLE001 (nobody knows how far it came)
            outcome = outcomes.unknown(f"{type(error).__name__}: {error}")
        self._journal.end(*log.key, outcome.as_json())
        return outcome

    def abort(self) -> None:
        """Break the connections on which an answer is awaited."""
        with self._lock:
            waiting = tuple(self._open)
        for connection in waiting:
            connection.abort()

    def _send(
        self,
        log: Claimed,
        plan: Plan,
        relay: Relay,
        sender: Mailbox,
        recipient: Mailbox,
        data: bytes,
    ) -> Outcome:
        while True:
            was_used = False
            try:
                connection, was_used = pool.take(relay)
                reply = self._on(connection, sender, recipient, data)
            except ConnectionFault as error:
                if was_used:
                    continue  # the relay had closed a kept connection
                pool.set_down(relay, DOWN_SECONDS)
                return outcomes.unreached(str(error), at=timezone.now())
            except OutcomeLost as error:
                return outcomes.unknown(str(error), size=len(data))
            pool.set_up(relay)
            return outcomes.of_reply(
                reply,
                size=len(data),
                send_count=log.send_count,
                policy=RetryPolicy(plan.tries, plan.retry_period, log.valid_until),
                at=timezone.now(),
            )

    def _on(
        self,
        connection: RelayConnection,
        sender: Mailbox,
        recipient: Mailbox,
        data: bytes,
    ) -> outcomes.Reply:
        with self._lock:
            self._open.add(connection)
        is_healthy = False
        try:
            reply = connection.send(sender, recipient, data)
            is_healthy = reply.code != 421
            return reply
        finally:
            with self._lock:
                self._open.discard(connection)
            if is_healthy:
                pool.give(connection)
            else:
                connection.close()


class _CannotBeSent(Exception):
    def __init__(self, message: str, failure: FailureReason) -> None:
        super().__init__(message)
        self.failure = failure


def _laid_out(log: Claimed, plan: Plan) -> tuple[Mailbox, Mailbox, bytes]:
    if log.channel != Channel.EMAIL:
        raise _CannotBeSent(
            f"No connector sends on the channel {log.channel}.",
            FailureReason.NOT_DEFINED,
        )
    if not log.address.strip():
        raise _CannotBeSent(
            "The message has no address.", FailureReason.ADDRESS_NOT_SPECIFIED
        )
    rendered = render(plan.content, log.context(), log.language)
    try:
        recipient = Mailbox.read(log.address)
        sender = Mailbox.read(rendered.sender_address)
        reply_to = Mailbox.read(rendered.reply_to) if rendered.reply_to else None
    except MailboxFault as error:
        raise _CannotBeSent(error.message, FailureReason.REFUSED) from error
    data = compose(
        rendered,
        sender=sender,
        recipient=recipient,
        reply_to=reply_to,
        message_id=log.message_id,
        at=timezone.now(),
    )
    return sender, recipient, data


def relays_of(logs: Sequence[Claimed], plans: Plans) -> set[Relay | None]:
    """Return the relays that the logs go to; None stands for one that is misset."""
    return {plans[log.delivery_id].relay for log in logs}
