"""The local days on which a schedule fires, as pure calendar arithmetic."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from workflows.engine.calendar.terms import ANCHOR_DAY, LAST, LAST_DAY, Kind

if TYPE_CHECKING:
    from workflows.engine.calendar.schedule import Schedule

_LAST_ORDINAL = LAST_DAY.toordinal()


def firing_days(schedule: Schedule, first: date) -> Iterator[date]:
    """Yield, in order, the days from ``first`` on which the schedule fires.

    Honours the start date but not the expiry; never yields a day after
    ``terms.LAST_DAY``, so it always ends.
    """
    if schedule.start_date is not None and first < schedule.start_date:
        first = schedule.start_date
    anchor = schedule.start_date or ANCHOR_DAY
    match schedule.kind:
        case Kind.ONCE:
            if first <= anchor:
                yield anchor
        case Kind.SEVERAL_TIMES_A_DAY:
            yield from _every_days(first, anchor, 1)
        case Kind.DAILY:
            yield from _every_days(first, anchor, schedule.interval)
        case Kind.WEEKLY:
            yield from _every_weeks(schedule, first, anchor)
        case Kind.MONTHLY:
            yield from _every_months(schedule, first, anchor)
        case Kind.YEARLY:
            yield from _every_year(schedule, first)


def days_of_month(schedule: Schedule, year: int, month: int) -> list[int]:
    """Return the days of one month that a monthly schedule asks for, in order."""
    first_weekday, length = monthrange(year, month)
    days = {
        length if day == LAST else day
        for day in schedule.month_days
        if day == LAST or day <= length
    }
    for ordinal in schedule.ordinals:
        day = 1 + (ordinal.weekday - 1 - first_weekday) % 7
        if ordinal.nth == LAST:
            day += (length - day) // 7 * 7
        else:
            day += 7 * (ordinal.nth - 1)
        days.add(day)
    return sorted(days)


def _every_days(first: date, anchor: date, interval: int) -> Iterator[date]:
    start = first.toordinal()
    start += (anchor.toordinal() - start) % interval
    for ordinal in range(start, _LAST_ORDINAL + 1, interval):
        yield date.fromordinal(ordinal)


def _every_weeks(schedule: Schedule, first: date, anchor: date) -> Iterator[date]:
    # Day 1 of the proleptic calendar is a Monday: weeks are plain sevens.
    week = (first.toordinal() - 1) // 7
    week += ((anchor.toordinal() - 1) // 7 - week) % schedule.interval
    for monday in range(week * 7, _LAST_ORDINAL + 1, 7 * schedule.interval):
        for weekday in schedule.weekdays:
            ordinal = monday + weekday
            if first.toordinal() <= ordinal <= _LAST_ORDINAL:
                yield date.fromordinal(ordinal)


def _every_months(schedule: Schedule, first: date, anchor: date) -> Iterator[date]:
    index = first.year * 12 + first.month - 1
    index += (anchor.year * 12 + anchor.month - 1 - index) % schedule.interval
    end = LAST_DAY.year * 12 + LAST_DAY.month
    for position in range(index, end, schedule.interval):
        year, month = position // 12, position % 12 + 1
        if schedule.months and month not in schedule.months:
            continue
        for number in days_of_month(schedule, year, month):
            day = date(year, month, number)
            if day >= first:
                yield day


def _every_year(schedule: Schedule, first: date) -> Iterator[date]:
    for year in range(first.year, LAST_DAY.year + 1):
        for year_day in schedule.year_days:
            if year_day.day > monthrange(year, year_day.month)[1]:
                continue
            day = date(year, year_day.month, year_day.day)
            if day >= first:
                yield day
