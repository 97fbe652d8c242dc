"""Storing events: one statement, with key and wake-up, answered after its commit.

This is the hot path of the product, so it speaks SQL on the bare connection.
"""

# ruff: noqa: S608 (statements are put together from the constants below only)

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from django.db import connection, transaction
from psycopg.types.json import Jsonb

from campaign.messagecenter.services.event_body import NewEvent
from campaign.messagecenter.services.event_keys import BATCH, RT, EventKey
from workflows.exceptions import AppError
from workflows.queue import CLOCK_CHANNEL

WAKE_REALTIME = "signal:rtEventsProcessing"
MAX_KEY = 128

_TABLES = {RT: "messagecenter_rtevent", BATCH: "messagecenter_batchevent"}
_COLUMNS = (
    "part_month, type, event_type_id, status, wished_channel, email, mobile_phone,"
    " registration_token, language, external_id, origin, ctx, scheduled, expiration,"
    " process_on, error_count, last_error, failure_type, failure_reason, operator_id,"
    " created_at, last_modified"
)
_VALUES = (
    "%(month)s, %(type)s, t.id, 0, %(channel)s, %(email)s, %(mobile_phone)s,"
    " %(registration_token)s, %(language)s, %(external_id)s, %(origin)s,"
    " %(ctx)s::jsonb, %(scheduled)s, %(expiration)s, %(process_on)s, 0, '', 0, 0,"
    " %(operator)s, %(at)s, %(at)s"
)
_TYPE = (
    "messagecenter_eventtype t WHERE t.id = %(type_pk)s"
    " AND t.modified_at = %(version)s AND t.publication_state = 'published'"
)
# Events that wait for a later instant wake nobody; batch events wait for their turn.
_ANSWER = {
    RT: (
        f"SELECT id, CASE WHEN process_on <= %(at)s THEN"
        f" pg_notify('{CLOCK_CHANNEL}', '{WAKE_REALTIME}') END FROM stored"
    ),
    BATCH: "SELECT id FROM stored",
}
_PUSH = {
    kind: (
        f"WITH stored AS (INSERT INTO {table} ({_COLUMNS})"
        f" SELECT {_VALUES} FROM {_TYPE} RETURNING id, process_on) {_ANSWER[kind]}"
    )
    for kind, table in _TABLES.items()
}
_PUSH_WITH_KEY = {
    kind: (
        "WITH first AS (INSERT INTO messagecenter_idempotencykey"
        " (operator_id, key, request_digest, event_kind, event_id, created_at)"
        f" SELECT %(operator)s, %(key)s, %(digest)s, '{kind}',"
        f" nextval('{table}_id_seq'), %(at)s FROM {_TYPE}"
        " ON CONFLICT (operator_id, key) DO NOTHING RETURNING event_id),"
        f" stored AS (INSERT INTO {table} (id, {_COLUMNS})"
        f" SELECT first.event_id, {_VALUES} FROM first, {_TYPE}"
        f" RETURNING id, process_on) {_ANSWER[kind]}"
    )
    for kind, table in _TABLES.items()
}
_PUSH_MANY = {
    kind: (
        "WITH sent AS MATERIALIZED (SELECT row.*, t.id AS type_pk,"
        f" nextval('{table}_id_seq') AS id FROM unnest(%(indexes)s::int[],"
        " %(types)s::text[], %(type_pks)s::bigint[], %(versions)s::timestamptz[],"
        " %(channels)s::smallint[], %(emails)s::text[], %(phones)s::text[],"
        " %(tokens)s::text[], %(languages)s::text[], %(externals)s::text[],"
        " %(origins)s::text[], %(ctxs)s::jsonb[], %(scheduleds)s::timestamptz[],"
        " %(expirations)s::timestamptz[], %(process_ons)s::timestamptz[])"
        " AS row (index, type, known_pk, version, channel, email, mobile_phone,"
        " registration_token, language, external_id, origin, ctx, scheduled,"
        " expiration, process_on)"
        " JOIN messagecenter_eventtype t ON t.id = row.known_pk"
        " AND t.modified_at = row.version AND t.publication_state = 'published'),"
        f" stored AS (INSERT INTO {table} (id, {_COLUMNS})"
        " SELECT id, %(month)s, type, type_pk, 0, channel, email, mobile_phone,"
        " registration_token, language, external_id, origin, ctx, scheduled,"
        " expiration, process_on, 0, '', 0, 0, %(operator)s, %(at)s, %(at)s FROM sent)"
        " SELECT index, id FROM sent"
    )
    for kind, table in _TABLES.items()
}


class IdempotencyConflict(AppError):
    """The Idempotency-Key was used for another request: use a new key."""

    code = "idempotency_conflict"
    status = 409


class StaleRules(AppError):
    """The event type changed while the event was checked: send it again."""

    code = "event_type_changed"
    status = 409


@dataclass(frozen=True, slots=True)
class Caller:
    """Who pushes, when, and under which key; ``digest`` is of the whole request."""

    operator_id: int
    at: datetime
    key: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What was answered when the key was new: an event, or a batch's results."""

    event: EventKey | None
    results: list[dict[str, Any]] | None


