"""Turn a five-field cron notation into the nearest schedule kind.

Cron is a notation for the catalogue and for import; it is never stored. Steps
(``*/15``) become a repetition, lists and single values become fixed times.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NoReturn

from django.utils.translation import gettext as _

from workflows.engine.calendar.durations import format_duration
from workflows.engine.calendar.faults import ScheduleError
from workflows.engine.calendar.schedule import Schedule
from workflows.engine.calendar.terms import MAX_TIMES, Kind

_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MACROS: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MAX_YEAR_DAYS: Final = 31


@dataclass(frozen=True, slots=True)
class _Field:
    """The values of one cron field, sorted, and how they were written."""

    values: tuple[int, ...]
    is_any: bool
    is_stepped: bool

    @property
    def step(self) -> int | None:
        """Return the constant distance between neighbours, if there is one."""
        steps = {later - earlier for earlier, later in pairwise(self.values)}
        return steps.pop() if len(steps) == 1 else None


def from_cron(expression: str) -> Schedule:
    """Return the schedule nearest to a five-field cron notation.

    Raises ``ScheduleError`` (field ``cron``) for what is no cron, and for what no
    schedule kind can say.
    """
    text = expression.strip().lower()
    parts = _MACROS.get(text, text).split()
    if len(parts) != 5:
        _refuse(
            _(
                "“%(cron)s” is not a cron expression; write the five fields minute,"
                " hour, day of month, month and weekday, for example 0 4 * * *."
            ),
            cron=expression,
        )
    minute = _read(parts[0], 0, 59)
    hour = _read(parts[1], 0, 23)
    day = _read(parts[2], 1, 31)
    month = _read(parts[3], 1, 12, _MONTHS)
    weekday = _read(parts[4], 0, 7, _WEEKDAYS)
    if not day.is_any and not weekday.is_any:
        _refuse(
            _(
                "A day of the month and a weekday together mean “either of them” in"
                " cron, which no schedule can say; keep one and put * for the other."
            )
        )
    if not weekday.is_any:
        if not month.is_any:
            _refuse(
                _(
                    "Weekdays in chosen months only are not possible from cron; use"
                    " the monthly kind with counted weekdays, or put * for the month."
                )
            )
        weekdays = sorted({value or 7 for value in weekday.values})
        return _make(Kind.WEEKLY, weekdays=weekdays, times=_times(minute, hour))
    if not day.is_any and len(month.values) == 1:
        pairs = [{"month": month.values[0], "day": value} for value in day.values]
        return _make(Kind.YEARLY, year_days=pairs, times=_times(minute, hour))
    if not day.is_any or not month.is_any:
        return _make(
            Kind.MONTHLY,
            months=[] if month.is_any else list(month.values),
            month_days=list(day.values),
            times=_times(minute, hour),
        )
    return _of_every_day(minute, hour)


def _of_every_day(minute: _Field, hour: _Field) -> Schedule:
    period = _period(minute, hour)
    if period is not None:
        return _make(Kind.SEVERAL_TIMES_A_DAY, **period)
    times = _times(minute, hour)
    if len(times) == 1:
        return _make(Kind.DAILY, times=times)
    return _make(Kind.SEVERAL_TIMES_A_DAY, times=times)


def _period(minute: _Field, hour: _Field) -> dict[str, str] | None:
    """Return the repetition that the two fields mean, if they mean one."""
    first, last = hour.values[0], hour.values[-1]
    if len(minute.values) == 1:
        every = hour.step
        if not hour.is_stepped or every is None:
            return None
        # Within a whole day the step must divide it, or the last gap is shorter.
        is_whole_day = first < every and last + every >= 24
        if is_whole_day and 24 % every:
            return None
        seconds = every * 3600
        end = f"{last:02}:{minute.values[0]:02}"
    else:
        gap = minute.step
        is_full_hour = gap is not None and minute.values[-1] + gap == (
            60 + minute.values[0]
        )
        is_run = len(hour.values) == 1 or hour.step == 1
        if gap is None or not is_full_hour or not (is_run and hour.is_stepped):
            return None
        is_whole_day = len(hour.values) == 24
        seconds = gap * 60
        end = f"{last:02}:{minute.values[-1]:02}"
    period = {
        "every": format_duration(seconds),
        "from": f"{first:02}:{minute.values[0]:02}",
    }
    return period if is_whole_day else {**period, "until": end}


def _times(minute: _Field, hour: _Field) -> list[str]:
    times = [f"{h:02}:{m:02}" for h in hour.values for m in minute.values]
    if len(times) > MAX_TIMES:
        _refuse(
            _(
                "This cron expression means %(count)s times a day, which is neither an"
                " even repetition nor a list of at most %(limit)s times; choose a"
                " minute step that divides 60, or an hour step that divides 24."
            ),
            count=len(times),
            limit=MAX_TIMES,
        )
    return times


def _read(
    text: str, low: int, high: int, names: tuple[str, ...] | None = None
) -> _Field:
    values: set[int] = set()
    is_stepped = False
    for item in text.split(","):
        span, slash, step_text = item.partition("/")
        step = _number(step_text, text, 1, high - low + 1) if slash else 1
        if span == "*":
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = _number(start, text, low, high, names)
            last = _number(end, text, low, high, names) if dash else first
            if slash and not dash:
                last = high
            if last < first:
                _refuse(
                    _("“%(field)s” counts backwards; write the smaller number first."),
                    field=text,
                )
        is_stepped |= last > first
        values.update(range(first, last + 1, step))
    if high == 7 and 7 in values:
        values = (values - {7}) | {0}
    whole = 7 if high == 7 else high - low + 1
    return _Field(tuple(sorted(values)), len(values) == whole, is_stepped)


def _number(
    text: str, field: str, low: int, high: int, names: tuple[str, ...] | None = None
) -> int:
    if names and text in names:
        return names.index(text) + (1 if names is _MONTHS else 0)
    is_number = text.isascii() and text.isdigit() and len(text) <= 4
    if is_number and low <= int(text) <= high:
        return int(text)
    return _refuse(
        _(
            "“%(part)s” in “%(field)s” is not possible; use whole numbers %(low)s to"
            " %(high)s, *, ranges, lists and steps."
        ),
        part=text,
        field=field,
        low=low,
        high=high,
    )


def _make(kind: Kind, **fields: Any) -> Schedule:
    try:
        return Schedule.parse({"kind": kind.value, **fields})
    except ScheduleError as error:
        raise ScheduleError(
            [("cron", fault.message) for fault in error.faults]
        ) from error


def _refuse(message: str, **values: object) -> NoReturn:
    raise ScheduleError([("cron", message % values)])
