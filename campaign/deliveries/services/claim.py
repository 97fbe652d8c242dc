"""The statements by which senders take logs and write down what became of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from campaign.deliveries.services.outcomes import Outcome
from campaign.deliveries.services.states import hold_states_shared

#: A fifth of a claim at most are retries, so that they never crowd out new logs.
_SHARE_OF_RETRIES = 5

_DUE = "status = 6 AND next_retry_at IS NULL"

_CLAIM = f"""
WITH fresh AS (
    SELECT id, part_month FROM deliveries_broadlog
    WHERE lane = %(lane)s AND {_DUE}
    ORDER BY id LIMIT %(fresh)s FOR UPDATE SKIP LOCKED
), again AS (
    SELECT id, part_month FROM deliveries_broadlog
    WHERE lane = %(lane)s AND next_retry_at <= %(at)s
    ORDER BY next_retry_at LIMIT %(again)s FOR UPDATE SKIP LOCKED
), judged AS (
    SELECT log.id, log.part_month, bad.status AS address_status,
        CASE WHEN (log.valid_until <= %(at)s OR delivery.state = 85)
                  AND log.status = 6 THEN 7
             WHEN log.valid_until <= %(at)s OR delivery.state = 85 THEN 2
             WHEN delivery.state = 75 THEN 8
             WHEN bad.id IS NOT NULL THEN 0
             ELSE 9 END AS status
    FROM (SELECT * FROM fresh UNION ALL SELECT * FROM again) AS picked
    JOIN deliveries_broadlog AS log USING (id, part_month)
    JOIN deliveries_delivery AS delivery ON delivery.id = log.delivery_id
    LEFT JOIN deliveries_address AS bad
        ON bad.channel = log.channel AND bad.address = lower(log.address)
        AND bad.status IN (3, 4)
)
UPDATE deliveries_broadlog AS log SET
    status = judged.status,
    failure_type = CASE WHEN judged.status = 0 THEN 2
        WHEN judged.status IN (2, 8) THEN log.failure_type ELSE 0 END,
    failure_reason = CASE WHEN judged.status = 0 AND judged.address_status = 4 THEN 8
        WHEN judged.status = 0 THEN 9
        WHEN judged.status IN (2, 8) THEN log.failure_reason ELSE 0 END,
    claimed_by = CASE judged.status WHEN 9 THEN %(claimer)s ELSE '' END,
    claimed_at = CASE judged.status WHEN 9 THEN clock_timestamp() END,
    attempt_at = CASE judged.status WHEN 9 THEN clock_timestamp()
        ELSE log.attempt_at END,
    send_count = log.send_count + CASE judged.status WHEN 9 THEN 1 ELSE 0 END,
    epoch = log.epoch + 1,
    next_retry_at = NULL,
    event_at = clock_timestamp(),
    last_modified = clock_timestamp()
FROM judged
WHERE log.id = judged.id AND log.part_month = judged.part_month
RETURNING log.id, log.part_month, log.delivery_id, log.channel, log.address,
    log.status, log.epoch, log.send_count, log.valid_until, log.message_id,
    log.context::text, log.language
"""  # noqa: S608 (constants only)

_RECORD = """
UPDATE deliveries_broadlog AS log SET
    status = told.status,
    failure_type = told.failure_type,
    failure_reason = told.failure_reason,
    smtp_reply = told.reply,
    bytes = log.bytes + told.size,
    next_retry_at = told.retry_at,
    send_count = greatest(log.send_count - told.uncounted, 0),
    claimed_by = '',
    claimed_at = NULL,
    event_at = clock_timestamp(),
    last_modified = clock_timestamp()
FROM unnest(%s::bigint[], %s::date[], %s::int[], %s::smallint[], %s::smallint[],
        %s::smallint[], %s::text[], %s::int[], %s::timestamptz[], %s::smallint[])
    AS told(id, part_month, epoch, status, failure_type, failure_reason, reply, size,
        retry_at, uncounted)
WHERE log.id = told.id AND log.part_month = told.part_month
    AND log.epoch = told.epoch AND log.claimed_by = %s
