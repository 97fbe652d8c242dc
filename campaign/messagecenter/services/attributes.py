"""The attributes that an event type declares, and the check of what is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.engine.template_rules import RESERVED
from workflows.exceptions import Fault

MAX_ATTRIBUTES = 200
MAX_NAME = 64
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
#: Names that templates read as something else.
_RESERVED = RESERVED | {"true", "false", "none", "not", "and", "or", "in", "is"}


def parse_instant(value: Any) -> datetime | None:
    """Return an ISO 8601 instant in UTC, or None when it is none.

    The "T" may be a blank; an instant without a zone is in UTC; a plain date is its
    first moment.
    """
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
        if instant.tzinfo is None:
            return instant.replace(tzinfo=UTC)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_date(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "date": _is_date,
    "datetime": lambda value: parse_instant(value) is not None,
}
TYPE_LABELS = {
    "string": gettext_lazy("Text"),
    "integer": gettext_lazy("Whole number"),
    "number": gettext_lazy("Number"),
    "boolean": gettext_lazy("Yes or no"),
    "date": gettext_lazy("Date"),
    "datetime": gettext_lazy("Date and time"),
}
_EXPECTED = {
    "string": gettext_lazy("Give a text."),
    "integer": gettext_lazy("Give a whole number, without quotes."),
    "number": gettext_lazy("Give a number, without quotes."),
    "boolean": gettext_lazy("Give true or false, without quotes."),
    "date": gettext_lazy("Give a date such as 2026-03-01."),
    "datetime": gettext_lazy("Give an instant such as 2026-03-01T09:30:00Z."),
}


@dataclass(frozen=True, slots=True)
class Declaration:
    """The declared attributes: name to type, and the names that may not miss."""

    types: Mapping[str, str]
    mandatory: tuple[str, ...]

    @classmethod
    def of(cls, attributes: Sequence[Mapping[str, Any]]) -> Declaration:
        """Return the declaration that an event type stores."""
        return cls(
            {row["name"]: row["type"] for row in attributes},
            tuple(row["name"] for row in attributes if row.get("mandatory")),
        )

    def faults_of(self, ctx: Mapping[str, Any]) -> list[Fault]:
        """Return every fault of a payload; null counts as not given."""
        faults: list[Fault] = []
        for name, value in ctx.items():
            declared = self.types.get(name)
            if declared is None:
                faults.append(self._undeclared(name))
            elif value is not None and not CHECKS[declared](value):
                faults.append(Fault(f"ctx.{name}", str(_EXPECTED[declared])))
        faults += [
            Fault(f"ctx.{name}", _("The attribute is mandatory: give it."))
            for name in self.mandatory
            if ctx.get(name) is None
        ]
        return faults

    def _undeclared(self, name: str) -> Fault:
        known = ", ".join(self.types)
        text = (
            _("The event type does not declare this attribute; it declares %(names)s.")
            if known
            else _("The event type declares no attributes.")
        )
        return Fault(f"ctx.{name[:MAX_NAME]}", text % {"names": known})


def clean_attributes(attributes: Any) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Return a declaration in its stored shape, and every fault of it."""
    if not isinstance(attributes, list):
        return [], [Fault("attributes", _("Give a list of attributes."))]
    if len(attributes) > MAX_ATTRIBUTES:
        text = _("Declare at most %(count)s attributes.") % {"count": MAX_ATTRIBUTES}
        return [], [Fault("attributes", text)]
    cleaned: list[dict[str, Any]] = []
    faults: list[Fault] = []
    for index, row in enumerate(attributes):
        field = f"attributes.{index}"
        if not isinstance(row, Mapping):
            faults.append(Fault(field, _("Give name, type and mandatory.")))
            continue
        found = _row_faults(field, row, {other["name"] for other in cleaned})
        faults += found
        if not found:
            cleaned.append(
                {
                    "name": row["name"],
                    "type": row["type"],
                    "mandatory": row.get("mandatory", False),
                }
            )
    return cleaned, faults


def _row_faults(field: str, row: Mapping[str, Any], taken: set[str]) -> list[Fault]:
    faults = []
    name = row.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        text = _(
            "Start with a letter; use up to %(count)s letters, digits and underscores."
        )
        faults.append(Fault(f"{field}.name", text % {"count": MAX_NAME}))
    elif name.lower() in _RESERVED:
        faults.append(
            Fault(f"{field}.name", _("Templates use this word: take another name."))
        )
    elif name in taken:
        faults.append(Fault(f"{field}.name", _("This name is declared twice.")))
    if row.get("type") not in CHECKS:
        text = _("Use one of %(types)s.") % {"types": ", ".join(CHECKS)}
        faults.append(Fault(f"{field}.type", text))
    if not isinstance(row.get("mandatory", False), bool):
        faults.append(Fault(f"{field}.mandatory", _("Give true or false.")))
    faults += [
        Fault(f"{field}.{key}", _("Unknown; give name, type and mandatory."))
        for key in row
        if key not in {"name", "type", "mandatory"}
    ]
    return faults
