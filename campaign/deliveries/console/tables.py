"""Tables of the delivery pages; drawn by components/table.html."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from campaign.deliveries.models import BroadLog, Delivery, LogStatus

CELLS = "deliveries/cells"


def _cell(name: str, css: str = "", **options: Any) -> tables.TemplateColumn:
    attrs = {"td": {"class": css}, "th": {"class": css}} if css else {}
    return tables.TemplateColumn(
        template_name=f"{CELLS}/{name}.html", orderable=False, attrs=attrs, **options
    )


def log_row_class(record: BroadLog) -> str:
    """Return the class of a row: a bar at its start when it failed for good."""
    is_bad = record.status == LogStatus.FAILED and not record.next_retry_at
    return "row-bad" if is_bad else ""


class DeliveryTable(tables.Table):
    """The list of deliveries; rows carry ``figures``."""

    label = _cell("delivery_label", "lead-cell", verbose_name=_("Label"))
    state = _cell("delivery_state", verbose_name=_("State"))
    channel = tables.Column(verbose_name=_("Channel"), orderable=False)
    targeted = _cell("targeted", verbose_name=_("To deliver"))
    sent = _cell("sent", verbose_name=_("Sent"))
    errors = _cell("errors", verbose_name=_("Errors"))
    contact_date = _cell("contact_date", verbose_name=_("Contact date"))
    next_try = _cell(
        "next_try", "hide-on-phone", verbose_name=_("Next retry"), empty_values=()
    )

    class Meta:
        model = Delivery
        fields = ()
        attrs = {"class": "grid cards-on-phone"}
        row_attrs = {
            "data-row": lambda record: str(record.pk),
            "class": lambda record: "row-bad" if record.state == 87 else "",
        }


class LogTable(tables.Table):
    """The list of delivery logs."""

    address = _cell("log_address", "lead-cell", verbose_name=_("Address"))
    status = _cell("log_status", verbose_name=_("Status"))
    delivery = _cell("log_delivery", verbose_name=_("Delivery"))
    send_count = tables.Column(verbose_name=_("Attempts"), orderable=False)
    reply = _cell("log_reply", verbose_name=_("Answer of the relay"))
    event_at = _cell("log_event_at", verbose_name=_("Last status change"))

    class Meta:
        model = BroadLog
        fields = ()
        attrs = {"class": "grid cards-on-phone"}
        row_attrs = {
            "data-row": lambda record: str(record.pk),
            "class": log_row_class,
        }
