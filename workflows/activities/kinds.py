"""Kinds of declared parameters: what a value must be, and how it is stored.

Forms, validation, API and documentation are all made from these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from workflows.activities.spans import Span
from workflows.engine import conditions
from workflows.engine.calendar import Schedule, ScheduleError
from workflows.exceptions import Fault

Words = Promise | str
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class Unfit(ValueError):
    """The value cannot be the parameter's; the message says what to give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One declared parameter; a value that is empty counts as not given."""

    name: str
    label: Words = ""
    help_text: Words = ""
    default: Any = None
    required: bool = False

    kind: ClassVar[str] = ""
    json_type: ClassVar[str] = "string"

    def validate(self, value: Any) -> tuple[Any, list[Fault]]:
        """Return the value as it is stored, and what is wrong with it."""
        if is_empty(value):
            faults = [Fault(self.name, _("Give it a value."))] if self.required else []
            return self.default, faults
        try:
            return self.read(value), []
        except Unfit as unfit:
            return value, [Fault(self.name, str(unfit))]

    def read(self, value: Any) -> Any:
        """Return ``value`` in its stored form; raises Unfit."""
        raise NotImplementedError(self.kind)

    def as_schema(self) -> dict[str, Any]:
        """Return the JSON schema of the value, its texts in the active language."""
        schema: dict[str, Any] = {"type": self.json_type, "x-kind": self.kind}
        if self.label:
            schema["title"] = str(self.label)
        if self.help_text:
            schema["description"] = str(self.help_text)
        if not is_empty(self.default):
            schema["default"] = self.default
        return schema | self.limits()

    def limits(self) -> dict[str, Any]:
        """Return what the schema says beyond type and texts."""
        return {}


