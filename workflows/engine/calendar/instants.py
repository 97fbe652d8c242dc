"""From local days and times to instants: the one answer to "when is it due?".

Instants are handled as whole UTC seconds inside this module. A schedule becomes a
sequence of *segments*, ascending sequences of such seconds, one per firing day; a
periodic day is a plain ``range``, so that counting a million slots costs nothing.

Clock changes (our choice, the documentation is silent): a local time that does not
exist fires at the first instant after the gap; one that exists twice fires on the
first. Periodic slots are stepped in elapsed time from the day's first one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import Final, overload
from zoneinfo import ZoneInfo

from workflows.engine.calendar.days import firing_days
from workflows.engine.calendar.schedule import Schedule
from workflows.engine.calendar.terms import (
    ANCHOR_DAY,
    DAY_SECONDS,
    LAST_DAY,
    Kind,
    Mark,
)
from workflows.engine.calendar.values import NEVER

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_FIRST: Final = -DAY_SECONDS
_LAST: Final = (LAST_DAY.toordinal() - _EPOCH_ORDINAL) * DAY_SECONDS
_ONE_DAY: Final = timedelta(days=1)
_MIDNIGHT: Final = time(0)


@dataclass(frozen=True, slots=True)
class Missed:
    """Planned instants of a stretch of time: how many, and the oldest of them."""

    count: int
    first: datetime | None
    last: datetime | None
    instants: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """One line of the preview of next executions."""

    instant: datetime
    mark: Mark


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """An instant at which a zone's clocks jump, with its offsets around it."""

    instant: datetime
    before: timedelta
    after: timedelta


class _WallDay(Sequence[int]):
    """The fixed times of one local day, converted only when they are looked at."""

    __slots__ = ("_day", "_times", "_zone")

    def __init__(self, zone: ZoneInfo, day: date, times: tuple[time, ...]) -> None:
        self._zone = zone
        self._day = day
        self._times = times

    def __len__(self) -> int:
        return len(self._times)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> _WallDay: ...
    def __getitem__(self, index: int | slice) -> int | _WallDay:
        if isinstance(index, slice):
            return _WallDay(self._zone, self._day, self._times[index])
        return wall_seconds(self._zone, self._day, self._times[index])


def next_after(
    schedule: Schedule,
    instant: datetime,
    count_so_far: int = 0,
    *,
    zone: ZoneInfo,
) -> datetime | None:
    """Return the first firing strictly after ``instant``, in UTC, or ``None``.

    ``count_so_far`` is the number of firings that happened already; it matters
    only to a schedule that expires after N. ``None`` means that the schedule has
    ended. Same arguments, same answer; costs some tens of microseconds.
    """
    if schedule.firings_left(count_so_far) == 0:
        return None
    found = next(_seconds_after(schedule, to_seconds(instant), zone), None)
    return None if found is None else to_instant(found)


def occurrences(
    schedule: Schedule,
    after: datetime,
    count: int,
    *,
    zone: ZoneInfo,
    count_so_far: int = 0,
) -> list[datetime]:
    """Return the next ``count`` firings strictly after ``after``, fewer at the end."""
    left = schedule.firings_left(count_so_far)
    wanted = count if left is None else min(count, left)
    seconds = _seconds_after(schedule, to_seconds(after), zone)
    return [to_instant(item) for item in islice(seconds, max(0, wanted))]


def missed(
    schedule: Schedule,
    after: datetime,
    until: datetime,
    *,
    zone: ZoneInfo,
    limit: int = 24,
) -> Missed:
    """Return the planned instants in ``(after, until]``, listing the oldest ``limit``.

    Counts planned instants, so an expiry by number of firings plays no part.
    Fast for any outage: a periodic day is counted without stepping through it.
    """
    position, end = to_seconds(after), to_seconds(until)
    count = 0
    first: int | None = None
    listed: list[datetime] = []
    for segment in _segments(schedule, position, zone):
        if segment[0] > end:
            break
        low, high = bisect_right(segment, position), bisect_right(segment, end)
        if low >= high:
            continue
        first = segment[low] if first is None else first
        position = segment[high - 1]
        count += high - low
        wanted = min(high, low + limit - len(listed))
        listed.extend(to_instant(item) for item in segment[low:wanted])
    if first is None:
        return Missed(0, None, None, ())
    return Missed(count, to_instant(first), to_instant(position), tuple(listed))


