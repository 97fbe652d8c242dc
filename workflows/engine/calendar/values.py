"""Small values that a schedule is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from workflows.engine.calendar.terms import ExpiryType, Last


@dataclass(frozen=True, slots=True)
class Ordinal:
    """A weekday counted within its month, such as the second Tuesday."""

    nth: int | Last
    weekday: int


@dataclass(frozen=True, slots=True, order=True)
class YearDay:
    """A day of the year; 29 February exists in leap years only."""

    month: int
    day: int


@dataclass(frozen=True, slots=True)
class Expiry:
    """The end of a schedule: none, a number of firings, or a last local day.

    ``last_day`` is the last day on which the schedule may fire. ``count`` counts
    firings that really happened, not planned ones (our choice).
    """

    count: int | None = None
    last_day: date | None = None

    @property
    def type(self) -> ExpiryType:
        """Return which of the three ends this is."""
        if self.count is not None:
            return ExpiryType.COUNT
        return ExpiryType.NEVER if self.last_day is None else ExpiryType.DATE


NEVER: Final = Expiry()
"""The expiry of a schedule without an end."""
