"""Blackout windows: times of the week in which no planned run begins.

A window is what the wall clock shows: an instant lies in it when its local time
does. So a clock change needs no rule of its own: an hour that does not exist is in
no window, and an hour that exists twice is in its window both times (our choice).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from workflows.engine.calendar.faults import ScheduleError
from workflows.engine.calendar.instants import (
    change_between,
    second_of_day,
    to_instant,
    to_seconds,
    wall_seconds,
)
from workflows.engine.calendar.reader import FieldReader
from workflows.engine.calendar.schedule import format_time
from workflows.engine.calendar.terms import (
    DAY_SECONDS,
    MAX_BLACKOUT_NAME,
    MAX_BLACKOUTS,
    BlackoutPolicy,
)

_FIELD: Final = "blackouts"
_KEYS: Final = ("name", "weekdays", "from", "until", "policy")
_WEEK_SECONDS: Final = 7 * DAY_SECONDS
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blackout:
    """One window of the week, from ``from_time`` to just before ``until_time``.

    When ``until_time`` is not after ``from_time`` the window ends the next day;
    equal times make a whole day. ``weekdays`` (1 = Monday) are those on which the
    window begins; none means every day.
    """

    name: str
    from_time: time
    until_time: time
    policy: BlackoutPolicy
    weekdays: tuple[int, ...] = ()

    @classmethod
    def parse_all(cls, data: object) -> tuple[Blackout, ...]:
        """Return the windows of a stored list, in its order.

        Raises ``ScheduleError`` with every fault at once, named by position
        (``blackouts.0.from``), also when the windows together leave no time free.
        """
        if data in (None, ""):
            return ()
        reader = FieldReader({_FIELD: data})
        items = list(reader.items(_FIELD))
        if len(items) > MAX_BLACKOUTS:
            text = _("At most %(limit)s windows are possible; join or remove some.")
            reader.fault(_FIELD, text % {"limit": MAX_BLACKOUTS})
            items = []
        found = [_read(reader, position, item) for position, item in enumerate(items)]
        blackouts = tuple(item for item in found if item is not None)
        _refuse_equal_names(reader, found)
        if not reader.faults and _fill_the_week(blackouts):
            text = _(
                "Together these windows leave no time in which a run may begin;"
                " shorten or remove one, or pause the workflow instead."
            )
            reader.fault(_FIELD, text)
        if reader.faults:
            raise ScheduleError(reader.faults)
        return blackouts

    @property
    def is_overnight(self) -> bool:
        """Tell whether the window ends on the day after it began."""
        return self.until_time <= self.from_time

    def covers(self, wall: datetime) -> bool:
        """Tell whether a local time, as the wall clock shows it, is in the window."""
        return self._first_day(wall) is not None

    def begin_and_end(self, wall: datetime) -> tuple[datetime, datetime]:
        """Return the local begin and end of the window around a time it covers."""
        day = self._first_day(wall)
        if day is None:
            raise ValueError(f"{wall} is not in the blackout window {self.name}.")
        last = day + _ONE_DAY if self.is_overnight else day
        return (
            datetime.combine(day, self.from_time, tzinfo=wall.tzinfo),
            datetime.combine(last, self.until_time, tzinfo=wall.tzinfo),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the stored shape."""
        return {
            "name": self.name,
            "weekdays": list(self.weekdays),
            "from": format_time(self.from_time),
            "until": format_time(self.until_time),
            "policy": self.policy.value,
        }

    def _first_day(self, wall: datetime) -> date | None:
        """Return the day on which the window around ``wall`` begins."""
        today, at = wall.date(), wall.time()
        if self.is_overnight:
            if at >= self.from_time and self._begins_on(today):
                return today
            yesterday = today - _ONE_DAY
            if at < self.until_time and self._begins_on(yesterday):
                return yesterday
        elif self.from_time <= at < self.until_time and self._begins_on(today):
            return today
        return None

    def _begins_on(self, day: date) -> bool:
        return not self.weekdays or day.isoweekday() in self.weekdays