def first_due(
    schedule: Schedule, started_at: datetime, *, zone: ZoneInfo
) -> datetime | None:
    """Return the first instant to plan when a workflow is started.

    A schedule of kind *once* whose instant has passed is still due when it has a
    maximum lateness and lies within it; nothing else looks back (our choice).
    """
    if schedule.kind is Kind.ONCE and schedule.max_lateness_seconds is not None:
        lateness = timedelta(seconds=schedule.max_lateness_seconds)
        return next_after(
            schedule, started_at - lateness - timedelta(seconds=1), zone=zone
        )
    return next_after(schedule, started_at, zone=zone)


def preview(
    schedule: Schedule,
    after: datetime,
    count: int,
    *,
    zone: ZoneInfo,
    count_so_far: int = 0,
) -> list[Preview]:
    """Return the next ``count`` instants, marked where a reader should look twice.

    Instants beyond the expiry are included and marked, so that an operator sees
    what the expiry cuts off.
    """
    real = set(
        occurrences(schedule, after, count, zone=zone, count_so_far=count_so_far)
    )
    endless = replace(schedule, expiry=NEVER)
    return [
        Preview(item, _mark(schedule, item, zone) if item in real else Mark.EXPIRED)
        for item in occurrences(endless, after, count, zone=zone)
    ]


def zone_changes(
    zone: ZoneInfo, after: datetime, count: int = 2, *, days: int = 400
) -> list[ZoneChange]:
    """Return the next clock changes of ``zone`` within ``days`` days."""
    found: list[ZoneChange] = []
    low = to_seconds(after)
    before = _offset_at(zone, low)
    for high in range(low + DAY_SECONDS, low + days * DAY_SECONDS, DAY_SECONDS):
        offset = _offset_at(zone, high)
        if offset != before:
            at = _first_change(zone, high - DAY_SECONDS, high)
            found.append(
                ZoneChange(
                    to_instant(at), timedelta(seconds=before), timedelta(seconds=offset)
                )
            )
            before = offset
        if len(found) >= count:
            break
    return found


def to_seconds(instant: datetime) -> int:
    """Return whole UTC seconds, rounded down and held inside the calendar.

    Raises ``ValueError`` for a datetime without a zone.
    """
    if instant.tzinfo is None:
        raise ValueError("An instant needs a zone; pass an aware datetime.")
    distance = instant - _EPOCH
    return min(max(distance.days * DAY_SECONDS + distance.seconds, _FIRST), _LAST)


def to_instant(seconds: int) -> datetime:
    """Return the aware UTC datetime of whole UTC seconds."""
    return _EPOCH + timedelta(seconds=seconds)


def wall_seconds(zone: ZoneInfo, day: date, at: time) -> int:
    """Return the UTC seconds of a local time, by the rules of clock changes."""
    wall = datetime.combine(day, at, tzinfo=zone)
    early, late = _offset(wall), _offset(wall.replace(fold=1))
    local = (day.toordinal() - _EPOCH_ORDINAL) * DAY_SECONDS + second_of_day(at)
    if early >= late:
        return local - early
    return _first_change(zone, local - late, local - early)


def change_between(zone: ZoneInfo, low: int, high: int) -> int | None:
    """Return the second in ``(low, high]`` at which the clocks of ``zone`` jump.

    Meant for stretches of at most some days, in which clocks jump once.
    """
    if _offset_at(zone, low) == _offset_at(zone, high):
        return None
    return _first_change(zone, low, high)


