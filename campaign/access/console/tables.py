"""Tables of access management; drawn by components/table.html."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

CELLS = "access/cells"


def _cell(name: str, css: str = "", **options: Any) -> tables.TemplateColumn:
    attrs = {"td": {"class": css}, "th": {"class": css}} if css else {}
    options.setdefault("empty_values", ())
    return tables.TemplateColumn(
        template_name=f"{CELLS}/{name}.html", orderable=False, attrs=attrs, **options
    )


class OperatorTable(tables.Table):
    """The operators; rows carry ``look``, ``second_look``, ``group_names``."""

    username = _cell("operator", "lead-cell", verbose_name=_("Operator"))
    state = _cell("state", verbose_name=_("Active"))
    group_names = _cell("groups", verbose_name=_("Groups"))
    language = _cell("language", verbose_name=_("Language and zone"))
    second = _cell("second_factor", verbose_name=_("Second factor"))
    seen = _cell("seen", verbose_name=_("Last seen"))

    class Meta:
        attrs = {"class": "grid cards-on-phone"}
        row_attrs = {"data-row": lambda record: str(record.pk)}


class GroupTable(tables.Table):
    """The groups; rows carry ``member_count``, ``right_count``, ``is_built_in``."""

    name = _cell("group", "lead-cell", verbose_name=_("Group"))
    members = tables.Column(
        accessor="member_count", verbose_name=_("Members"), orderable=False
    )
    rights = tables.Column(
        accessor="right_count", verbose_name=_("Named rights"), orderable=False
    )

    class Meta:
        attrs = {"class": "grid cards-on-phone"}
        row_attrs = {"data-row": lambda record: str(record.pk)}


class TokenTable(tables.Table):
    """The tokens; rows carry ``look``."""

    name = _cell("token", "lead-cell", verbose_name=_("Token"))
    state = _cell("state", verbose_name=_("State"))
    operator = _cell("token_operator", verbose_name=_("Operator"))
    scopes = _cell("scopes", verbose_name=_("Scopes"))
    expires_at = _cell("expires", verbose_name=_("Expires"))
    last_used_at = _cell("last_used", verbose_name=_("Last used"))

    class Meta:
        attrs = {"class": "grid cards-on-phone"}
        row_attrs = {"data-row": lambda record: str(record.pk)}
