"""Tables of the Message Center pages; drawn by components/table.html."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from campaign.messagecenter.models import Event, EventStatus, EventType, MessageTemplate

CELLS = "messagecenter/cells"
_BAD = (EventStatus.DELIVERY_ERROR, EventStatus.EXPIRED, EventStatus.TARGETING_FAILED)


def _cell(name: str, css: str = "", **options: Any) -> tables.TemplateColumn:
    attrs = {"td": {"class": css}, "th": {"class": css}} if css else {}
    return tables.TemplateColumn(
        template_name=f"{CELLS}/{name}.html", orderable=False, attrs=attrs, **options
    )


def event_row_class(record: Event) -> str:
    """Return the class of a row: a bar at its start when it ended badly."""
    return "row-bad" if record.status in _BAD else ""


class EventTable(tables.Table):
    """The event history of one queue; rows carry ``look``."""

    choose = _cell("event_select", "select", verbose_name="", empty_values=())
    event = _cell("event", "lead-cell", verbose_name=_("Event id"), empty_values=())
    type = _cell("event_type", verbose_name=_("Type and channel"))
    status = _cell("event_status", verbose_name=_("Status"))
    recipient = _cell(
        "recipient", verbose_name=_("Recipient and delivery"), empty_values=()
    )
    error_count = tables.Column(verbose_name=_("Errors"), orderable=False)
    process_on = _cell("process_on", verbose_name=_("Process requested"))
    created_at = _cell("created_at", verbose_name=_("Collected"))

    class Meta:
        attrs = {"class": "grid cards-on-phone"}
        row_attrs = {
            "data-row": lambda record: str(record.pk),
            "class": event_row_class,
        }


class ObjectTable(tables.Table):
    """The execution deliveries; rows carry ``look``."""

    label = _cell("object_label", "lead-cell", verbose_name=_("Label"), empty_values=())
    state = _cell("object_state", verbose_name=_("State"), empty_values=())
    template = _cell("object_template", verbose_name=_("Made from"))
    month = _cell("object_month", verbose_name=_("Month"))
    created = _cell("object_created", verbose_name=_("Created"), empty_values=())

    class Meta:
        attrs = {"class": "grid cards-on-phone"}
        row_attrs = {"data-row": lambda record: str(record.pk)}


class EventTypeTable(tables.Table):
    """The event types; rows carry ``look`` and ``template_count``."""

    label = _cell("type_label", "lead-cell", verbose_name=_("Label"))
    state = _cell("type_state", verbose_name=_("Publication"), empty_values=())
    channel = tables.Column(verbose_name=_("Channel"), orderable=False)
    attributes = _cell("type_attributes", verbose_name=_("Attributes"), empty_values=())
    templates = _cell(
        "type_templates", verbose_name=_("Message templates"), empty_values=()
    )
    modified_at = _cell("modified_at", verbose_name=_("Last modified"))

    class Meta:
        model = EventType
        fields = ()
        attrs = {"class": "grid cards-on-phone"}
        row_attrs = {"data-row": lambda record: record.event_id}


class TemplateTable(tables.Table):
    """The message templates; rows carry ``look``."""

    label = _cell("template_label", "lead-cell", verbose_name=_("Label"))
    state = _cell("template_state", verbose_name=_("Publication"), empty_values=())
    event_type = _cell("template_type", verbose_name=_("Event type"))
    channel = tables.Column(verbose_name=_("Channel"), orderable=False)
    subject = _cell("template_subject", verbose_name=_("Subject"))
    published_at = _cell("published_at", verbose_name=_("Published"))
    modified_at = _cell("modified_at", verbose_name=_("Last modified"))

    class Meta:
        model = MessageTemplate
        fields = ()
        attrs = {"class": "grid cards-on-phone"}
        row_attrs = {"data-row": lambda record: record.internal_name}
