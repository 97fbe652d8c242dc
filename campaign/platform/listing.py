"""Lists of tables that grow without end: pages by key, bounded counts, bounded time.

Nothing here counts or skips rows: a page costs the same at ten rows and at ten
million.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import psycopg.errors
from django.db import OperationalError, connection, transaction
from django.db.models import Model, QuerySet

from workflows.console import wording
from workflows.exceptions import AppError

PAGE = 50
#: A view with more rows shows this number and a plus sign.
CAP = 1_000
LIMIT_SECONDS = 2
#: Keys are given out a moment before their rows are committed.
_LAG = timedelta(minutes=10)
M = TypeVar("M", bound=Model)


class TooSlow(AppError):
    """This search reads too much: narrow it by a period, a status or a type."""

    code = "too_slow"
    status = 503


@dataclass(frozen=True, slots=True)
class KeyPage(Generic[M]):
    """Rows, newest first; ``newer`` and ``older`` are keys to go on from, or None."""

    rows: list[M]
    newer: int | None = None
    older: int | None = None

    @property
    def is_first(self) -> bool:
        """Return whether these are the newest rows."""
        return self.newer is None


@dataclass(frozen=True, slots=True)
class Bounded:
    """A count that stops at ``cap``."""

    value: int
    cap: int = CAP

    def __str__(self) -> str:
        if self.value > self.cap:
            return f"{wording.number(self.cap)}+"
        return wording.number(self.value)

    def __bool__(self) -> bool:
        return self.value > 0


def key_page(
    queryset: QuerySet[M], data: Mapping[str, str], size: int = PAGE
) -> KeyPage[M]:
    """Return the page that ``after`` or ``before`` of the address names. One query.

    ``after`` is the key of the last row above, ``before`` that of the first below.
    """
    after, before = _key(data.get("after")), _key(data.get("before"))
    if before is not None:
        found = list(queryset.filter(pk__gt=before).order_by("pk")[: size + 1])
        rows = found[:size][::-1]
        newer = rows[0].pk if rows and len(found) > size else None
        return KeyPage(rows, newer, rows[-1].pk if rows else None)
    if after is not None:
        queryset = queryset.filter(pk__lt=after)
    found = list(queryset.order_by("-pk")[: size + 1])
    rows = found[:size]
    newer = rows[0].pk if rows and after is not None else None
    return KeyPage(rows, newer, rows[-1].pk if len(found) > size else None)


def _key(text: str | None) -> int | None:
    value = int(text) if text and text.isascii() and text.isdecimal() else None
    return value if value is not None and value < 2**63 else None


def status_counts(
    model: type[Model], statuses: Sequence[int], column: str = "status", cap: int = CAP
) -> dict[int, Bounded]:
    """Return how many rows each status has, at most ``cap`` of each. One query."""
    table = connection.ops.quote_name(model._meta.db_table)
    name = connection.ops.quote_name(column)
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT {int(status)}, count(*) FROM (SELECT 1 FROM {table}"  # noqa: S608
                f" WHERE {name} = {int(status)} LIMIT {int(cap) + 1}) AS s"
                for status in statuses
            )
        )
        return {status: Bounded(count, cap) for status, count in cursor.fetchall()}


def bounded_count(queryset: QuerySet[M], cap: int = CAP) -> Bounded:
    """Return how many rows there are, at most ``cap`` of them read. One query."""
    return Bounded(queryset.order_by()[: cap + 1].count(), cap)


def between(
    queryset: QuerySet[M],
    since: datetime | None,
    until: datetime | None,
    field: str = "created_at",
) -> QuerySet[M]:
    """Return the rows of a period. One query per bound, and no index needed.

    Keys grow with time, so the bounds in time become bounds of the key.
    """
    if since is not None:
        first = _first_key(queryset.model, field, since - _LAG)
        queryset = queryset.filter(**{"pk__gte": first, f"{field}__gte": since})
    if until is not None:
        end = _first_key(queryset.model, field, until + _LAG)
        queryset = queryset.filter(**{"pk__lte": end, f"{field}__lt": until})
    return queryset


# Halves the range of keys until one is left: some thirty look-ups by primary key.
_HALVING = """
WITH RECURSIVE half(low, high) AS (
    SELECT COALESCE(min(id), 0), COALESCE(max(id), 0) + 1 FROM {table}
  UNION ALL
    SELECT CASE WHEN probe.at < %(instant)s THEN probe.id + 1 ELSE half.low END,
           CASE WHEN probe.at < %(instant)s THEN half.high
                ELSE (half.low + half.high) / 2 END
    FROM half, LATERAL (
        SELECT found.id, found.at FROM (
            SELECT id, {field} AS at FROM {table}
            WHERE id >= (half.low + half.high) / 2 ORDER BY id LIMIT 1
        ) AS found
    ) AS probe
    WHERE half.low < half.high
)
SELECT low FROM half ORDER BY high - low LIMIT 1
"""


def _first_key(model: type[Model], field: str, instant: datetime) -> int:
    statement = _HALVING.format(
        table=connection.ops.quote_name(model._meta.db_table),
        field=connection.ops.quote_name(field),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"instant": instant})
        return cursor.fetchone()[0]


@contextmanager
def bounded_time(seconds: int = LIMIT_SECONDS) -> Iterator[None]:
    """Give up what takes longer, so that no page holds a connection for minutes.

    Raises TooSlow.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{int(seconds)}s'")
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise TooSlow from error
        raise


def address_with(data: Any, **changes: Any) -> str:
    """Return the query of an address with some values changed; None takes one out."""
    query = data.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = str(value)
    return f"?{query.urlencode()}" if query else "?"
