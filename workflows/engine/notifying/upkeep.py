"""How long notifications are kept, and tried."""

from __future__ import annotations

from datetime import datetime, timedelta

from workflows.models import Notification

# What nobody could be told for so long is left to the console.
GIVE_UP = timedelta(days=1)
KEPT = timedelta(days=90)
_BATCH = 5_000


def forget_old(at: datetime) -> int:
    """Delete what was over three months ago, a batch at most; return how many rows."""
    old = Notification.objects.filter(
        last_at__lt=at - KEPT, resolved_at__isnull=False
    ).order_by("last_at")
    keys = list(old.values_list("pk", flat=True)[:_BATCH])
    Notification.objects.filter(pk__in=keys).delete()
    return len(keys)