def push(event: NewEvent, caller: Caller) -> EventKey:
    """Store one event and return its key once it is committed.

    With a key of the caller's, a repeated request returns the event of the first.
    Raises StaleRules when the event type changed, IdempotencyConflict when the key
    belongs to another request.
    """
    parameters = {
        "month": month_of(caller.at),
        "type": event.rules.event_id,
        "type_pk": event.rules.pk,
        "version": event.rules.version,
        "channel": event.channel,
        "email": event.email,
        "mobile_phone": event.mobile_phone,
        "registration_token": event.registration_token,
        "language": event.language,
        "external_id": event.external_id,
        "origin": event.origin,
        "ctx": event.ctx,
        "scheduled": event.scheduled,
        "expiration": event.expiration,
        "process_on": due_at(event, caller.at),
        "operator": caller.operator_id,
        "at": caller.at,
    }
    if not caller.key:
        rows = _execute(_PUSH[event.queue], parameters)
    else:
        parameters |= {"key": caller.key, "digest": caller.digest}
        rows = _execute(_PUSH_WITH_KEY[event.queue], parameters)
        if not rows:
            first = find_first_answer(caller)
            if first is not None and first.event is not None:
                return first.event
    if not rows:
        raise StaleRules
    return EventKey(event.queue, rows[0][0])


def push_many(
    events: Sequence[tuple[int, NewEvent]], caller: Caller
) -> dict[int, EventKey]:
    """Store many events at once; return their keys by the index given with each.

    An index that is missing from the answer met a changed event type. Part of the
    caller's transaction, else one of its own.
    """
    stored: dict[int, EventKey] = {}
    with transaction.atomic():
        for kind in _TABLES:
            rows = [(index, event) for index, event in events if event.queue == kind]
            if rows:
                stored |= _push_kind(kind, rows, caller)
        if any(
            event.queue == RT and due_at(event, caller.at) <= caller.at
            for _index, event in events
        ):
            _execute(
                "SELECT pg_notify(%(channel)s, %(payload)s)",
                {"channel": CLOCK_CHANNEL, "payload": WAKE_REALTIME},
            )
    return stored


def reserve_key(caller: Caller) -> bool:
    """Take the key for a batch in the current transaction; False when it is taken.

    Waits for another transaction that is about to take it.
    """
    rows = _execute(
        "INSERT INTO messagecenter_idempotencykey"
        " (operator_id, key, request_digest, event_kind, created_at)"
        " VALUES (%(operator)s, %(key)s, %(digest)s, '', %(at)s)"
        " ON CONFLICT (operator_id, key) DO NOTHING RETURNING id",
        {
            "operator": caller.operator_id,
            "key": caller.key,
            "digest": caller.digest,
            "at": caller.at,
        },
    )
    return bool(rows)


def keep_answer(caller: Caller, results: list[dict[str, Any]]) -> None:
    """Keep the results of a batch with its key, in the current transaction."""
    _execute(
        "UPDATE messagecenter_idempotencykey SET answer = %(answer)s"
        " WHERE operator_id = %(operator)s AND key = %(key)s RETURNING id",
        {
            "answer": Jsonb(results),
            "operator": caller.operator_id,
            "key": caller.key,
        },
    )


def find_first_answer(caller: Caller) -> FirstAnswer | None:
    """Return what the first request with the caller's key was answered, or None.

    Raises IdempotencyConflict when that was another request.
    """
    rows = _execute(
        "SELECT request_digest, event_kind, event_id, answer"
        " FROM messagecenter_idempotencykey"
        " WHERE operator_id = %(operator)s AND key = %(key)s",
        {"operator": caller.operator_id, "key": caller.key},
    )
    if not rows:
        return None
    digest, kind, number, results = rows[0]  # JSON comes as text here
    if digest != caller.digest:
        raise IdempotencyConflict
    event = EventKey(kind, number) if number is not None else None
    return FirstAnswer(event, None if results is None else json.loads(results))


def month_of(at: datetime) -> date:
    """Return the first day of the month of an instant, in UTC."""
    return at.astimezone(UTC).date().replace(day=1)


def due_at(event: NewEvent, at: datetime) -> datetime:
    """Return when the event is to be treated first."""
    return at if event.scheduled is None else max(event.scheduled, at)


def _push_kind(
    kind: str, rows: Sequence[tuple[int, NewEvent]], caller: Caller
) -> dict[int, EventKey]:
    events = [event for _index, event in rows]
    found = _execute(
        _PUSH_MANY[kind],
        {
            "indexes": _array(index for index, _event in rows),
            "types": _array(event.rules.event_id for event in events),
            "type_pks": _array(event.rules.pk for event in events),
            "versions": _array(event.rules.version for event in events),
            "channels": _array(event.channel for event in events),
            "emails": _array(event.email for event in events),
            "phones": _array(event.mobile_phone for event in events),
            "tokens": _array(event.registration_token for event in events),
            "languages": _array(event.language for event in events),
            "externals": _array(event.external_id for event in events),
            "origins": _array(event.origin for event in events),
            "ctxs": _array(event.ctx for event in events),
            "scheduleds": _array(event.scheduled for event in events),
            "expirations": _array(event.expiration for event in events),
            "process_ons": _array(due_at(event, caller.at) for event in events),
            "month": month_of(caller.at),
            "operator": caller.operator_id,
            "at": caller.at,
        },
    )
    return {index: EventKey(kind, number) for index, number in found}


def _array(values: Iterable[str | int | datetime | None]) -> str:
    """Return an array as PostgreSQL writes it; much quicker than the driver's own."""
    return "{" + ",".join(map(_item, values)) + "}"


def _item(value: str | int | datetime | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    text = value if isinstance(value, str) else value.isoformat()
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _execute(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement on the bare connection: prepared once, then one round trip."""
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement.encode(), parameters, prepare=True)
        return cursor.fetchall()
