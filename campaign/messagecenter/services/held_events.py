"""Events on hold: what a paused template keeps back, and what is let go again."""

# ruff: noqa: S608 (statements are put together from the constants below only)

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from campaign.messagecenter.services.intake import WAKE_REALTIME
from campaign.messagecenter.services.routing import EXPIRED, ON_HOLD
from campaign.messagecenter.services.routing_statements import TABLES
from workflows.queue import wake_clock


def hold(event_type_id: int, channel: int) -> int:
    """Hold the pending events of a type and channel; return how many.

    Part of the caller's transaction, which keeps routing out.
    """
    return sum(
        _run(
            f"UPDATE {table} SET status = 7, last_error = %(reason)s,"
            " last_modified = clock_timestamp() WHERE status = 0"
            " AND event_type_id = %(type)s AND wished_channel = %(channel)s",
            {"type": event_type_id, "channel": channel, "reason": ON_HOLD},
        )
        for table in TABLES.values()
    )


def release(event_type_id: int, channel: int, at: datetime) -> int:
    """Make the held events of a type and channel pending again; return how many.

    Those whose expiration date passed meanwhile expire. Part of the caller's
    transaction, which keeps routing out; routing is woken by its commit.
    """
    count = sum(
        _run(
            f"UPDATE {table} SET"
            " status = CASE WHEN expiration <= %(at)s THEN 6 ELSE 0 END,"
            " last_error = CASE WHEN expiration <= %(at)s THEN %(expired)s ELSE '' END,"
            " processed_at = CASE WHEN expiration <= %(at)s THEN %(at)s END,"
            " last_modified = clock_timestamp() WHERE status = 7"
            " AND event_type_id = %(type)s AND wished_channel = %(channel)s",
            {
                "type": event_type_id,
                "channel": channel,
                "at": at,
                "expired": EXPIRED,
            },
        )
        for table in TABLES.values()
    )
    if count:
        wake_clock(WAKE_REALTIME)
    return count


def _run(statement: str, parameters: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount
