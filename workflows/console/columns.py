"""Which columns of a list an operator wants to see; kept with the operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import django_tables2 as tables
from django.http import HttpRequest

PREFERENCE = "columns"
DENSITY = "density"
#: "" is comfortable: two lines to a row.
DENSITIES = ("", "compact")
#: Without these a row is not what it is.
FIXED = frozenset({"select", "label", "actions"})


@dataclass(frozen=True, slots=True)
class Choice:
    """A column that may be shown or not."""

    name: str
    label: Any
    is_shown: bool


def hidden(request: HttpRequest, listing: str, table: type[tables.Table]) -> list[str]:
    """Return the columns that the reader does not want, as ``exclude`` takes them.

    Who never chose does not see those that the table calls ``at_first_hidden``.
    """
    known = names(table)
    kept = _kept(request).get(listing)
    if not isinstance(kept, list):
        return [name for name in known if name in _at_first_hidden(table)]
    return [name for name in known if name not in kept]


def choices(
    request: HttpRequest, listing: str, table: type[tables.Table]
) -> list[Choice]:
    """Return every column that may be chosen, in the table's order."""
    away = hidden(request, listing, table)
    columns = table.base_columns
    return [
        Choice(name, columns[name].verbose_name, name not in away)
        for name in names(table)
    ]


def names(table: type[tables.Table]) -> list[str]:
    """Return the names of the columns that may be chosen."""
    return [name for name in table.base_columns if name not in FIXED]


def keep(
    request: HttpRequest, listing: str, shown: Sequence[str] | None, density: str
) -> None:
    """Remember columns and density for the reader; None forgets the columns."""
    operator: Any = request.user
    preferences = dict(operator.preferences)
    chosen = dict(_kept(request))
    if shown is None:
        chosen.pop(listing, None)
    else:
        chosen[listing] = list(shown)
    preferences[PREFERENCE] = chosen
    preferences[DENSITY] = density if density in DENSITIES else ""
    operator.preferences = preferences
    operator.save(update_fields=["preferences"])


def density(request: HttpRequest) -> str:
    """Return how dense the reader wants rows: one of DENSITIES. No SQL."""
    preferences = getattr(getattr(request, "user", None), "preferences", None) or {}
    kept = preferences.get(DENSITY, "")
    return kept if kept in DENSITIES else ""


def _kept(request: HttpRequest) -> dict[str, Any]:
    preferences = getattr(request.user, "preferences", None) or {}
    kept = preferences.get(PREFERENCE, {})
    return kept if isinstance(kept, dict) else {}


def _at_first_hidden(table: type[tables.Table]) -> Sequence[str]:
    return getattr(table, "at_first_hidden", ())
