"""From delivery log back to event: statuses copied set-wise.

Two ways lead to an event. A *sweep* looks at the log of every open event. A *look at
changes* reads the logs changed since the pointer, in their order; it corrects events
that had a status already, and while very many events are open it also stands in for
most sweeps, as its cost follows the changes and not the backlog.
"""

# ruff: noqa: S608 (statements are put together from the constants below only)

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from campaign.messagecenter.services.options import LAST_UPDATE
from campaign.messagecenter.services.routing_statements import TABLES, TARGET_TYPES
from campaign.platform.services.options import read_pointer, write_pointer
from workflows.registry import Again, Done, Result, RunContext

BATCH = 1_000
#: A log may be committed this long after the instant that it carries.
COMMIT_LAG = timedelta(seconds=5)
#: With more open events than this they are swept once in a while only.
MANY_OPEN = 5_000
SWEEP_EVERY = timedelta(seconds=60)
UNKNOWN_OUTCOME = gettext_noop("The outcome of sending is unknown; it is not repeated.")
EXPIRED = gettext_noop("The message was not sent within its validity period.")
CANCELLED = gettext_noop("The delivery was cancelled.")
NO_ADDRESS = gettext_noop("The event has no address for its channel.")

_START = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)
# What a log means for its event; NULL as long as it may still be sent.
_STATUS = (
    "CASE WHEN l.status IN (1, 4) THEN 2"
    " WHEN l.status IN (0, 127) THEN 3"
    " WHEN l.status = 2 AND l.next_retry_at IS NULL THEN 4"
    " WHEN l.status = 10 THEN 4"
    " WHEN l.status = 7 AND l.event_at >= l.valid_until THEN 6"
    " WHEN l.status = 7 THEN 4 END"
)
_ERROR = (
    "CASE WHEN l.status IN (1, 4) THEN ''"
    " WHEN l.status = 10 THEN %(unknown)s"
    " WHEN l.status = 7 AND l.event_at >= l.valid_until THEN %(expired)s"
    " WHEN l.status = 7 AND l.smtp_reply = '' THEN %(cancelled)s"
    " ELSE l.smtp_reply END"
)
_FINAL = "l.status IN (0, 1, 2, 4, 7, 10, 127)"
_SET = (
    "status = v.status, last_error = v.error, failure_type = v.failure_type,"
    " failure_reason = v.failure_reason, last_modified = clock_timestamp(),"
    " sent_at = COALESCE(e.sent_at, CASE WHEN v.status = 2 THEN v.event_at END)"
)
_TEXTS = {
    "unknown": UNKNOWN_OUTCOME,
    "expired": EXPIRED,
    "cancelled": CANCELLED,
    "no_address": NO_ADDRESS,
}
_SWEEP = {
    kind: (
        "WITH open AS MATERIALIZED (SELECT id, broadlog_id, delivery_id"
        f" FROM {table} WHERE status = 1 AND id > %(after)s"
        " ORDER BY id LIMIT %(limit)s),"
        " verdict AS MATERIALIZED (SELECT o.id,"
        f" {_STATUS} AS status, {_ERROR} AS error,"
        " l.failure_type, l.failure_reason, l.event_at"
        " FROM open o JOIN deliveries_broadlog l ON l.id = o.broadlog_id"
        f" WHERE {_FINAL}"
        " UNION ALL SELECT o.id, 3, %(no_address)s, 2, x.failure_reason, x.created_at"
        " FROM open o JOIN deliveries_excludelog x ON x.target_type = %(target)s"
        " AND x.target_id = o.id AND x.delivery_id = o.delivery_id"
        " WHERE o.broadlog_id IS NULL),"
        f" copied AS (UPDATE {table} e SET {_SET} FROM verdict v"
        # By key: statistics lag behind and call open events rare when they are many.
        " WHERE e.id = v.id AND e.status + 0 = 1 AND v.status IS NOT NULL RETURNING 1)"
        " SELECT (SELECT count(*) FROM open), (SELECT max(id) FROM open),"
        " (SELECT count(*) FROM copied)"
    )
    for kind, table in TABLES.items()
}
_COPY_CHANGED = (
    "copied_{kind} AS (UPDATE {table} e SET {set} FROM changed v"
    " WHERE v.target_type = {target} AND e.id = v.target_id AND e.broadlog_id = v.id"
    " AND v.status IS NOT NULL AND (e.status + 0 = 1 OR (e.status + 0 IN (2, 4)"
    " AND v.status IN (2, 4) AND (e.status <> v.status OR e.last_error <> v.error)))"
    " RETURNING 1)"
)
_CHANGES = (
    "WITH changed AS MATERIALIZED (SELECT l.id, l.target_type, l.target_id,"
    f" l.last_modified, {_STATUS} AS status, {_ERROR} AS error, l.failure_type,"
    " l.failure_reason, l.event_at FROM deliveries_broadlog l"
    " WHERE (l.last_modified, l.id) > (%(since)s, %(after)s)"
    " AND l.last_modified <= %(until)s"
    " ORDER BY l.last_modified, l.id LIMIT %(limit)s), "
    + ", ".join(
        _COPY_CHANGED.format(
            kind=kind, table=table, set=_SET, target=int(TARGET_TYPES[kind])
        )
        for kind, table in TABLES.items()
    )
    + ", last AS (SELECT last_modified, id FROM changed"
    " ORDER BY last_modified DESC, id DESC LIMIT 1)"
    " SELECT (SELECT count(*) FROM changed), (SELECT last_modified FROM last),"
    " (SELECT id FROM last), "
    + " + ".join(f"(SELECT count(*) FROM copied_{kind})" for kind in TABLES)
)


