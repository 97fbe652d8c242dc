"""A second calendar, for the tests only: slow, plain, and knowing nothing of ours.

It walks every real minute of some years, reads the wall clock of a zone in each,
and notes the minute in which the clock first shows or jumps over a wall minute.
So a wall minute that does not exist is reached in the first minute after the gap,
and one that exists twice is reached the first time. What fires is then decided
from the stored shape of a schedule alone. Whole minutes only.
"""

from __future__ import annotations

import json
from array import array
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

FIRST = date(2026, 1, 1)
LAST = date(2030, 12, 31)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2031, 1, 1, tzinfo=UTC)

_DAY = 1440
_EPOCH = date(1970, 1, 1)
_MARGIN = 40


class Walk:
    """The wall clock of one zone in every real minute from one day to another."""

    def __init__(self, zone: str, first: date, last: date) -> None:
        self.zone = ZoneInfo(zone)
        self.first = (first - _EPOCH).days * _DAY
        self.minutes = ((last - first).days + 1) * _DAY
        self.shown = array("q")
        """The wall minute shown in each real minute, both since 1970."""
        for hour in range(self.first, self.first + self.minutes, 60):
            self.shown.extend(self._hour(hour))
        self.first_wall = self.shown[0]
        self.reached = array("q")
        """The real minute in which each wall minute is first shown or jumped over."""
        self.jumps: list[int] = []
        """The real minutes in which the clock does not show the next wall minute."""
        before = reached = self.first_wall - 1
        for minute, wall in enumerate(self.shown, self.first):
            if wall != before + 1:
                self.jumps.append(minute)
            before = wall
            while reached < wall:
                self.reached.append(minute)
                reached += 1

    def at(self, day: date, minute: int) -> int:
        """Return the real minute in which a wall minute of ``day`` is reached."""
        wall = (day - _EPOCH).days * _DAY + minute
        return self.reached[wall - self.first_wall]

    def day_shown(self, minute: int) -> date:
        """Return the date that the wall clock shows in a real minute."""
        return _EPOCH + timedelta(days=self.shown[minute - self.first] // _DAY)

    def _hour(self, start: int) -> list[int]:
        if self._wall(start + 60) - self._wall(start) == 60:
            return list(range(self._wall(start), self._wall(start) + 60))
        return [self._wall(minute) for minute in range(start, start + 60)]

    def _wall(self, minute: int) -> int:
        shown = datetime.fromtimestamp(minute * 60, self.zone)
        days = (shown.date() - _EPOCH).days
        return days * _DAY + shown.hour * 60 + shown.minute


@cache
def walk(zone: str) -> Walk:
    """Return the walk through all the years that are compared, and a little more."""
    margin = timedelta(days=_MARGIN)
    return Walk(zone, FIRST - margin, LAST + margin)


def firings(spec: dict[str, Any], zone: str) -> list[datetime]:
    """Return every instant from 2026 to 2030 (UTC) at which ``spec`` fires."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    minutes = _kept_minutes(json.dumps(spec), zone)
    instants = [epoch + timedelta(minutes=item) for item in minutes]
    return [item for item in instants if BEGIN <= item < END]


@cache
def _kept_minutes(text: str, zone: str) -> array[int]:
    spec = json.loads(text)
    clock = walk(zone)
    minutes = sorted(set(_minutes(spec, zone)))
    expiry = spec.get("expiry", {"type": "never"})
    if expiry["type"] == "date":
        last = date.fromisoformat(expiry["value"])
        minutes = [item for item in minutes if clock.day_shown(item) <= last]
    if expiry["type"] == "count":
        minutes = minutes[: expiry["value"]]
    return array("q", minutes)


def is_firing_day(spec: dict[str, Any], day: date) -> bool:
    """Tell whether a schedule plans something on a local day."""
    start = _start(spec)
    every = spec.get("interval", 1) or 1
    if day < start:
        return False
    match spec["kind"]:
        case "once":
            return day == start
        case "daily":
            return (day - start).days % every == 0
        case "weekly":
            monday = start - timedelta(days=start.weekday())
            weeks = (day - monday).days // 7
            return weeks % every == 0 and day.isoweekday() in spec["weekdays"]
        case "monthly":
            months = (day.year - start.year) * 12 + day.month - start.month
            if day.month not in (spec.get("months") or range(1, 13)):
                return False
            return months % every == 0 and _is_day_of_month(spec, day)
        case "yearly":
            return {"month": day.month, "day": day.day} in spec["year_days"]
    return True


def _is_day_of_month(spec: dict[str, Any], day: date) -> bool:
    is_last_day = day.day == monthrange(day.year, day.month)[1]
    for wanted in spec.get("month_days", ()):
        if wanted == day.day or (wanted == "last" and is_last_day):
            return True
    for ordinal in spec.get("ordinals", ()):
        if ordinal["weekday"] != day.isoweekday():
            continue
        is_last = (day + timedelta(days=7)).month != day.month
        nth = sum(
            date(day.year, day.month, number).isoweekday() == day.isoweekday()
            for number in range(1, day.day + 1)
        )
        if ordinal["nth"] == nth or (ordinal["nth"] == "last" and is_last):
            return True
    return False


def _minutes(spec: dict[str, Any], zone: str) -> Iterator[int]:
    if "every" in spec:
        yield from _periodic(spec, zone)
        return
    clock = walk(zone)
    times = spec.get("times") or [spec["time"]]
    for day in _days():
        if is_firing_day(spec, day):
            for text in times:
                yield clock.at(day, _minute(text))


def _periodic(spec: dict[str, Any], zone: str) -> Iterator[int]:
    every = _length(spec["every"])
    start, begin = _start(spec), _minute(spec.get("from", "00:00"))
    clock = walk(zone)
    if every >= _DAY:
        near = timedelta(days=2)
        minute = Walk(zone, start - near, start + near).at(start, begin)
        while minute < clock.first + clock.minutes:
            if minute >= clock.first:
                yield minute
            minute += every
        return
    end = _minute(spec.get("until", "00:00"))
    for day in _days():
        if day >= start:
            last = day if end > begin else day + timedelta(days=1)
            minute, until = clock.at(day, begin), clock.at(last, end)
            while minute <= until:
                yield minute
                minute += every


def _days() -> Iterator[date]:
    day = FIRST - timedelta(days=_MARGIN - 2)
    while day < LAST + timedelta(days=_MARGIN - 2):
        yield day
        day += timedelta(days=1)


def _start(spec: dict[str, Any]) -> date:
    """Return the start date; without one, N days or weeks count from 1970."""
    return date.fromisoformat(spec.get("start_date") or spec.get("date", "1970-01-01"))


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _length(text: str) -> int:
    """Return the minutes of a duration such as P2D, P1DT6H, PT2H or PT1H30M."""
    days, _t, clock = text.removeprefix("P").partition("T")
    hours, _h, minutes = clock.rpartition("H")
    total = int(days.removesuffix("D") or 0) * _DAY + int(hours or 0) * 60
    return total + int(minutes.removesuffix("M") or 0)
