"""What the Message Center tells the supervision page and other packages' pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from campaign.deliveries.console import links
from campaign.deliveries.models import Delivery
from campaign.messagecenter.console import queries
from campaign.messagecenter.models import EventStatus, ExecutionDelivery
from campaign.platform import listing
from campaign.platform.supervision import Figure, register_figures

LATE_SECONDS = 60


@register_figures
def pending_events(request: HttpRequest, at: datetime) -> Iterator[Figure]:
    """Tell how many events are due, and since when. Two bounded queries a queue."""
    labels = {"rt": _("Real-time events due"), "batch": _("Batch events due")}
    for kind, label in labels.items():
        if not request.user.has_perm(queries.VIEW_RIGHTS[kind]):
            continue
        due = queries.KINDS[kind].objects.filter(
            status=EventStatus.PENDING, process_on__lte=at
        )
        count = listing.bounded_count(due)
        oldest = None
        if count:
            oldest = (
                due.order_by("process_on", "pk")
                .values_list("process_on", flat=True)
                .first()
            )
        is_late = oldest is not None and (at - oldest).total_seconds() > LATE_SECONDS
        address = reverse("messagecenter:event_list")
        yield Figure(
            name=f"{kind} events",
            label=label,
            value=count,
            url=f"{address}?queue={kind}&status={int(EventStatus.PENDING)}",
            tone="warn" if is_late else "",
            since=oldest,
        )


def event_link(kind: str, number: int) -> links.Link:
    """Return the link to an event, for its delivery log."""
    return links.Link(
        f"{kind}-{number}", reverse("messagecenter:event_detail", args=[kind, number])
    )


def origin_of(delivery: Delivery) -> links.Link | None:
    """Return the template of an execution delivery. One query."""
    found = (
        ExecutionDelivery.objects.select_related("template", "version")
        .filter(delivery=delivery)
        .first()
    )
    if found is None:
        return None
    return links.Link(
        found.template.label,
        found.template.get_absolute_url(),
        _("version %(number)s") % {"number": found.version.number},
    )


for _kind, _type in queries.TARGET_TYPES.items():
    links.register_target(_type, lambda number, kind=_kind: event_link(kind, number))
links.register_origin(origin_of)
