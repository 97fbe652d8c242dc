"""What the supervision page reads of this instance: parts, queues, disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from campaign import health
from campaign.platform.listing import CAP, Bounded
from workflows.console.appearance import Look
from workflows.engine.supervision import Component
from workflows.registry import QUEUES

UP = "up"
SLOW = "warn"
DOWN = "down"
#: Free space below which writing will soon fail, and below which to act.
LEAST_FREE, LITTLE_FREE = 200 * 2**20, 2 * 2**30
_QUEUES = """
SELECT wanted.key,
  (SELECT count(*) FROM (SELECT 1 FROM django_q_ormq AS q
    WHERE q.key = wanted.key AND q.lock <= now() LIMIT %(limit)s) AS w),
  (SELECT count(*) FROM (SELECT 1 FROM django_q_ormq AS q
    WHERE q.key = wanted.key AND q.lock > now() LIMIT %(limit)s) AS c)
FROM unnest(%(queues)s::text[]) AS wanted(key)
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the instance with its light."""

    name: str
    label: str
    status: str
    detail: str
    seen_at: datetime | None = None
    where: str = ""

    @property
    def look(self) -> Look:
        """Return the light as a chip."""
        if self.status == UP:
            return Look(_("Up"), "circle-check", "ok")
        if self.status == SLOW:
            return Look(_("Attention"), "alert-triangle", "warn")
        return Look(_("Down"), "alert-octagon", "bad", "outlined")


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Orders of a queue: those that wait, and those that a worker has taken."""

    name: str
    waiting: Bounded
    taken: Bounded


def parts(status: Mapping[str, Component], at: datetime) -> list[Part]:
    """Return every part with its light. No SQL, but a greeting of the relay."""
    found = [_part("clock", _("Clock"), status, at)]
    for queue in QUEUES:
        label = _("Queue %(name)s") % {"name": queue}
        found.append(_part(f"queue:{queue}", label, status, at))
    database = status["database"]
    found.append(
        Part(
            "database",
            _("Database"),
            UP if database.is_up else DOWN,
            str(database.detail),
            where=str(settings.DATABASES["default"]["NAME"]),
        )
    )
    return [*found, _relay(), _disk()]


def _part(name: str, label: str, status: Mapping[str, Component], at: datetime) -> Part:
    component = status[name]
    where, seen_at = "", None
    if component.host:
        words = {"host": component.host, "pid": component.pid or "—"}
        where = _("%(host)s, process %(pid)s") % words
    if component.age_seconds is not None:
        seen_at = at - timedelta(seconds=component.age_seconds)
    state = UP if component.is_up else DOWN
    return Part(name, label, state, str(component.detail), seen_at, where)


def _relay() -> Part:
    component = health.relay()
    caught = settings.MAIL_CATCHER_ENABLED
    where = f"{settings.RELAY.host}:{settings.RELAY.port}"
    if component.is_up and caught:
        detail = _("The built-in catcher answers; no mail leaves this machine.")
    elif component.is_up:
        detail = _("The relay answers.")
    else:
        detail = _("The relay does not answer; messages wait: %(why)s") % {
            "why": component.detail
        }
    label = _("Mail catcher") if caught else _("Mail relay")
    return Part("relay", label, UP if component.is_up else DOWN, detail, where=where)


def _disk() -> Part:
    folder = Path(settings.CAMPAIGN_VAR)
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return Part("disk", _("Disk"), DOWN, str(error), where=str(folder))
    words = {
        "free": _gigabytes(usage.free),
        "total": _gigabytes(usage.total),
        "percent": round(100 * usage.free / max(usage.total, 1)),
    }
    detail = _("%(free)s of %(total)s free (%(percent)s %%).") % words
    status = UP
    if usage.free < LEAST_FREE:
        status, detail = DOWN, _("%(detail)s Make room at once.") % {"detail": detail}
    elif usage.free < LITTLE_FREE:
        status, detail = SLOW, _("%(detail)s Make room soon.") % {"detail": detail}
    return Part("disk", _("Disk"), status, detail, where=str(folder))


def _gigabytes(size: int) -> str:
    return _("%(n)s GB") % {"n": f"{size / 2**30:.1f}"}


def queue_depths(queues: Iterable[str] = QUEUES) -> list[QueueDepth]:
    """Return how many orders each queue holds, up to a bound. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_QUEUES, {"queues": list(queues), "limit": CAP + 1})
        return [
            QueueDepth(name, Bounded(waiting), Bounded(taken))
            for name, waiting, taken in cursor.fetchall()
        ]