@dataclass(frozen=True, slots=True)
class Window:
    """An unbroken stretch of blacked-out time around an instant, in UTC.

    ``blackout`` decides what happens to that instant. ``begins`` is the first
    instant of the stretch, ``ends`` the first one after it: windows that overlap
    or touch make one stretch.
    """

    blackout: Blackout
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """The seconds from ``first`` to ``last``, all of them blacked out or all free."""

    first: datetime
    last: datetime
    is_blacked_out: bool


def covering(
    blackouts: Sequence[Blackout], instant: datetime, *, zone: ZoneInfo
) -> Window | None:
    """Return the stretch of blacked-out time that ``instant`` lies in, if any.

    Where a window that skips and one that defers overlap, the one that skips
    decides; among equals the first of the list (our choice).
    """
    at = to_seconds(instant)
    around = _around(blackouts, at, zone)
    if not around:
        return None
    skipping = (item for item in around if item.policy is BlackoutPolicy.SKIP)
    return Window(
        next(skipping, around[0]),
        to_instant(_beginning(blackouts, at, zone)),
        to_instant(_end(blackouts, at, zone)),
    )


def free_from(
    blackouts: Sequence[Blackout], instant: datetime, zone: ZoneInfo
) -> datetime:
    """Return the first instant, from ``instant`` on, that lies outside all windows.

    It is ``instant`` itself when that is free.
    """
    at = to_seconds(instant)
    if not _around(blackouts, at, zone):
        return instant
    return to_instant(_end(blackouts, at, zone))


def stretches(
    blackouts: Sequence[Blackout], low: datetime, high: datetime, *, zone: ZoneInfo
) -> Iterator[Stretch]:
    """Cut the time from ``low`` to ``high`` where windows begin and end, in order."""
    position, last = to_seconds(low), to_seconds(high)
    while position <= last:
        is_blacked_out = bool(_around(blackouts, position, zone))
        if is_blacked_out:
            following = _end(blackouts, position, zone)
        else:
            following = _next_beginning(blackouts, position, last, zone)
        end = min(following - 1, last)
        yield Stretch(to_instant(position), to_instant(end), is_blacked_out)
        position = following


def _around(
    blackouts: Sequence[Blackout], seconds: int, zone: ZoneInfo
) -> list[Blackout]:
    wall = datetime.fromtimestamp(seconds, zone)
    return [item for item in blackouts if item.covers(wall)]


def _end(blackouts: Sequence[Blackout], seconds: int, zone: ZoneInfo) -> int:
    """Return the first second after a covered one that no window covers."""
    while around := _around(blackouts, seconds, zone):
        wall = datetime.fromtimestamp(seconds, zone).replace(tzinfo=None)
        until = max(item.begin_and_end(wall)[1] for item in around)
        end = seconds + _whole(until - wall)
        # The clock may jump on the way, out of the window or back into it.
        seconds = change_between(zone, seconds, end) or end
    return seconds


def _beginning(blackouts: Sequence[Blackout], seconds: int, zone: ZoneInfo) -> int:
    """Return the first second of the unbroken stretch around a covered one."""
    before = seconds
    while around := _around(blackouts, before, zone):
        wall = datetime.fromtimestamp(before, zone).replace(tzinfo=None)
        begin = min(item.begin_and_end(wall)[0] for item in around)
        start = before - _whole(wall - begin)
        change = change_between(zone, start, before)
        seconds = start if change is None else change
        before = seconds - 1
    return seconds


def _next_beginning(
    blackouts: Sequence[Blackout], seconds: int, last: int, zone: ZoneInfo
) -> int:
    """Return the first covered second after a free one, at most ``last`` + 1."""
    day = datetime.fromtimestamp(seconds, zone).date()
    last_day = datetime.fromtimestamp(last, zone).date()
    while day <= last_day:
        for begin in _beginnings(blackouts, day, zone):
            if seconds < begin <= last and _around(blackouts, begin, zone):
                return begin
        day += _ONE_DAY
    return last + 1


