"""What waits for the workflows of Message Center, counted from an index.

Counting ends a little beyond what is worth telling apart.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from campaign.messagecenter.services.options import LAST_UPDATE
from campaign.messagecenter.services.routing_statements import TABLES
from campaign.messagecenter.services.status_copy import COMMIT_LAG, Place
from campaign.platform.services.options import read_pointer
from workflows.registry import Backlog

COUNTED = 100_000
_DUE = "FROM {table} WHERE status = 0 AND process_on <= %(at)s ORDER BY process_on, id"
_CHANGED = (
    "FROM deliveries_broadlog WHERE (last_modified, id) > (%(since)s, %(after)s)"
    " AND last_modified <= %(at)s ORDER BY last_modified, id"
)
_COUNT = (
    "SELECT count(*), min(waiting.since) FROM"
    " (SELECT {instant} AS since {source} LIMIT {limit}) AS waiting"
)


def due_events(kind: str) -> Backlog:
    """Return how many events of a kind are due, by the index of due ones."""
    at = timezone.now()
    rows, oldest_at = _count("process_on", _DUE.format(table=TABLES[kind]), {"at": at})
    return Backlog(rows=rows, oldest_at=oldest_at, good_until=oldest_at or at)


def changed_logs() -> Backlog:
    """Return how many delivery logs changed since updateEventsStatus read them.

    The logs of the last seconds are left out: it leaves them for later, too.
    """
    at = timezone.now() - COMMIT_LAG
    place = Place.of_pointer(read_pointer(LAST_UPDATE))
    rows, oldest_at = _count(
        "last_modified",
        _CHANGED,
        {"since": place.since, "after": place.after, "at": at},
    )
    return Backlog(rows=rows, oldest_at=oldest_at, good_until=oldest_at or at)


def _count(
    instant: str, source: str, parameters: dict[str, Any]
) -> tuple[int, datetime | None]:
    statement = _COUNT.format(instant=instant, source=source, limit=COUNTED + 1)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows, oldest_at = cursor.fetchone()
    return rows, oldest_at