def is_empty(value: Any) -> bool:
    """Return whether a value counts as not given."""
    return value is None or value == "" or value in ([], (), {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Parameter):
    """A text in one line."""

    longest: int = 256
    kind: ClassVar[str] = "text"

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Unfit(_("Give it a text."))
        if len(value) > self.longest:
            raise Unfit(
                _("Give it at most %(limit)d characters.") % {"limit": self.longest}
            )
        if "\x00" in value:
            raise Unfit(_("Take out the null character."))
        if self.is_one_line and ("\n" in value or "\r" in value):
            raise Unfit(_("Write it in one line."))
        return self.checked(value)

    @property
    def is_one_line(self) -> bool:
        """Return whether a line break is a fault."""
        return True

    def checked(self, text: str) -> str:
        """Return the text; raises Unfit for one that this kind cannot take."""
        return text

    def limits(self) -> dict[str, Any]:
        return {"maxLength": self.longest}


@dataclass(frozen=True, slots=True, kw_only=True)
class LongText(Text):
    """A text in several lines."""

    longest: int = 65_536
    kind: ClassVar[str] = "long_text"

    @property
    def is_one_line(self) -> bool:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Text):
    """A name that transitions and expressions use."""

    longest: int = 64
    kind: ClassVar[str] = "name"

    def checked(self, text: str) -> str:
        if not NAME.fullmatch(text):
            raise Unfit(_("Use up to 64 letters, digits and _, a digit not first."))
        return text

    def limits(self) -> dict[str, Any]:
        return {"pattern": f"^{NAME.pattern}$"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Template(Text):
    """A text in one line with ``{{ … }}`` where variables stand."""

    kind: ClassVar[str] = "template"

    def checked(self, text: str) -> str:
        if fault := conditions.check_template(text):
            raise Unfit(fault)
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTemplate(LongText):
    """A text in several lines with ``{{ … }}`` where variables stand."""

    kind: ClassVar[str] = "long_template"

    def checked(self, text: str) -> str:
        if fault := conditions.check_template(text):
            raise Unfit(fault)
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression(LongText):
    """An expression over variables; its form is checked when it is saved."""

    longest: int = 4_096
    kind: ClassVar[str] = "expression"

    def checked(self, text: str) -> str:
        if fault := conditions.check(text):
            raise Unfit(fault)
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql(LongText):
    """SQL code; values go in by name, as in ``%(total)s``."""

    kind: ClassVar[str] = "sql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Url(Text):
    """An address; behind the host ``{{ … }}`` may stand."""

    longest: int = 2_048
    kind: ClassVar[str] = "url"

    def checked(self, text: str) -> str:
        match = re.match(r"https?://([^/?#\s]+)", text, re.IGNORECASE)
        if match is None:
            raise Unfit(_("Begin it with http:// or https:// and the name of a host."))
        if "@" in match[1] or "{" in match[1] or "\\" in text:
            raise Unfit(
                _("Write the host as it is, without a password and without variables.")
            )
        if fault := conditions.check_template(text):
            raise Unfit(fault)
        return text

    def limits(self) -> dict[str, Any]:
        return {"maxLength": self.longest, "pattern": "^[hH][tT][tT][pP][sS]?://"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Integer(Parameter):
    """A whole number."""

    lowest: int | None = None
    highest: int | None = None
    kind: ClassVar[str] = "integer"
    json_type: ClassVar[str] = "integer"

    def read(self, value: Any) -> int:
        if isinstance(value, bool):
            raise Unfit(_("Give it a whole number."))
        try:
            number = int(value) if isinstance(value, int | str) else None
        except ValueError:
            number = None
        if number is None:
            raise Unfit(_("Give it a whole number."))
        if self.lowest is not None and number < self.lowest:
            raise Unfit(_("Give %(lowest)s or more.") % {"lowest": self.lowest})
        if self.highest is not None and number > self.highest:
            raise Unfit(_("Give %(highest)s or less.") % {"highest": self.highest})
        return number

    def limits(self) -> dict[str, Any]:
        found = {"minimum": self.lowest, "maximum": self.highest}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Parameter):
    """A number."""

    kind: ClassVar[str] = "number"
    json_type: ClassVar[str] = "number"

    def read(self, value: Any) -> float:
        try:
            number = float(value) if not isinstance(value, bool) else None
        except (TypeError, ValueError):
            number = None
        if number is None or number - number != 0:  # neither infinite nor NaN
            raise Unfit(_("Give it a number."))
        return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Boolean(Parameter):
    """Yes or no."""

    default: Any = False
    kind: ClassVar[str] = "boolean"
    json_type: ClassVar[str] = "boolean"

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Unfit(_("Give it true or false."))
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Parameter):
    """One of a few values, each with its label."""

    choices: tuple[tuple[str, Words], ...] = ()
    kind: ClassVar[str] = "choice"

    def read(self, value: Any) -> str:
        known = [name for name, _label in self.choices]
        if value not in known:
            raise Unfit(_("Use one of %(known)s.") % {"known": ", ".join(known)})
        return value

    def limits(self) -> dict[str, Any]:
        return {
            "enum": [name for name, _label in self.choices],
            "x-labels": {name: str(label) for name, label in self.choices},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration(Parameter):
    """A length of time; a bare number counts ``unit_seconds``. Stored as ISO 8601."""

    unit_seconds: int = 1
    kind: ClassVar[str] = "duration"

    def read(self, value: Any) -> Any:
        return self.span(value).iso

    def span(self, value: Any) -> Span:
        """Return the span that a given or stored value stands for; raises Unfit."""
        try:
            return Span.read(value, unit_seconds=self.unit_seconds)
        except ValueError as error:
            raise Unfit(
                _("Write it like 90s, 1h30m, 2d or 3mo: m is minutes, mo is months.")
            ) from error

    def limits(self) -> dict[str, Any]:
        return {"format": "duration"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds(Duration):
    """A length of time, stored as whole seconds."""

    lowest: int = 0
    kind: ClassVar[str] = "seconds"
    json_type: ClassVar[str] = "integer"

    def read(self, value: Any) -> int:
        span = self.span(value)
        if span.months or span.seconds < self.lowest:
            raise Unfit(
                _("Give at least %(lowest)s seconds, without months.")
                % {"lowest": self.lowest}
            )
        return span.seconds

    def limits(self) -> dict[str, Any]:
        return {"minimum": self.lowest}


@dataclass(frozen=True, slots=True, kw_only=True)
class Day(Parameter):
    """A date."""

    kind: ClassVar[str] = "date"

    def read(self, value: Any) -> str:
        try:
            return date.fromisoformat(str(value)).isoformat()
        except ValueError as error:
            raise Unfit(_("Write the date like 2026-12-31.")) from error

    def limits(self) -> dict[str, Any]:
        return {"format": "date"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Parameter):
    """Any JSON."""

    kind: ClassVar[str] = "document"
    json_type: ClassVar[str] = ""

    def read(self, value: Any) -> Any:
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise Unfit(_("Give it a JSON document.")) from error
        return value

    def as_schema(self) -> dict[str, Any]:
        # Without a type every JSON value is accepted.
        schema = Parameter.as_schema(self)
        del schema["type"]
        return schema


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePlan(Parameter):
    """When something happens, in the stored shape of a schedule."""

    kind: ClassVar[str] = "schedule"
    json_type: ClassVar[str] = "object"

    def validate(self, value: Any) -> tuple[Any, list[Fault]]:
        if value is not None and not isinstance(value, Mapping):
            return value, [Fault(self.name, _("Give an object."))]
        try:
            Schedule.parse(value or {})
        except ScheduleError as error:
            return value, [
                Fault(f"{self.name}.{fault.field}", fault.message)
                for fault in error.faults
            ]
        return value, []
