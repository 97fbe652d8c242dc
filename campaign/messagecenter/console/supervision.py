"""What the Message Center tells the supervision page and other packages' pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from django.db import connection
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
    """Tell how many events are due, and since when. One bounded query."""
    labels = {"rt": _("Real-time events due"), "batch": _("Batch events due")}
    kinds = [
        kind
        for kind, right in queries.VIEW_RIGHTS.items()
        if request.user.has_perm(right)
    ]
    address = reverse("messagecenter:event_list")
    for kind, count, oldest in _due(kinds, at):
        is_late = oldest is not None and (at - oldest).total_seconds() > LATE_SECONDS
        yield Figure(
            name=f"{kind} events",
            label=labels[kind],
            value=listing.Bounded(count),
            url=f"{address}?queue={kind}&status={int(EventStatus.PENDING)}",
            tone="warn" if is_late else "",
            since=oldest,
            order=20,
        )


def _due(kinds: Sequence[str], at: datetime) -> list[tuple[str, int, datetime | None]]:
    if not kinds:
        return []
    statements: list[str] = []
    parameters: list[str | int | datetime] = []
    for kind in kinds:
        table = connection.ops.quote_name(queries.KINDS[kind]._meta.db_table)
        statements.append(
            f"SELECT %s, count(*), min(process_on) FROM (SELECT process_on FROM {table}"  # noqa: S608
            " WHERE status = 0 AND process_on <= %s"
            " ORDER BY process_on LIMIT %s) AS due"
        )
        parameters += [kind, at, listing.CAP + 1]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(statements), parameters)
        return cursor.fetchall()


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
    links.register_target(_type, partial(event_link, _kind))
links.register_origin(origin_of)
