"""Read typed values out of loose data, collecting every fault on the way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from workflows.engine.calendar.durations import format_duration, parse_duration
from workflows.engine.calendar.terms import NamedFault

_Choice = TypeVar("_Choice", bound=StrEnum)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1970, 2999


class FieldReader:
    """A mapping whose values are read by type; what cannot be read is a fault.

    A field is *given* unless it is absent, ``None`` or empty. Readers return
    ``None`` (or an empty tuple) both for what is not given and for what is wrong;
    ``faults`` tells them apart.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.faults: list[NamedFault] = []

    def fault(self, field: str, message: str) -> None:
        """Add one fault to the list."""
        self.faults.append((field, message))

    def given(self, field: str) -> bool:
        """Tell whether ``field`` holds a value."""
        value = self.data.get(field)
        return value is not None and value not in ("", [], (), {})

    def require(self, field: str) -> bool:
        """Tell whether ``field`` is given; its absence is a fault."""
        if self.given(field):
            return True
        if not self.has_fault(field):
            self.fault(field, _("This field is required; give it a value."))
        return False

    def has_fault(self, field: str) -> bool:
        """Tell whether ``field`` has a fault already."""
        return any(name == field for name, _text in self.faults)

    def text(self, field: str) -> str:
        """Return a text, empty when it is not given."""
        value = self.data.get(field)
        if not self.given(field):
            return ""
        if isinstance(value, str):
            return value.strip()
        self.fault(field, _("This is not a text; write it between quotes."))
        return ""

    def choice(self, field: str, choices: type[_Choice]) -> _Choice | None:
        """Return the member of ``choices`` with the given value."""
        if not self.given(field):
            return None
        value = self.data[field]
        try:
            return choices(value)
        except ValueError:
            self.fault(
                field,
                _("“%(value)s” is not possible here; choose one of: %(choices)s.")
                % {"value": _short(value), "choices": ", ".join(choices)},
            )
            return None

    def number(self, field: str, low: int, high: int) -> int | None:
        """Return a whole number between ``low`` and ``high``."""
        if not self.given(field):
            return None
        return self._number(field, self.data[field], low, high)

    def numbers(self, field: str, low: int, high: int) -> tuple[int, ...]:
        """Return a list of whole numbers, sorted and without repetition."""
        found = [self._number(field, item, low, high) for item in self.items(field)]
        return tuple(sorted({item for item in found if item is not None}))

    def items(self, field: str) -> Iterable[Any]:
        """Return the elements of a list; anything but a list is a fault."""
        if not self.given(field):
            return ()
        value = self.data[field]
        if isinstance(value, list | tuple):
            return value
        self.fault(field, _("This is not a list; write the values between [ and ]."))
        return ()

    def mappings(self, field: str, keys: tuple[str, str]) -> list[FieldReader]:
        """Return a reader for each element of a list of two-key objects."""
        readers: list[FieldReader] = []
        for item in self.items(field):
            if isinstance(item, Mapping) and set(item) == set(keys):
                readers.append(FieldReader(item))
                continue
            self.fault(
                field,
                _("Each element is an object with the keys %(first)s and %(second)s.")
                % {"first": keys[0], "second": keys[1]},
            )
        return readers

    def take_faults(self, field: str, reader: FieldReader) -> None:
        """Add the faults of a nested reader as ``field.name``."""
        for name, text in reader.faults:
            self.fault(f"{field}.{name}", text)

    def clock_time(self, field: str) -> time | None:
        """Return a time of day."""
        if not self.given(field):
            return None
        return self._clock_time(field, self.data[field])

    def clock_times(self, field: str) -> tuple[time, ...]:
        """Return a list of times of day, sorted and without repetition."""
        found = [self._clock_time(field, item) for item in self.items(field)]
        return tuple(sorted({item for item in found if item is not None}))

    def day(self, field: str) -> date | None:
        """Return a date."""
        if not self.given(field):
            return None
        value = self.data[field]
        found: date | None = None
        if isinstance(value, date) and not isinstance(value, datetime):
            found = value
        elif isinstance(value, str) and _DATE.fullmatch(value.strip()):
            try:
                found = date.fromisoformat(value.strip())
            except ValueError:
                found = None
        if found is None:
            self.fault(
                field,
                _(
                    "“%(value)s” is not a date of the calendar; write it as"
                    " YYYY-MM-DD, for example 2026-03-29."
                )
                % {"value": _short(value)},
            )
            return None
        if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
            self.fault(
                field,
                _("Choose a date between the years %(first)s and %(last)s.")
                % {"first": _FIRST_YEAR, "last": _LAST_YEAR},
            )
            return None
        return found

    def duration(self, field: str, low: int, high: int) -> int | None:
        """Return a duration in seconds, between ``low`` and ``high``."""
        if not self.given(field):
            return None
        value = self.data[field]
        try:
            seconds = parse_duration(value)
        except ValueError:
            self.fault(
                field,
                _(
                    "“%(value)s” is not a duration; write for example PT15M, 15m,"
                    " 1h30m, or a number of seconds."
                )
                % {"value": _short(value)},
            )
            return None
        if low <= seconds <= high:
            return seconds
        self.fault(
            field,
            _("Choose a duration between %(low)s and %(high)s.")
            % {"low": format_duration(low), "high": format_duration(high)},
        )
        return None

    def _number(self, field: str, value: object, low: int, high: int) -> int | None:
        number: int | None = None
        if isinstance(value, int) and not isinstance(value, bool):
            number = value
        elif isinstance(value, str) and value.isascii() and value.strip().isdigit():
            number = int(value) if len(value) <= 12 else None
        if number is not None and low <= number <= high:
            return number
        self.fault(
            field,
            _("“%(value)s” is not possible; use a whole number %(low)s to %(high)s.")
            % {"value": _short(value), "low": low, "high": high},
        )
        return None

    def _clock_time(self, field: str, value: object) -> time | None:
        if isinstance(value, time) and value.tzinfo is None:
            return value.replace(microsecond=0)
        match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is not None:
            hour, minute, second = (int(part or 0) for part in match.groups())
            if hour < 24 and minute < 60 and second < 60:
                return time(hour, minute, second)
        self.fault(
            field,
            _(
                "“%(value)s” is not a time of day; write HH:MM or HH:MM:SS,"
                " for example 04:00."
            )
            % {"value": _short(value)},
        )
        return None


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"