def _seconds_after(schedule: Schedule, after: int, zone: ZoneInfo) -> Iterator[int]:
    """Yield every planned second strictly after ``after``, each one once."""
    for segment in _segments(schedule, after, zone):
        if segment[-1] > after:
            for index in range(bisect_right(segment, after), len(segment)):
                # Neighbouring days may share an instant: midnight, or a gap.
                if segment[index] > after:
                    after = segment[index]
                    yield after


def _segments(
    schedule: Schedule, after: int, zone: ZoneInfo
) -> Iterator[Sequence[int]]:
    """Yield the non-empty segments that may hold seconds after ``after``, in order."""
    end = _LAST
    last_day = schedule.expiry.last_day
    if last_day is not None and last_day < LAST_DAY:
        end = wall_seconds(zone, last_day + _ONE_DAY, _MIDNIGHT)
    for segment in _unbounded_segments(schedule, after, zone):
        if segment[-1] >= end:
            segment = segment[: bisect_left(segment, end)]
            if segment:
                yield segment
            return
        yield segment


def _unbounded_segments(
    schedule: Schedule, after: int, zone: ZoneInfo
) -> Iterator[Sequence[int]]:
    every = schedule.every_seconds
    if every is not None and schedule.is_long_period:
        anchor = schedule.start_date or ANCHOR_DAY
        yield range(wall_seconds(zone, anchor, schedule.from_time), _LAST + 1, every)
        return
    # The day before as well: a window may end after midnight, a gap may span it.
    today = datetime.fromtimestamp(after, zone).date()
    days = firing_days(schedule, max(today - _ONE_DAY, ANCHOR_DAY))
    if every is None:
        for day in days:
            yield _wall_segment(zone, day, schedule.times)
        return
    start_at, until_at = schedule.from_time, schedule.until_time or _MIDNIGHT
    is_overnight = until_at <= start_at
    for day in days:
        last = day + _ONE_DAY if is_overnight else day
        until = wall_seconds(zone, last, until_at)
        yield range(wall_seconds(zone, day, start_at), until + 1, every)


def _wall_segment(zone: ZoneInfo, day: date, times: tuple[time, ...]) -> Sequence[int]:
    if len(times) == 1:
        return (wall_seconds(zone, day, times[0]),)
    early = _offset(datetime.combine(day, _MIDNIGHT, tzinfo=zone))
    midnight = datetime.combine(day + _ONE_DAY, _MIDNIGHT, tzinfo=zone)
    if early < _offset(midnight.replace(fold=1)):
        # Times inside a gap collapse on one instant, which counts once.
        return tuple(dict.fromkeys(wall_seconds(zone, day, at) for at in times))
    return _WallDay(zone, day, times)


def _mark(schedule: Schedule, instant: datetime, zone: ZoneInfo) -> Mark:
    if schedule.is_periodic:
        return Mark.NONE
    local = instant.astimezone(zone)
    if local.time() not in schedule.times:
        return Mark.MOVED
    if _offset(local.replace(fold=0)) > _offset(local.replace(fold=1)):
        return Mark.REPEATED
    return Mark.NONE


def second_of_day(at: time) -> int:
    """Return how many seconds after midnight a time of day is shown."""
    return at.hour * 3600 + at.minute * 60 + at.second


def _offset(wall: datetime) -> int:
    offset = wall.utcoffset()
    # A ZoneInfo always knows its offset for a full datetime.
    return 0 if offset is None else offset.days * DAY_SECONDS + offset.seconds


def _offset_at(zone: ZoneInfo, seconds: int) -> int:
    return _offset(datetime.fromtimestamp(seconds, zone))


@lru_cache(maxsize=512)
def _first_change(zone: ZoneInfo, low: int, high: int) -> int:
    """Return the first second in ``(low, high]`` with another offset than ``low``."""
    before = _offset_at(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_at(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high
