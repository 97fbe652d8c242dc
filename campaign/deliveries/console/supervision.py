"""What deliveries tell the supervision page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Min
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaign.deliveries.console import looks
from campaign.deliveries.models import BroadLog, DeliveryState, LogStatus
from campaign.platform import listing
from campaign.platform.supervision import (
    Concern,
    Figure,
    register_concerns,
    register_figures,
)

LATE_SECONDS = 60


# Of each kind of trouble the newest rows alone are read.
_TROUBLE = """
SELECT 'delivery', count(*), max(modified_at) FROM deliveries_delivery
WHERE state = %(failed_delivery)s
UNION ALL
SELECT s.tab, count(*) FILTER (WHERE l.event_at >= %(since)s), max(l.event_at)
FROM (VALUES ('failed', %(failed)s), ('unknown', %(unknown)s)) AS s(tab, status)
CROSS JOIN LATERAL (
    SELECT event_at FROM deliveries_broadlog
    WHERE status = s.status AND next_retry_at IS NULL AND NOT status = 1
    ORDER BY id DESC LIMIT %(limit)s
) AS l
GROUP BY s.tab
"""


@register_figures
def waiting_messages(request: HttpRequest, at: datetime) -> Iterator[Figure]:
    """Tell how many messages wait for a sender. One bounded query."""
    if not request.user.has_perm("deliveries.view_broadlog"):
        return
    waiting = BroadLog.objects.filter(
        status=LogStatus.PENDING, next_retry_at__isnull=True
    ).order_by("pk")[: listing.CAP + 1]
    found = waiting.aggregate(count=Count("pk"), oldest=Min("created_at"))
    oldest = found["oldest"]
    is_late = oldest is not None and (at - oldest).total_seconds() > LATE_SECONDS
    yield Figure(
        name="messages",
        label=_("Messages waiting"),
        value=listing.Bounded(found["count"]),
        url=f"{reverse('deliveries:log_list')}?status=pending",
        tone="warn" if is_late else "",
        since=oldest,
        order=30,
    )


@register_concerns
def troubles(request: HttpRequest, at: datetime) -> Iterator[Concern]:
    """Count deliveries in error, messages failed and in doubt. One bounded query."""
    if not request.user.has_perm("deliveries.view_delivery"):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _TROUBLE,
            {
                "failed_delivery": DeliveryState.FAILED,
                "failed": LogStatus.FAILED,
                "unknown": LogStatus.UNKNOWN,
                "since": at - timedelta(hours=24),
                "limit": listing.CAP + 1,
            },
        )
        found = cursor.fetchall()
    for kind, count, newest in found:
        if count:
            yield _concern(kind, count, newest)


def _concern(kind: str, count: int, newest: datetime) -> Concern:
    shown = listing.Bounded(count)
    if kind == "delivery":
        return Concern(
            look=looks.of_delivery(DeliveryState.FAILED),
            title=ngettext("%(n)s delivery", "%(n)s deliveries", count) % {"n": shown},
            url=f"{reverse('deliveries:delivery_list')}?state={DeliveryState.FAILED:d}",
            text=_("Its messages are not sent."),
            at=newest,
        )
    status = LogStatus.FAILED if kind == "failed" else LogStatus.UNKNOWN
    title = ngettext("%(n)s message in 24 hours", "%(n)s messages in 24 hours", count)
    return Concern(
        look=looks.of_status(status),
        title=title % {"n": shown},
        url=f"{reverse('deliveries:log_list')}?status={kind}",
        text=_("Look at the answer of the relay."),
        at=newest,
    )
