"""Spans of time as activities take them: months and years beside exact durations."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from workflows.engine.calendar import format_duration, parse_duration

_ISO = re.compile(
    r"P(?:(?P<y>\d{1,3})Y)?(?:(?P<m>\d{1,4})M)?(?P<rest>.*)", re.IGNORECASE
)
_SHORT = re.compile(
    r"(?:(?P<y>\d{1,3})\s*y)?\s*(?:(?P<m>\d{1,4})\s*mo)?\s*(?P<rest>.*)", re.IGNORECASE
)
_DAY = 86_400
LONGEST_SECONDS = 3_650 * _DAY


@dataclass(frozen=True, slots=True)
class Span:
    """Calendar months, then exact seconds."""

    months: int
    seconds: int

    @classmethod
    def read(cls, value: object, *, unit_seconds: int = 1) -> Self:
        """Return the span of ``90s``, ``1h30m``, ``2d``, ``3mo``, ``1y`` or ``P1M``.

        ``m`` is minutes, ``mo`` months; a bare number counts ``unit_seconds``. Raises
        ValueError for anything else.
        """
        if isinstance(value, str) and not value.strip().isdigit():
            months, rest = _split(value.strip())
            return cls._sound(months, parse_duration(rest) if rest else 0)
        if isinstance(value, timedelta):
            return cls._sound(0, parse_duration(value))
        return cls._sound(0, parse_duration(value) * unit_seconds)

    @classmethod
    def _sound(cls, months: int, seconds: int) -> Self:
        if months > 1_200 or seconds > LONGEST_SECONDS:
            raise ValueError(months, seconds)
        return cls(months, seconds)

    def after(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """Return the instant that lies this span after ``instant``.

        Months are counted in ``zone``; a day that a month lacks is its last one.
        """
        moved = instant
        if self.months:
            local = instant.astimezone(zone)
            year, month = divmod(local.year * 12 + local.month - 1 + self.months, 12)
            last = calendar.monthrange(year, month + 1)[1]
            moved = local.replace(
                year=year, month=month + 1, day=min(local.day, last)
            ).astimezone(instant.tzinfo)
        return moved + timedelta(seconds=self.seconds)

    @property
    def iso(self) -> str:
        """Return the canonical ISO 8601 form, such as ``P1MT12H`` or ``PT90S``."""
        if not self.months:
            return format_duration(self.seconds)
        years, months = divmod(self.months, 12)
        head = "P" + (f"{years}Y" if years else "") + (f"{months}M" if months else "")
        return head + (format_duration(self.seconds)[1:] if self.seconds else "")

    @property
    def shown(self) -> str:
        """Return the form that is read most easily, such as ``1m 30s``."""
        years, months = divmod(self.months, 12)
        days, rest = divmod(self.seconds, _DAY)
        hours, rest = divmod(rest, 3_600)
        minutes, seconds = divmod(rest, 60)
        parts = (
            (years, "y"),
            (months, "mo"),
            (days, "d"),
            (hours, "h"),
            (minutes, "m"),
            (seconds, "s"),
        )
        return " ".join(f"{n}{unit}" for n, unit in parts if n) or "0s"


def _split(text: str) -> tuple[int, str]:
    """Return the months of a text, and what is left of it."""
    is_iso = text[:1].upper() == "P"
    match = (_ISO if is_iso else _SHORT).fullmatch(text)
    if match is None:
        raise ValueError(text)
    months = int(match["y"] or 0) * 12 + int(match["m"] or 0)
    if is_iso and months:
        return months, f"P{match['rest']}" if match["rest"] else ""
    return months, match["rest"] if months else text
