"""Signs of life: who gives them, who reads them, and who is due for what."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from django.utils.translation import gettext as _

from workflows import conf
from workflows.models import Heartbeat, HeartbeatKind
from workflows.registry import QUEUES

RESCUE = "rescue"
CANARY = "canary:"
# Two rounds of the safety net, and its own lateness.
NET_SILENCE_SECONDS = 150
ANSWER_CANARY = "workflows.engine.supervision.answer_canary"


class Health(StrEnum):
    """Whether a part does its duty."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Component:
    """The health of one part, with a sentence for a person."""

    status: Health
    detail: str
    age_seconds: float | None = None
    host: str = ""
    pid: int | None = None

    @property
    def is_up(self) -> bool:
        """Return whether the part does its duty."""
        return self.status is Health.UP


def beat_clock(at: datetime) -> None:
    """Write the clock's sign of life of this host."""
    host = socket.gethostname()
    Heartbeat.objects.update_or_create(
        kind=HeartbeatKind.CLOCK,
        name=host,
        defaults={"host": host, "pid": os.getpid(), "at": at},
    )


def answer_canary(queue: str) -> None:
    """Prove that the workers of a queue execute; a queue task."""
    Heartbeat.objects.filter(kind=HeartbeatKind.QUEUE, name=queue).update(
        at=timezone.now(), host=socket.gethostname(), pid=os.getpid()
    )


def _duties() -> dict[str, tuple[HeartbeatKind, str, int]]:
    """Return every duty: where its last order is kept, and its period."""
    duties = {
        f"{CANARY}{name}": (HeartbeatKind.QUEUE, name, conf.CANARY_SECONDS)
        for name in QUEUES
    }
    duties[RESCUE] = (HeartbeatKind.DUTY, RESCUE, conf.RESCUE_SECONDS)
    for duty in conf.periodic():
        duties[duty.name] = (HeartbeatKind.DUTY, duty.name, duty.every_seconds)
    return duties


def take_due_duties(at: datetime) -> list[str]:
    """Return the duties that are due; no other clock gets the same one.

    Must be called in the transaction that orders them.
    """
    kept = {
        (row.kind, row.name): row
        for row in Heartbeat.objects.exclude(kind=HeartbeatKind.CLOCK)
    }
    due = []
    for duty, (kind, name, period) in _duties().items():
        row = kept.get((kind, name))
        if row is None:
            # A queue gets the benefit of the doubt until its first canary is late.
            Heartbeat.objects.bulk_create(
                [Heartbeat(kind=kind, name=name, at=at, sent_at=at)],
                ignore_conflicts=True,
            )
        elif row.sent_at and row.sent_at > at - timedelta(seconds=period):
            continue
        else:
            mine = Heartbeat.objects.filter(pk=row.pk, sent_at=row.sent_at)
            if not mine.update(sent_at=at):
                continue
        due.append(duty)
    return due


def component_status(at: datetime) -> dict[str, Component]:
    """Return the health of database, clock and each queue, by name.

    One query. A database that does not answer leaves the rest unknown, hence down.
    """
    try:
        rows = list(Heartbeat.objects.exclude(kind=HeartbeatKind.DUTY))
    except (DatabaseError, InterfaceError) as error:
        return unknown_status(" ".join(str(error).split()))
    status = {"database": Component(Health.UP, _("The database answers."))}
    clocks = [row for row in rows if row.kind == HeartbeatKind.CLOCK]
    status["clock"] = _judge(
        max(clocks, key=lambda row: row.at, default=None),
        at,
        _("The clock is running."),
        _("The clock is not running; schedules are kept to the minute only."),
    )
    canaries = {row.name: row for row in rows if row.kind == HeartbeatKind.QUEUE}
    for name in QUEUES:
        last = canaries.get(name)
        status[f"queue:{name}"] = _judge(
            last,
            at,
            _("The workers of this queue answer."),
            _("No worker of this queue answers."),
            silence=_patience(last, at, has_clock=status["clock"].is_up),
        )
    return status


def _patience(canary: Heartbeat | None, at: datetime, *, has_clock: bool) -> int:
    """Return after how many seconds a queue without an answer counts as down.

    A dead clock sends no canaries; the safety net does so once a minute. A queue that
    answered the last one is not to blame for the ones that were not sent.
    """
    if has_clock or canary is None or canary.sent_at is None:
        return conf.SILENCE_SECONDS
    is_open = canary.sent_at >= canary.at
    if is_open and canary.sent_at < at - timedelta(seconds=conf.SILENCE_SECONDS):
        return conf.SILENCE_SECONDS
    return NET_SILENCE_SECONDS


def unknown_status(reason: str) -> dict[str, Component]:
    """Return what is known while the database is away: nothing works without it."""
    down = Component(Health.DOWN, _("The database does not answer."))
    return {
        "database": Component(Health.DOWN, reason or down.detail),
        "clock": down,
        **{f"queue:{name}": down for name in QUEUES},
    }


def _judge(
    last: Heartbeat | None,
    at: datetime,
    well: str,
    ill: str,
    *,
    silence: int = conf.SILENCE_SECONDS,
) -> Component:
    if last is None:
        return Component(Health.DOWN, ill)
    age = max(0.0, (at - last.at).total_seconds())
    if age > silence:
        return Component(Health.DOWN, ill, age, last.host, last.pid)
    return Component(Health.UP, well, age, last.host, last.pid)
