"""The statements of routing; each treats the events of a whole batch at once."""

# ruff: noqa: S608 (statements are put together from the constants below only)

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from campaign.deliveries.models import FailureReason, Lane, LogStatus, TargetType
from campaign.messagecenter.models import EventStatus
from campaign.messagecenter.services.event_keys import BATCH, RT
from campaign.messagecenter.services.executions import Execution

TABLES: Mapping[str, str] = {
    RT: "messagecenter_rtevent",
    BATCH: "messagecenter_batchevent",
}
TARGET_TYPES: Mapping[str, TargetType] = {
    RT: TargetType.RT_EVENT,
    BATCH: TargetType.BATCH_EVENT,
}
_LONGEST_HOST = 80
_NOTED_EVERY = timedelta(minutes=1)
_ADDRESS = (
    "CASE e.wished_channel WHEN 0 THEN e.email WHEN 1 THEN e.mobile_phone"
    " ELSE e.registration_token END"
)
_INSTANT = """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""
# The names under which templates find the event; the console shows them as help.
_CONTEXT = (
    "jsonb_build_object('ctx', e.ctx, 'event', jsonb_build_object("
    "'id', %(kind)s || '-' || e.id, 'type', e.type, 'language', e.language,"
    " 'external_id', e.external_id, 'origin', e.origin, 'email', e.email,"
    " 'mobile_phone', e.mobile_phone,"
    f" 'created_at', to_char(e.created_at AT TIME ZONE 'UTC', {_INSTANT})))"
)
_GOES_TO = (
    "goes_to AS (SELECT * FROM unnest(%(ids)s::bigint[], %(deliveries)s::bigint[],"
    " %(months)s::date[], %(validities)s::bigint[])"
    " AS g (event_id, delivery_id, part_month, validity))"
)


def due_ids(kind: str, at: datetime, limit: int) -> list[int]:
    """Return the keys of the events due first, without taking them."""
    return [
        row[0]
        for row in _rows(
            f"SELECT id FROM {TABLES[kind]} WHERE status = 0 AND process_on <= %(at)s"
            " ORDER BY process_on, id LIMIT %(limit)s",
            {"at": at, "limit": limit},
        )
    ]


def claim(
    kind: str, at: datetime, limit: int, *, only: int | None = None
) -> list[tuple[Any, ...]]:
    """Lock the events due first, past those that another process has."""
    condition = "" if only is None else " AND e.id = %(only)s"
    return _rows(
        "SELECT e.id, e.event_type_id, e.wished_channel, e.error_count,"
        " COALESCE(e.expiration <= %(at)s, false),"
        f" {_ADDRESS} <> '' FROM {TABLES[kind]} e"
        f" WHERE e.status = 0 AND e.process_on <= %(at)s{condition}"
        " ORDER BY e.process_on, e.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED",
        {"at": at, "limit": limit, "only": only},
    )


def write_messages(
    kind: str, at: datetime, places: Mapping[Execution, Sequence[int]]
) -> None:
    """Write a delivery log per event and link it; an event that has one keeps it.

    The Message-ID is fixed here, so that every attempt carries the same.
    """
    _run(
        f"WITH {_GOES_TO}, logged AS (INSERT INTO deliveries_broadlog"
        " (part_month, delivery_id, target_type, target_id, variant, channel, address,"
        " address_domain, status, failure_type, failure_reason, event_at, valid_until,"
        " send_count, lane, claimed_by, epoch, message_id, smtp_reply, bytes, context,"
        " language, created_at, last_modified)"
        " SELECT g.part_month, g.delivery_id, %(target_type)s, e.id, '',"
        f" e.wished_channel, {_ADDRESS},"
        f" left(lower(split_part({_ADDRESS}, '@', 2)), 128), %(pending)s, 0, 0, %(at)s,"
        " LEAST(%(at)s + g.validity * interval '1 second', e.expiration), 0, %(lane)s,"
        " '', 0, %(kind)s || '-' || e.id || '.'"
        " || left(replace(gen_random_uuid()::text, '-', ''), 20) || %(host)s,"
        f" '', 0, {_CONTEXT}, e.language, %(at)s, clock_timestamp()"
        f" FROM goes_to g JOIN {TABLES[kind]} e ON e.id = g.event_id"
        " ON CONFLICT (part_month, delivery_id, target_type, target_id, variant)"
        " DO UPDATE SET variant = EXCLUDED.variant RETURNING id, target_id)"
        f" UPDATE {TABLES[kind]} e SET status = %(processing)s,"
        " delivery_id = g.delivery_id, broadlog_id = l.id, processed_at = %(at)s,"
        " last_error = '', last_modified = clock_timestamp()"
        " FROM goes_to g JOIN logged l ON l.target_id = g.event_id"
        " WHERE e.id = g.event_id",
        {
            **_places(places),
            "kind": kind,
            "target_type": TARGET_TYPES[kind],
            "pending": LogStatus.PENDING,
            "processing": EventStatus.PENDING_DELIVERY,
            "lane": Lane.TRANSACTIONAL,
            "host": _message_host(),
            "at": at,
        },
    )


def write_exclusions(
    kind: str, at: datetime, places: Mapping[Execution, Sequence[int]]
) -> None:
    """Note that events have no address; updateEventsStatus turns them to ignored."""
    _run(
        f"WITH {_GOES_TO}, excluded AS (INSERT INTO deliveries_excludelog"
        " (part_month, delivery_id, target_type, target_id, address, failure_reason,"
        " created_at) SELECT g.part_month, g.delivery_id, %(target_type)s, g.event_id,"
        " '', %(reason)s, %(at)s FROM goes_to g ON CONFLICT DO NOTHING)"
        f" UPDATE {TABLES[kind]} e SET status = %(processing)s,"
        " delivery_id = g.delivery_id, broadlog_id = NULL, processed_at = %(at)s,"
        " last_error = '', last_modified = clock_timestamp()"
        " FROM goes_to g WHERE e.id = g.event_id",
        {
            **_places(places),
            "target_type": TARGET_TYPES[kind],
            "reason": FailureReason.ADDRESS_NOT_SPECIFIED,
            "processing": EventStatus.PENDING_DELIVERY,
            "at": at,
        },
    )


def set_status(
    kind: str, at: datetime, ids: Sequence[int], status: EventStatus, reason: str
) -> None:
    """Give events a status that needs no delivery, with the reason for it."""
    _run(
        f"UPDATE {TABLES[kind]} SET status = %(status)s, last_error = %(reason)s,"
        " processed_at = CASE WHEN %(status)s = 7 THEN NULL ELSE %(at)s END,"
        " last_modified = clock_timestamp() WHERE id = ANY(%(ids)s)",
        {"status": status, "reason": reason, "at": at, "ids": list(ids)},
    )


def put_off(
    kind: str,
    at: datetime,
    ids: Sequence[int],
    pauses: Sequence[timedelta],
    reason: str,
) -> None:
    """Have events tried again, each after its own pause."""
    _run(
        f"UPDATE {TABLES[kind]} e SET error_count = e.error_count + 1,"
        " process_on = %(at)s + p.pause, last_error = %(reason)s,"
        " last_modified = clock_timestamp()"
        " FROM unnest(%(ids)s::bigint[], %(pauses)s::interval[]) AS p (event_id, pause)"
        " WHERE e.id = p.event_id",
        {"at": at, "ids": list(ids), "pauses": list(pauses), "reason": reason},
    )


def note_last_event(type_ids: Iterable[int], at: datetime) -> None:
    """Note when event types had their last event, at most once a minute each."""
    _run(
        "UPDATE messagecenter_eventtype SET last_event_at = %(at)s"
        " WHERE id = ANY(%(ids)s)"
        " AND (last_event_at IS NULL OR last_event_at < %(since)s)",
        {"at": at, "ids": sorted(type_ids), "since": at - _NOTED_EVERY},
    )


def _places(places: Mapping[Execution, Sequence[int]]) -> dict[str, Any]:
    rows = [(event_id, place) for place, ids in places.items() for event_id in ids]
    return {
        "ids": [event_id for event_id, _place in rows],
        "deliveries": [place.delivery_id for _event_id, place in rows],
        "months": [place.part_month for _event_id, place in rows],
        "validities": [place.validity_seconds for _event_id, place in rows],
    }


def _message_host() -> str:
    """Return the right side of a Message-ID, with its sign."""
    host = settings.MAIL_FROM.rpartition("@")[2].strip("<> ") or "localhost"
    return "@" + host[-_LONGEST_HOST:].lstrip(".-")


def _rows(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def _run(statement: str, parameters: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