@dataclass(frozen=True, slots=True)
class Copied:
    """What one batch did; ``is_last`` when nothing follows it."""

    read: int
    copied: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the logs, in the order of their changes."""

    since: datetime = _START
    after: int = 0

    @classmethod
    def of_pointer(cls, value: Any) -> Place:
        """Return the place that a stored pointer names; the start without one."""
        if not isinstance(value, dict) or "at" not in value:
            return cls()
        return cls(datetime.fromisoformat(value["at"]), int(value["id"]))

    def as_pointer(self, swept_at: str) -> dict[str, Any]:
        """Return the stored shape."""
        return {
            "at": self.since.astimezone(UTC).isoformat(),
            "id": self.after,
            "swept_at": swept_at,
        }


def drain(run: RunContext) -> Result:
    """Copy statuses until nothing is left to copy or the run's time is up."""
    read = copied = 0
    for step in _steps():
        read += step.read
        copied += step.copied
        run.checkpoint()
        if run.seconds_left <= 0:
            return Again(count=copied, read=read, written=copied)
    return Done(count=copied, read=read, written=copied, is_idle=copied == 0)


def sweep(*, kind: str, after: int = 0) -> tuple[Copied, int]:
    """Copy the final statuses of the next open events; return where to go on.

    One statement: the open events by their partial index, then their logs by key.
    """
    seen, last, copied = _one(
        _SWEEP[kind],
        {"after": after, "limit": BATCH, "target": TARGET_TYPES[kind], **_TEXTS},
    )
    return Copied(seen, copied, seen < BATCH), last or after


def copy_changes(*, place: Place, until: datetime) -> tuple[Copied, Place]:
    """Copy from the next changed logs up to an instant; return where to go on.

    An open event takes any final status; one that has a status is corrected between
    sent and delivery error only.
    """
    seen, since, after, copied = _one(
        _CHANGES,
        {
            "since": place.since,
            "after": place.after,
            "until": until,
            "limit": BATCH,
            **_TEXTS,
        },
    )
    following = Place(since, after) if seen else place
    return Copied(seen, copied, seen < BATCH), following


def correct(*, at: datetime) -> Copied:
    """Copy from the next changed logs and advance the pointer with it.

    The logs of the last seconds are left for later: one of them may be committed
    after a younger one.
    """
    with transaction.atomic():
        stored = read_pointer(LAST_UPDATE, lock=True)
        place = Place.of_pointer(stored)
        done, following = copy_changes(place=place, until=at - COMMIT_LAG)
        if following != place:
            _write(following, _swept_at(stored))
    return done


def _steps() -> Iterator[Copied]:
    """Yield the batches of one pass."""
    at = timezone.now()
    stored = read_pointer(LAST_UPDATE)
    if _is_sweep_due(stored, at):
        for kind in TABLES:
            after, is_last = 0, False
            while not is_last:
                done, after = sweep(kind=kind, after=after)
                is_last = done.is_last
                yield done
        _note_sweep(at)
    else:
        place, is_last = Place.of_pointer(stored), False
        while not is_last:
            done, place = copy_changes(place=place, until=_END)
            is_last = done.is_last
            yield done
    is_last = False
    while not is_last:
        done = correct(at=at)
        is_last = done.is_last
        yield done


def _is_sweep_due(stored: Any, at: datetime) -> bool:
    """Return whether few enough events are open, or the last sweep is long ago."""
    swept_at = _swept_at(stored)
    if not swept_at or at - datetime.fromisoformat(swept_at) >= SWEEP_EVERY:
        return True
    return all(
        _one(
            f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE status = 1"
            " LIMIT %(limit)s) AS open",
            {"limit": MANY_OPEN + 1},
        )[0]
        <= MANY_OPEN
        for table in TABLES.values()
    )


def _note_sweep(at: datetime) -> None:
    """Keep when all open events were looked at, once in a while."""
    with transaction.atomic():
        stored = read_pointer(LAST_UPDATE, lock=True)
        swept_at = _swept_at(stored)
        if swept_at and at - datetime.fromisoformat(swept_at) < SWEEP_EVERY:
            return
        _write(Place.of_pointer(stored), at.astimezone(UTC).isoformat())


def _write(place: Place, swept_at: str) -> None:
    write_pointer(LAST_UPDATE, place.as_pointer(swept_at))


def _swept_at(stored: Any) -> str:
    return stored.get("swept_at", "") if isinstance(stored, dict) else ""


def _one(statement: str, parameters: dict[str, Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()