RETURNING log.id, log.status, log.next_retry_at IS NOT NULL
"""

_HAS_DUE = f"""
SELECT EXISTS (SELECT FROM deliveries_broadlog WHERE lane = %s AND {_DUE})
    OR EXISTS (SELECT FROM deliveries_broadlog
               WHERE lane = %s AND next_retry_at <= %s)
"""  # noqa: S608 (constants only)

SENDING, PUT_ASIDE = 9, 8
_FINAL = frozenset({0, 1, 2, 7, 10})


@dataclass(frozen=True, slots=True)
class Claimed:
    """A log that is ours to send, or that the claim itself brought to its end."""

    id: int
    part_month: date
    delivery_id: int
    channel: int
    address: str
    status: int
    epoch: int
    send_count: int
    valid_until: datetime
    message_id: str
    context_text: str
    language: str

    @property
    def key(self) -> tuple[int, int]:
        """Return what names this attempt: the log and its epoch."""
        return self.id, self.epoch

    def context(self) -> dict[str, Any]:
        """Return the personalisation data."""
        data = json.loads(self.context_text)
        return data if isinstance(data, dict) else {}


@dataclass(frozen=True, slots=True)
class Ended:
    """A claimed log and what became of it."""

    log_id: int
    part_month: date
    epoch: int
    outcome: Outcome


def claim(*, lane: int, claimer: str, most: int, at: datetime) -> list[Claimed]:
    """Take due logs of a lane, oldest first, and mark their attempt.

    Logs past their validity and those of a stopped delivery become *Cancelled*, those
    of a paused one are put aside as *Prepared*, those to an address in quarantine or
    on the denylist become *Ignored*; the others are *Sending* once the caller commits,
    which it must do before it hands anything over. Two statements.
    """
    values: dict[str, int | str | datetime] = {
        "lane": lane,
        "claimer": claimer,
        "fresh": most,
        "again": max(1, most // _SHARE_OF_RETRIES),
        "at": at,
    }
    hold_states_shared()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        return [Claimed(*row) for row in cursor.fetchall()]


def record(ended: Sequence[Ended], *, claimer: str) -> list[int]:
    """Write outcomes of logs that ``claimer`` still holds; return which are final.

    One statement. A log that was settled meanwhile keeps what was settled.
    """
    if not ended:
        return []
    columns: tuple[list[Any], ...] = (
        [each.log_id for each in ended],
        [each.part_month for each in ended],
        [each.epoch for each in ended],
        [each.outcome.status for each in ended],
        [each.outcome.failure_type for each in ended],
        [each.outcome.failure_reason for each in ended],
        [_storable(each.outcome.reply) for each in ended],
        [each.outcome.size for each in ended],
        [each.outcome.retry_at for each in ended],
        [0 if each.outcome.is_counted else 1 for each in ended],
    )
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, [*columns, claimer])
        return [
            log_id
            for log_id, status, is_retried in cursor.fetchall()
            if status in _FINAL and not is_retried
        ]


def finals_of(claimed: Sequence[Claimed]) -> list[int]:
    """Return the logs that a claim brought to their end."""
    return [each.id for each in claimed if each.status not in (SENDING, PUT_ASIDE)]


def has_due(*, lane: int, at: datetime) -> bool:
    """Return whether a lane has a log to send now. One statement, two index looks."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS_DUE, [lane, lane, at])
        return cursor.fetchone()[0]


def held(*, lane: int, slot: int) -> list[tuple[int, date, int, str, datetime]]:
    """Return the logs that senders of a slot hold: key, epoch, claimer and since."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, part_month, epoch, claimed_by, claimed_at"
            " FROM deliveries_broadlog"
            " WHERE claimed_by <> '' AND starts_with(claimed_by, %s) ORDER BY id",
            [f"{lane}.{slot}@"],
        )
        return cursor.fetchall()


def held_slots() -> set[tuple[int, int]]:
    """Return lane and slot of every sender that holds a log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT split_part(claimed_by, '@', 1) FROM deliveries_broadlog"
            " WHERE claimed_by <> ''"
        )
        names = [name.split(".") for (name,) in cursor.fetchall()]
    return {(int(lane), int(slot)) for lane, slot in names}


def _storable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