def _beginnings(blackouts: Sequence[Blackout], day: date, zone: ZoneInfo) -> list[int]:
    """Return, in order, the seconds of a local day at which a window may begin."""
    found = {wall_seconds(zone, day, item.from_time) for item in blackouts}
    for item in blackouts:
        again = datetime.combine(day, item.from_time, tzinfo=zone).replace(fold=1)
        found.add(to_seconds(again))
    # The clock may jump into a window as well.
    midnight = wall_seconds(zone, day, time(0))
    jump = change_between(zone, midnight, wall_seconds(zone, day + _ONE_DAY, time(0)))
    return sorted(found if jump is None else {*found, jump})


def _whole(distance: timedelta) -> int:
    return distance.days * DAY_SECONDS + distance.seconds


def _read(reader: FieldReader, position: int, item: object) -> Blackout | None:
    """Return one window, or ``None`` after adding its faults to ``reader``."""
    field = f"{_FIELD}.{position}"
    if not isinstance(item, Mapping):
        text = _("A window is an object with the keys %(keys)s; give one.")
        reader.fault(field, text % {"keys": ", ".join(_KEYS)})
        return None
    inner = FieldReader(item)
    for key in item:
        if key not in _KEYS:
            text = _("There is no such field; remove it. Known fields: %(fields)s.")
            inner.fault(str(key), text % {"fields": ", ".join(_KEYS)})
    name = inner.text("name")
    if not inner.has_fault("name") and inner.require("name"):
        _check_name(inner, name)
    begin = inner.clock_time("from") if inner.require("from") else None
    until = inner.clock_time("until") if inner.require("until") else None
    policy = inner.choice("policy", BlackoutPolicy) if inner.require("policy") else None
    weekdays = inner.numbers("weekdays", 1, 7)
    reader.take_faults(field, inner)
    if inner.faults or begin is None or until is None or policy is None:
        return None
    return Blackout(
        name=name,
        from_time=begin,
        until_time=until,
        policy=policy,
        # All seven mean the same as none: one canonical form.
        weekdays=() if len(weekdays) == 7 else weekdays,
    )


def _check_name(reader: FieldReader, name: str) -> None:
    if not name:
        reader.fault("name", _("Give the window a name; the journal will show it."))
    elif len(name) > MAX_BLACKOUT_NAME:
        text = _("Choose a name of at most %(limit)s characters.")
        reader.fault("name", text % {"limit": MAX_BLACKOUT_NAME})


def _refuse_equal_names(reader: FieldReader, found: Iterable[Blackout | None]) -> None:
    seen: set[str] = set()
    for position, blackout in enumerate(found):
        if blackout is None:
            continue
        if blackout.name in seen:
            text = _("Another window is called “%(name)s”; choose another name.")
            reader.fault(f"{_FIELD}.{position}.name", text % {"name": blackout.name})
        seen.add(blackout.name)


def _fill_the_week(blackouts: Iterable[Blackout]) -> bool:
    """Tell whether the windows leave no second of an ordinary week free."""
    reached = 0
    for begin, end in sorted(
        stretch for blackout in blackouts for stretch in _of_the_week(blackout)
    ):
        if begin > reached:
            return False
        reached = max(reached, end)
    return reached >= _WEEK_SECONDS


def _of_the_week(blackout: Blackout) -> Iterator[tuple[int, int]]:
    """Yield the stretches of one window in seconds since Monday at midnight."""
    for weekday in blackout.weekdays or range(1, 8):
        midnight = (weekday - 1) * DAY_SECONDS
        begin = midnight + second_of_day(blackout.from_time)
        end = midnight + second_of_day(blackout.until_time)
        if blackout.is_overnight:
            end += DAY_SECONDS
        yield begin, end
        if end > _WEEK_SECONDS:
            yield 0, end - _WEEK_SECONDS
