"""What a schedule does on the days on which its clocks change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from workflows.engine.calendar.instants import (
    ZoneChange,
    missed,
    next_after,
    to_instant,
    wall_seconds,
    zone_changes,
)
from workflows.engine.calendar.schedule import Schedule

_ONE_DAY: Final = timedelta(days=1)
_ONE_SECOND: Final = timedelta(seconds=1)
_MIDNIGHT: Final = time(0)
_LISTED: Final = 200


class OnChange(StrEnum):
    """What a change of the clocks does to a schedule."""

    NOT_THAT_DAY = "not_that_day"
    """It has no instant on that day."""
    NOTHING = "nothing"
    """Every run of that day is at its usual time."""
    MOVED = "moved"
    """A time that does not exist fires at the first instant after the gap."""
    FIRST_OF_TWO = "first_of_two"
    """A time that exists twice fires the first time only."""
    SLOTS = "slots"
    """A repetition has more or fewer slots than on other days."""
    SHIFTED = "shifted"
    """A period of a day or longer: the local time differs from then on."""


@dataclass(frozen=True, slots=True)
class MovedTime:
    """A time of day on the day of a change, and the instant at which it fires."""

    at: time
    instant: datetime


@dataclass(frozen=True, slots=True)
class ChangeEffect:
    """One clock change, and what it does to one schedule.

    ``times`` are those that are moved or come twice, ``runs`` how often the schedule
    fires on that local day, ``usual_runs`` how often it would without the change.
    ``before`` and ``after`` are the firings around it for a long period.
    """

    change: ZoneChange
    day: date
    effect: OnChange
    times: tuple[MovedTime, ...] = ()
    runs: int = 0
    usual_runs: int = 0
    before: datetime | None = None
    after: datetime | None = None

    @property
    def is_forward(self) -> bool:
        """Tell whether the clocks jump forward."""
        return self.change.after > self.change.before


def change_effects(
    schedule: Schedule, after: datetime, count: int = 2, *, zone: ZoneInfo
) -> list[ChangeEffect]:
    """Return the next clock changes of ``zone`` and what each does to the schedule.

    An expiry by number of firings plays no part; one by date does.
    """
    return [
        _effect(schedule, change, zone) for change in zone_changes(zone, after, count)
    ]


def _effect(schedule: Schedule, change: ZoneChange, zone: ZoneInfo) -> ChangeEffect:
    # A jump at midnight belongs to the day that it begins, or repeats the end of.
    first = change.instant if change.after > change.before else _before(change)
    day = first.astimezone(zone).date()
    low = to_instant(wall_seconds(zone, day, _MIDNIGHT))
    high = to_instant(wall_seconds(zone, day + _ONE_DAY, _MIDNIGHT))
    found = missed(
        schedule, low - _ONE_SECOND, high - _ONE_SECOND, zone=zone, limit=_LISTED
    )
    usual = _usual_runs(schedule, day)
    if schedule.is_long_period:
        return _of_long_period(schedule, change, day, zone)
    if not found.count and not usual:
        return ChangeEffect(change, day, OnChange.NOT_THAT_DAY)
    if schedule.is_periodic:
        effect = OnChange.NOTHING if found.count == usual else OnChange.SLOTS
        return ChangeEffect(change, day, effect, (), found.count, usual)
    is_fired = set(found.instants)
    touched = tuple(
        MovedTime(at, instant)
        for at, instant in _touched(schedule, day, zone)
        if instant in is_fired or instant == high
    )
    effect = OnChange.NOTHING
    if touched:
        effect = (
            OnChange.MOVED if change.after > change.before else OnChange.FIRST_OF_TWO
        )
    return ChangeEffect(change, day, effect, touched, found.count, usual)


def _before(change: ZoneChange) -> datetime:
    return change.instant - _ONE_SECOND


def _usual_runs(schedule: Schedule, day: date) -> int:
    """Return how often the schedule would fire on ``day`` if no clock changed."""
    low = datetime.combine(day, _MIDNIGHT, tzinfo=UTC)
    return missed(
        schedule,
        low - _ONE_SECOND,
        low + _ONE_DAY - _ONE_SECOND,
        zone=ZoneInfo("UTC"),
        limit=0,
    ).count


def _touched(
    schedule: Schedule, day: date, zone: ZoneInfo
) -> Iterator[tuple[time, datetime]]:
    """Yield the times of day that do not exist on ``day``, or exist twice."""
    for at in schedule.times:
        wall = datetime.combine(day, at, tzinfo=zone)
        if wall.utcoffset() != wall.replace(fold=1).utcoffset():
            yield at, to_instant(wall_seconds(zone, day, at))


def _of_long_period(
    schedule: Schedule, change: ZoneChange, day: date, zone: ZoneInfo
) -> ChangeEffect:
    every = timedelta(seconds=schedule.every_seconds or 0)
    later = next_after(schedule, _before(change), zone=zone)
    if later is None:
        return ChangeEffect(change, day, OnChange.NOT_THAT_DAY)
    earlier = next_after(schedule, later - every - _ONE_SECOND, zone=zone)
    if earlier is None or earlier >= later:
        return ChangeEffect(change, day, OnChange.NOTHING, after=later)
    is_same = earlier.astimezone(zone).time() == later.astimezone(zone).time()
    effect = OnChange.NOTHING if is_same else OnChange.SHIFTED
    return ChangeEffect(change, day, effect, before=earlier, after=later)
