"""Objects created automatically: the deliveries that templates brought about."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from campaign.deliveries.console import looks as delivery_looks
from campaign.messagecenter.console.filters import ObjectFilter
from campaign.messagecenter.console.tables import ObjectTable
from campaign.messagecenter.models import ExecutionDelivery
from campaign.platform import listing
from workflows.console import access

VIEW = "deliveries.view_delivery"


@access.requires(VIEW)
def object_list(request: HttpRequest) -> HttpResponse:
    """Show the execution deliveries, newest first, with what each was made from."""
    found = ObjectFilter(
        request.GET,
        queryset=ExecutionDelivery.objects.select_related(
            "delivery", "template", "version"
        ),
    )
    page = listing.key_page(found.qs, request.GET)
    for row in page.rows:
        row.look = delivery_looks.of_delivery(row.delivery.state)
    context = {
        "page": page,
        "filter": found,
        "table": ObjectTable(page.rows),
        "title": _("Objects created automatically"),
    }
    return render(request, "messagecenter/object_list.html", context)
