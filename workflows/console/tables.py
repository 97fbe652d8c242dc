"""Tables of the workflow pages; drawn by components/table.html."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from workflows.models import Workflow

CELLS = "workflows/cells"


def _cell(name: str, **options: Any) -> tables.TemplateColumn:
    return tables.TemplateColumn(template_name=f"{CELLS}/{name}.html", **options)


def row_class(record: Workflow) -> str:
    """Return the class of a row: a bar at its start when it failed."""
    return "row-bad" if record.failed else ""


class WorkflowTable(tables.Table):
    """The list of technical workflows.

    Its rows carry what ``queries.listed`` annotates, ``runs``, ``main`` (the first
    action) and ``offers``.
    """

    select = _cell(
        "select",
        verbose_name="",
        orderable=False,
        attrs={"td": {"class": "select"}, "th": {"class": "select"}},
    )
    label = _cell(
        "label",
        verbose_name=_("Label"),
        order_by=("shown_label",),
        attrs={"td": {"class": "lead-cell"}},
    )
    state = _cell("state", verbose_name=_("State"), order_by=("failed", "state"))
    package = _cell("package", verbose_name=_("Package"), order_by=("package",))
    schedule = _cell("schedule", verbose_name=_("Schedule"), orderable=False)
    last_run = _cell("last_run", verbose_name=_("Last run"), orderable=False)
    history = _cell(
        "history",
        verbose_name=_("History"),
        orderable=False,
        attrs={"td": {"class": "hide-on-phone"}},
    )
    next_run = _cell("next_run", verbose_name=_("Next run"), order_by=("next_due",))
    actions = _cell(
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
