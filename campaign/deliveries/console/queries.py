"""What the pages of deliveries read, bounded however many logs there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet

from campaign.deliveries.models import BroadLog, LogStatus
from campaign.platform.listing import Bounded

#: Logs of one status that are counted for a row of the list, and on a page.
LIST_CAP, PAGE_CAP = 5_000, 2_000_000
SENT = (LogStatus.SENT, LogStatus.MOBILE_RECEIVED)
WAITING = (
    LogStatus.PENDING,
    LogStatus.SENDING,
    LogStatus.PREPARED,
    LogStatus.PROVIDER_ACCEPTED,
    LogStatus.PROVIDER_SENT,
)
ERRORS = (LogStatus.FAILED, LogStatus.UNKNOWN)


@dataclass(slots=True)
class Figures:
    """Messages of a delivery by status; recomputed from the logs, never kept."""

    cap: int
    by_status: dict[int, int] = field(default_factory=dict)

    def _sum(self, statuses: Iterable[int]) -> Bounded:
        counts = [self.by_status.get(status, 0) for status in statuses]
        if any(count > self.cap for count in counts):
            return Bounded(self.cap + 1, self.cap)
        return Bounded(sum(counts), max(self.cap, sum(counts)))

    @property
    def targeted(self) -> Bounded:
        """Return how many messages the delivery has."""
        return self._sum(LogStatus.values)

    @property
    def sent(self) -> Bounded:
        """Return how many the relay took."""
        return self._sum(SENT)

    @property
    def waiting(self) -> Bounded:
        """Return how many are still to be sent."""
        return self._sum(WAITING)

    @property
    def errors(self) -> Bounded:
        """Return how many failed or have an unknown outcome."""
        return self._sum(ERRORS)

    @property
    def rows(self) -> list[tuple[int, Bounded]]:
        """Return the statuses that occur, with their count."""
        return [
            (status, self._sum((status,)))
            for status in LogStatus.values
            if self.by_status.get(status)
        ]


# An index range per delivery and status, read up to the cap.
_FIGURES = """
SELECT d.id, s.status, (
    SELECT count(*) FROM (
        SELECT 1 FROM deliveries_broadlog AS l
        WHERE l.delivery_id = d.id AND l.status = s.status LIMIT %(limit)s
    ) AS counted)
FROM unnest(%(ids)s::bigint[]) AS d(id)
CROSS JOIN unnest(%(statuses)s::smallint[]) AS s(status)
"""


def figures(delivery_ids: Iterable[int], cap: int = LIST_CAP) -> dict[int, Figures]:
    """Return the figures of each delivery. One query."""
    found: dict[int, Figures] = defaultdict(lambda: Figures(cap))
    wanted = list(delivery_ids)
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(
                _FIGURES,
                {"ids": wanted, "statuses": LogStatus.values, "limit": cap + 1},
            )
            for delivery_id, status, count in cursor.fetchall():
                found[delivery_id].by_status[status] = count
    return found


# One look at the index of planned tries per delivery.
_NEXT_TRIES = """
SELECT d.id, (SELECT l.next_retry_at FROM deliveries_broadlog AS l
    WHERE l.delivery_id = d.id AND l.next_retry_at IS NOT NULL
    ORDER BY l.next_retry_at LIMIT 1)
FROM unnest(%s::bigint[]) AS d(id)
"""


def next_tries(delivery_ids: Iterable[int]) -> dict[int, datetime | None]:
    """Return when each delivery tries a failed message again. One query."""
    wanted = list(delivery_ids)
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_TRIES, [wanted])
        return dict(cursor.fetchall())


def search_logs(queryset: QuerySet[BroadLog], text: str) -> QuerySet[BroadLog]:
    """Return the logs of an address or of a key, found by index."""
    words = text.strip()
    if not words:
        return queryset
    if words.isascii() and words.isdecimal() and int(words) < 2**63:
        return queryset.filter(Q(pk=int(words)) | Q(address=words))
    spellings = {words, words.lower(), words.strip("<>")}
    return queryset.filter(address__in=spellings)
