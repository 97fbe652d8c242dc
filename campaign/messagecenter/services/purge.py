"""What Message Center keeps for a time only."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from campaign.messagecenter.models import IdempotencyKey

#: Callers may rely on a key for a day; the rest is reserve for slow repeats.
KEYS_KEPT = timedelta(days=7)
BATCH = 5_000


def purge_idempotency_keys(*, at: datetime) -> int:
    """Delete keys older than seven days, in short transactions; return how many."""
    count = 0
    while True:
        with transaction.atomic():
            oldest = IdempotencyKey.objects.filter(created_at__lt=at - KEYS_KEPT)
            ids = list(
                oldest.order_by("created_at")
                .select_for_update(skip_locked=True)
                .values_list("pk", flat=True)[:BATCH]
            )
            if ids:
                IdempotencyKey.objects.filter(pk__in=ids).delete()
        count += len(ids)
        if len(ids) < BATCH:
            return count


def purge() -> None:
    """Carry out the purge; ordered by the clock once a day."""
    purge_idempotency_keys(at=timezone.now())
