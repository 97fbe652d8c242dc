"""What deliveries tell the supervision page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaign.deliveries.console import looks, queries
from campaign.deliveries.models import BroadLog, Delivery, DeliveryState, LogStatus
from campaign.platform import listing
from campaign.platform.supervision import (
    Concern,
    Figure,
    register_concerns,
    register_figures,
)

_MOST = 5


@register_figures
def waiting_messages(request: HttpRequest, at: datetime) -> Iterator[Figure]:
    """Tell how many messages wait for a sender. Two bounded queries."""
    if not request.user.has_perm("deliveries.view_broadlog"):
        return
    pending = BroadLog.objects.filter(
        status=LogStatus.PENDING, next_retry_at__isnull=True
    )
    count = listing.bounded_count(pending)
    oldest = None
    if count:
        oldest = (
            pending.filter(lane=0)
            .order_by("pk")
            .values_list("created_at", flat=True)
            .first()
        )
    is_late = oldest is not None and (at - oldest).total_seconds() > 60
    yield Figure(
        name="messages",
        label=_("Messages waiting"),
        value=count,
        url=f"{reverse('deliveries:log_list')}?status=pending",
        tone="warn" if is_late else "",
        since=oldest,
    )


@register_concerns
def failed_deliveries(request: HttpRequest, at: datetime) -> Iterator[Concern]:
    """Name deliveries in error, and count messages lost or in doubt. Three queries."""
    if not request.user.has_perm("deliveries.view_delivery"):
        return
    failed = Delivery.objects.filter(state=DeliveryState.FAILED).order_by("-pk")
    for delivery in failed[:_MOST]:
        yield Concern(
            look=looks.of_delivery(delivery.state),
            title=delivery.label,
            url=delivery.get_absolute_url(),
            text=_("The delivery failed."),
            at=delivery.modified_at,
        )
    address = reverse("deliveries:log_list")
    for status, tab in ((LogStatus.FAILED, "failed"), (LogStatus.UNKNOWN, "unknown")):
        recent = queries.recent_problems(status, at)
        if status == LogStatus.FAILED:
            recent = recent.filter(next_retry_at__isnull=True)
        newest = list(recent.order_by("-pk").values_list("event_at", flat=True))
        if newest:
            count = listing.Bounded(len(newest))
            yield Concern(
                look=looks.of_status(status),
                title=ngettext(
                    "%(n)s message in 24 hours",
                    "%(n)s messages in 24 hours",
                    len(newest),
                )
                % {"n": count},
                url=f"{address}?status={tab}",
                text=_("Look at the answer of the relay."),
                at=max(newest),
            )
