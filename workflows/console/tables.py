"""Tables of the workflow pages; drawn by components/table.html."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from workflows.console.cells import LIVE
from workflows.models import Workflow


class CellColumn(tables.Column):
    """A column whose cells are drawn already; live ones stand in an element."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(empty_values=(), **options)
        self.cell = name

    def render(self, record: Any) -> SafeString:
        """Return the drawn cell."""
        drawn: SafeString = record.cells[self.cell]
        if self.cell not in LIVE:
            return drawn
        return format_html('<div id="{}-{}">{}</div>', self.cell, record.pk, drawn)


def row_class(record: Workflow) -> str:
    """Return the class of a row: a bar at its start when it failed."""
    return "row-bad" if record.failed else ""


class WorkflowTable(tables.Table):
    """The list of technical workflows.

    Its rows come from ``queries.listed`` and carry ``cells``.
    """

    #: Columns that an operator has to ask for.
    at_first_hidden = ("severity", "owner", "supervisors")

    select = CellColumn(
        "select",
        verbose_name="",
        orderable=False,
        attrs={"td": {"class": "select"}, "th": {"class": "select"}},
    )
    label = CellColumn(
        "label",
        verbose_name=_("Label"),
        order_by=("shown_label",),
        attrs={"td": {"class": "lead-cell"}},
    )
    state = CellColumn("state", verbose_name=_("State"), order_by=("failed", "state"))
    package = CellColumn("package", verbose_name=_("Package"), order_by=("package",))
    schedule = CellColumn("schedule", verbose_name=_("Schedule"), orderable=False)
    last_run = CellColumn("last_run", verbose_name=_("Last run"), orderable=False)
    history = CellColumn(
        "history",
        verbose_name=_("History"),
        orderable=False,
        attrs={"td": {"class": "spare"}, "th": {"class": "spare"}},
    )
    next_run = CellColumn(
        "next_run", verbose_name=_("Next run"), order_by=("next_due",)
    )
    severity = CellColumn(
        "severity", verbose_name=_("Severity"), order_by=("-severity",)
    )
    owner = CellColumn("owner", verbose_name=_("Owner"), order_by=("owner",))
    supervisors = CellColumn(
        "supervisors", verbose_name=_("Supervisors"), orderable=False
    )
    actions = CellColumn(
        "actions",
        verbose_name=_("Actions"),
        orderable=False,
        attrs={"td": {"class": "actions"}, "th": {"class": "actions"}},
    )

    class Meta:
        model = Workflow
        fields = ()
        attrs = {"class": "grid cards-on-phone"}
        row_attrs = {
            "class": row_class,
            "id": lambda record: f"row-{record.pk}",
            "data-row": lambda record: record.internal_name,
        }
        order_by = ("label",)
