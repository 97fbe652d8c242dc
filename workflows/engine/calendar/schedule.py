"""The schedule of a scheduler activity as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from workflows.engine.calendar.days import firing_days
from workflows.engine.calendar.durations import format_duration
from workflows.engine.calendar.faults import ScheduleError
from workflows.engine.calendar.parsing import (
    expires_unfired_fault,
    never_fires_fault,
    read_fields,
)
from workflows.engine.calendar.terms import (
    ANCHOR_DAY,
    DAY_SECONDS,
    ExpiryType,
    Kind,
    Last,
    Policy,
)
from workflows.engine.calendar.values import NEVER, Expiry, Ordinal, YearDay
from workflows.engine.calendar.zones import DEFAULT

_MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a scheduler activity fires; immutable, hashable, free of any zone data.

    Make one with :meth:`parse`, which validates; the plain constructor trusts its
    caller. Times are local to the zone that ``zones.resolve_zone`` finds for
    ``tz``. Sequences are sorted and without repetition.
    """

    kind: Kind
    times: tuple[time, ...] = ()
    every_seconds: int | None = None
    from_time: time = _MIDNIGHT
    until_time: time | None = None
    interval: int = 1
    weekdays: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    month_days: tuple[int | Last, ...] = ()
    ordinals: tuple[Ordinal, ...] = ()
    year_days: tuple[YearDay, ...] = ()
    start_date: date | None = None
    expiry: Expiry = NEVER
    tz: str = DEFAULT
    misfire: Policy = Policy.FIRE_ONCE
    on_resume: Policy | None = None
    max_lateness_seconds: int | None = None
    jitter_seconds: int = 0

    @classmethod
    def parse(
        cls, data: Mapping[str, Any], *, minimum_seconds: int | None = None
    ) -> Schedule:
        """Return the schedule that ``data`` (stored shape) describes.

        ``minimum_seconds`` is the shortest allowed time between two firings of a
        day, for workflows made by users. Raises ``ScheduleError`` with every
        fault at once.
        """
        schedule = cls(**read_fields(data, minimum_seconds=minimum_seconds))
        first_day = next(firing_days(schedule, ANCHOR_DAY), None)
        if first_day is None:
            raise ScheduleError([never_fires_fault(schedule.kind)])
        last_day = schedule.expiry.last_day
        if last_day is not None and first_day > last_day:
            raise ScheduleError([expires_unfired_fault(first_day)])
        return schedule

    @property
    def is_periodic(self) -> bool:
        """Tell whether firings are stepped by a duration, not set by the clock."""
        return self.every_seconds is not None

    @property
    def is_long_period(self) -> bool:
        """Tell whether the period is a day or longer, so that no day starts anew."""
        return self.every_seconds is not None and self.every_seconds >= DAY_SECONDS

    @property
    def resume_policy(self) -> Policy:
        """Return the policy for instants that passed while the workflow was paused."""
        return self.on_resume or self.misfire

    def firings_left(self, count_so_far: int) -> int | None:
        """Return how many firings remain after ``count_so_far``; None = no limit."""
        if self.expiry.count is None:
            return None
        return max(0, self.expiry.count - count_so_far)

    def as_dict(self) -> dict[str, Any]:
        """Return the stored shape, canonical and with the relevant keys only."""
        data: dict[str, Any] = {"kind": self.kind.value}
        if self.every_seconds is not None:
            data["every"] = format_duration(self.every_seconds)
            data["from"] = format_time(self.from_time)
            if self.until_time is not None:
                data["until"] = format_time(self.until_time)
        elif self.kind is Kind.SEVERAL_TIMES_A_DAY or len(self.times) > 1:
            data["times"] = [format_time(item) for item in self.times]
        else:
            data["time"] = format_time(self.times[0])
        if self.kind in (Kind.DAILY, Kind.WEEKLY, Kind.MONTHLY):
            data["interval"] = self.interval
        for name in ("weekdays", "months", "month_days"):
            if values := getattr(self, name):
                data[name] = list(values)
        if self.ordinals:
            data["ordinals"] = [
                {"nth": item.nth, "weekday": item.weekday} for item in self.ordinals
            ]
        if self.year_days:
            data["year_days"] = [
                {"month": item.month, "day": item.day} for item in self.year_days
            ]
        if self.start_date is not None:
            data["start_date"] = self.start_date.isoformat()
        if self.kind is not Kind.ONCE:
            data["expiry"] = _expiry_as_dict(self.expiry)
        data["tz"] = self.tz
        data["misfire"] = self.misfire.value
        if self.on_resume is not None:
            data["on_resume"] = self.on_resume.value
        if self.max_lateness_seconds is not None:
            data["max_lateness"] = format_duration(self.max_lateness_seconds)
        if self.jitter_seconds:
            data["jitter"] = format_duration(self.jitter_seconds)
        return data


def format_time(value: time) -> str:
    """Return ``HH:MM``, or ``HH:MM:SS`` when there are seconds."""
    return value.strftime("%H:%M:%S" if value.second else "%H:%M")


def _expiry_as_dict(expiry: Expiry) -> dict[str, Any]:
    if expiry.count is not None:
        return {"type": ExpiryType.COUNT.value, "value": expiry.count}
    if expiry.last_day is not None:
        return {"type": ExpiryType.DATE.value, "value": expiry.last_day.isoformat()}
    return {"type": ExpiryType.NEVER.value}
