"""Delivery logs by the million for ``manage.py volume``: written set by set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from campaign.deliveries.models import (
    BroadLog,
    Delivery,
    DeliveryState,
    Lane,
    LogStatus,
    TargetType,
)
from workflows.management.volumes import Tell, Volume, register

PREFIX = "volume_"
CHUNK = 100_000
DELETED = 20_000
DELIVERIES = 200

# Log number n: the golden ratio spreads them over the deliveries, the cube gives the
# first one a large share; 2 in 100 bounced, 1 in 100 is ignored.
_LOGS = """
INSERT INTO deliveries_broadlog (part_month, delivery_id, target_type, target_id,
    variant, channel, address, address_domain, status, failure_type, failure_reason,
    event_at, valid_until, send_count, lane, claimed_by, epoch, message_id, smtp_reply,
    bytes, context, language, created_at, last_modified)
SELECT (%(months)s::date[])[place], (%(keys)s::bigint[])[place], %(target)s, n,
    '', 0, 'customer-' || n || '@example.com', 'example.com',
    CASE WHEN mod(n, 50) = 7 THEN %(failed)s WHEN mod(n, 100) = 13 THEN %(ignored)s
        ELSE %(sent)s END,
    0, 0, planned, planned + interval '2 days', 1, %(lane)s, '', 1,
    '<volume-' || n || '@example.com>', '250 OK', 4000, '{}'::jsonb, 'en', planned,
    planned
FROM (
    SELECT n, %(first)s::timestamptz + n * %(step)s::interval AS planned,
        1 + floor(cardinality(%(keys)s::bigint[])
            * power(mod(n * 0.6180339887498949, 1), 3))::int AS place
    FROM generate_series(%(low)s::bigint, %(high)s::bigint) AS n
) AS numbered
"""


def exists() -> bool:
    """Return whether there are sample deliveries."""
    return Delivery.objects.filter(internal_name__startswith=PREFIX).exists()


def fill(*, count: int, days: int, at: datetime, tell: Tell) -> Mapping[str, int]:
    """Write ``count`` delivery logs of sample deliveries over ``days`` up to ``at``."""
    first = at - timedelta(days=days)
    deliveries = Delivery.objects.bulk_create(
        Delivery(
            internal_name=f"{PREFIX}{number:04d}",
            label=f"Sample delivery {number:04d}",
            state=DeliveryState.FINISHED,
            part_month=(first + number * timedelta(days=days) / DELIVERIES)
            .date()
            .replace(day=1),
        )
        for number in range(DELIVERIES)
    )
    parameters: dict[str, Any] = {
        "keys": [delivery.pk for delivery in deliveries],
        "months": [delivery.part_month for delivery in deliveries],
        "target": TargetType.RT_EVENT,
        "sent": LogStatus.SENT,
        "failed": LogStatus.FAILED,
        "ignored": LogStatus.IGNORED,
        "lane": Lane.TRANSACTIONAL,
        "first": first,
        "step": timedelta(days=days) / max(count, 1),
    }
    written = 0
    for low in range(1, count + 1, CHUNK):
        high = min(low + CHUNK - 1, count)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_LOGS, {**parameters, "low": low, "high": high})
            written += cursor.rowcount
        tell(f"delivery logs: {high:,} / {count:,}")
    return {"deliveries": len(deliveries), "delivery logs": written}


def clear(tell: Tell) -> Mapping[str, int]:
    """Remove the sample deliveries and their logs, 20,000 logs in a transaction."""
    samples = Delivery.objects.filter(internal_name__startswith=PREFIX)
    keys = list(samples.values_list("pk", flat=True))
    removed = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM deliveries_broadlog WHERE id IN (SELECT id FROM"
                " deliveries_broadlog WHERE delivery_id = ANY(%s) LIMIT %s)",
                [keys, DELETED],
            )
            removed += cursor.rowcount
            if cursor.rowcount < DELETED:
                break
        tell(f"delivery logs: {removed:,}")
    samples.delete()
    return {"deliveries": len(keys), "delivery logs": removed}


register(
    Volume(
        option="delivery-logs",
        help="Delivery logs of sample deliveries.",
        fill=fill,
        clear=clear,
        exists=exists,
        tables=(Delivery, BroadLog),
    )
)
