"""Validate the stored shape of a schedule, naming every fault at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from workflows.engine.calendar.durations import format_duration
from workflows.engine.calendar.faults import ScheduleError
from workflows.engine.calendar.reader import FieldReader
from workflows.engine.calendar.terms import (
    DAY_SECONDS,
    LAST,
    MAX_EVERY_SECONDS,
    MAX_INTERVAL,
    MAX_ITERATIONS,
    MAX_JITTER_SECONDS,
    MAX_LATENESS_SECONDS,
    MAX_TIMES,
    ExpiryType,
    Kind,
    Last,
    NamedFault,
    Policy,
)
from workflows.engine.calendar.values import Expiry, Ordinal, YearDay
from workflows.engine.calendar.zones import DEFAULT, NAMED_ZONES, find_zone

_CLOCK = frozenset({"time", "times"})
_PERIOD = frozenset({"every", "from", "until"})
_COMMON = frozenset(
    {"kind", "start_date", "tz", "misfire", "on_resume", "max_lateness", "jitter"}
)
_FIELDS: dict[Kind, frozenset[str]] = {
    Kind.ONCE: _COMMON | _CLOCK | {"date"},
    Kind.SEVERAL_TIMES_A_DAY: _COMMON | _CLOCK | _PERIOD | {"expiry"},
    Kind.DAILY: _COMMON | _CLOCK | {"expiry", "interval"},
    Kind.WEEKLY: _COMMON | _CLOCK | {"expiry", "interval", "weekdays"},
    Kind.MONTHLY: _COMMON
    | _CLOCK
    | {"expiry", "interval", "months", "month_days", "ordinals"},
    Kind.YEARLY: _COMMON | _CLOCK | {"expiry", "year_days"},
}
_ALL_FIELDS = frozenset().union(*_FIELDS.values())
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "interval": (0, 1, "0", "1"),
    "expiry": (ExpiryType.NEVER.value, {"type": ExpiryType.NEVER.value}),
}
_MONTH_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def read_fields(
    data: Mapping[str, Any], *, minimum_seconds: int | None = None
) -> dict[str, Any]:
    """Return the constructor arguments of a ``Schedule`` for the stored shape.

    Raises ``ScheduleError`` with every fault at once.
    """
    if not isinstance(data, Mapping):
        text = _("A schedule is an object with a kind, such as {…}; give one.")
        raise ScheduleError([("schedule", text)])
    reader = FieldReader(data)
    kind = reader.choice("kind", Kind) if reader.require("kind") else None
    _refuse_foreign_fields(reader, kind)
    values: dict[str, Any] = {"kind": kind, **_common(reader)}
    if kind is not None:
        values.update(_start_and_expiry(reader, kind))
        values.update(_of_kind(reader, kind))
        _check_distances(reader, values, minimum_seconds)
    if reader.faults:
        raise ScheduleError(reader.faults)
    return values


def never_fires_fault(kind: Kind) -> NamedFault:
    """Return the fault of a schedule whose parts contradict each other."""
    field = {Kind.MONTHLY: "months", Kind.YEARLY: "year_days"}.get(kind, "start_date")
    return (
        field,
        _(
            "No day of the calendar fits these days, months and this repetition"
            " together; change one of them."
        ),
    )


def expires_unfired_fault(first_day: date) -> NamedFault:
    """Return the fault of a schedule that ends before its first firing."""
    text = _(
        "The schedule would end before its first day, %(first_day)s; choose a"
        " later end or an earlier start."
    )
    return ("expiry", text % {"first_day": first_day.isoformat()})


def _refuse_foreign_fields(reader: FieldReader, kind: Kind | None) -> None:
    for field in reader.data:
        if field not in _ALL_FIELDS:
            reader.fault(
                str(field),
                _("There is no such field; remove it. Known fields: %(fields)s.")
                % {"fields": ", ".join(sorted(_ALL_FIELDS))},
            )
        elif kind is not None and field not in _FIELDS[kind] and reader.given(field):
            if reader.data[field] in _NEUTRAL.get(field, ()):
                continue
            reader.fault(
                field,
                _("A schedule of kind %(kind)s has no such field; remove it.")
                % {"kind": kind.value},
            )


def _common(reader: FieldReader) -> dict[str, Any]:
    tz = reader.text("tz") or DEFAULT
    if tz not in NAMED_ZONES and find_zone(tz) is None:
        reader.fault(
            "tz",
            _(
                "“%(zone)s” is no time zone; choose default, server, user, database"
                " or a name such as Europe/Paris."
            )
            % {"zone": tz[:40]},
        )
    return {
        "tz": tz,
        "misfire": reader.choice("misfire", Policy) or Policy.FIRE_ONCE,
        "on_resume": reader.choice("on_resume", Policy),
        "max_lateness_seconds": reader.duration(
            "max_lateness", 1, MAX_LATENESS_SECONDS
        ),
        "jitter_seconds": reader.duration("jitter", 0, MAX_JITTER_SECONDS) or 0,
    }


def _start_and_expiry(reader: FieldReader, kind: Kind) -> dict[str, Any]:
    field = "start_date"
    if kind is Kind.ONCE:
        if reader.given("date") and reader.given("start_date"):
            text = _("Give either date or start_date, not both.")
            reader.fault("date", text)
        field = "date" if reader.given("date") else "start_date"
        reader.require(field)
        return {"start_date": reader.day(field)}
    start = reader.day(field)
    expiry = _expiry(reader)
    if start and expiry.last_day and expiry.last_day < start:
        reader.fault(
            "expiry",
            _("The schedule ends before it starts; choose a date from %(start)s on.")
            % {"start": start.isoformat()},
        )
    return {"start_date": start, "expiry": expiry}


def _expiry(reader: FieldReader) -> Expiry:
    value = reader.data.get("expiry")
    if not reader.given("expiry") or value == ExpiryType.NEVER.value:
        return Expiry()
    if not isinstance(value, Mapping) or not set(value) <= {"type", "value"}:
        reader.fault(
            "expiry",
            _("Write {“type”: never, count or date, “value”: number or date}."),
        )
        return Expiry()
    inner = FieldReader(value)
    kind = inner.choice("type", ExpiryType) if inner.require("type") else None
    count: int | None = None
    last_day: date | None = None
    if kind is ExpiryType.COUNT and inner.require("value"):
        count = inner.number("value", 1, MAX_ITERATIONS)
    elif kind is ExpiryType.DATE and inner.require("value"):
        last_day = inner.day("value")
    elif kind is ExpiryType.NEVER and inner.given("value"):
        inner.fault("value", _("A schedule that never ends has no value; remove it."))
    reader.take_faults("expiry", inner)
    return Expiry(count=count, last_day=last_day)


def _of_kind(reader: FieldReader, kind: Kind) -> dict[str, Any]:
    if kind is Kind.SEVERAL_TIMES_A_DAY and reader.given("every"):
        return _period(reader)
    if kind is Kind.SEVERAL_TIMES_A_DAY:
        for field in ("from", "until"):
            if reader.given(field):
                text = _("This belongs to a repetition; give every as well, or remove.")
                reader.fault(field, text)
    values: dict[str, Any] = {"times": _times(reader, kind)}
    if kind in (Kind.DAILY, Kind.WEEKLY, Kind.MONTHLY):
        values["interval"] = reader.number("interval", 0, MAX_INTERVAL) or 1
    if kind is Kind.WEEKLY and reader.require("weekdays"):
        values["weekdays"] = reader.numbers("weekdays", 1, 7)
    if kind is Kind.MONTHLY:
        values.update(_days_of_months(reader))
    if kind is Kind.YEARLY and reader.require("year_days"):
        values["year_days"] = _year_days(reader)
    return values


def _period(reader: FieldReader) -> dict[str, Any]:
    for field in ("time", "times"):
        if reader.given(field):
            text = _("Give either fixed times or a repetition (every), not both.")
            reader.fault(field, text)
    return {
        "every_seconds": reader.duration("every", 1, MAX_EVERY_SECONDS),
        "from_time": reader.clock_time("from") or time(0),
        "until_time": reader.clock_time("until"),
    }


def _times(reader: FieldReader, kind: Kind) -> tuple[time, ...]:
    if reader.given("time") and reader.given("times"):
        reader.fault("time", _("Give either time or times, not both."))
        return ()
    if reader.given("times"):
        times = reader.clock_times("times")
        if len(times) > MAX_TIMES:
            text = _("At most %(limit)s times are possible; use a repetition (every).")
            reader.fault("times", text % {"limit": MAX_TIMES})
        if kind is Kind.ONCE and len(times) > 1:
            text = _("A schedule that fires once has a single time; remove the others.")
            reader.fault("times", text)
        return times
    several = kind is Kind.SEVERAL_TIMES_A_DAY
    if several and not reader.given("time"):
        text = _("Give the times of day (times), or a repetition (every).")
        reader.fault("times", text)
        return ()
    reader.require("time")
    found = reader.clock_time("time")
    return () if found is None else (found,)


def _days_of_months(reader: FieldReader) -> dict[str, Any]:
    months = reader.numbers("months", 1, 12)
    if reader.given("month_days") and reader.given("ordinals"):
        text = _("Give either days of the month or counted weekdays, not both.")
        reader.fault("ordinals", text)
    elif not reader.given("month_days") and not reader.given("ordinals"):
        text = _("Give the days of the month (1 to 31, last), or counted weekdays.")
        reader.fault("month_days", text)
    month_days = _month_days(reader)
    numbered = [day for day in month_days if day != LAST]
    if months and numbered and len(numbered) == len(month_days):
        longest = max(_MONTH_LENGTHS[month - 1] for month in months)
        if min(numbered) > longest:
            text = _("No chosen month has day %(day)s; add a month or another day.")
            reader.fault("month_days", text % {"day": min(numbered)})
    return {
        # All twelve mean the same as none: one canonical form.
        "months": () if len(months) == 12 else months,
        "month_days": month_days,
        "ordinals": _ordinals(reader),
    }


def _month_days(reader: FieldReader) -> tuple[int | Last, ...]:
    numbers: set[int] = set()
    has_last = False
    for item in reader.items("month_days"):
        if item == LAST:
            has_last = True
            continue
        probe = FieldReader({"month_days": item})
        number = probe.number("month_days", 1, 31)
        if number is None:
            text = _("“%(value)s” is no day of a month; use 1 to 31, or last.")
            reader.fault("month_days", text % {"value": str(item)[:40]})
        else:
            numbers.add(number)
    return (*sorted(numbers), *((LAST,) if has_last else ()))


def _ordinals(reader: FieldReader) -> tuple[Ordinal, ...]:
    found: set[Ordinal] = set()
    for inner in reader.mappings("ordinals", ("nth", "weekday")):
        is_last = inner.data["nth"] == LAST
        nth = LAST if is_last else inner.number("nth", 1, 4)
        weekday = inner.number("weekday", 1, 7)
        for name, value in (("nth", nth), ("weekday", weekday)):
            if value is None and not inner.has_fault(name):
                inner.require(name)
        reader.take_faults("ordinals", inner)
        if nth is not None and weekday is not None:
            found.add(Ordinal(nth, weekday))
    return tuple(sorted(found, key=_ordinal_rank))


def _ordinal_rank(ordinal: Ordinal) -> tuple[int, int]:
    return (5 if ordinal.nth == LAST else ordinal.nth, ordinal.weekday)


def _year_days(reader: FieldReader) -> tuple[YearDay, ...]:
    found: set[YearDay] = set()
    for inner in reader.mappings("year_days", ("month", "day")):
        month = inner.number("month", 1, 12) if inner.require("month") else None
        day = inner.number("day", 1, 31) if inner.require("day") else None
        if month is not None and day is not None:
            if day > _MONTH_LENGTHS[month - 1]:
                text = _("Month %(month)s has no day %(day)s; choose another day.")
                inner.fault("day", text % {"month": month, "day": day})
            found.add(YearDay(month, day))
        reader.take_faults("year_days", inner)
    return tuple(sorted(found))


def _check_distances(
    reader: FieldReader, values: Mapping[str, Any], minimum_seconds: int | None
) -> None:
    """Refuse firings closer than the minimum, and jitter that could reorder them."""
    field, distance = "every", values.get("every_seconds")
    if distance is None:
        field, distance = "times", _shortest_distance(values.get("times", ()))
    if distance is None:
        return
    if minimum_seconds is not None and distance < minimum_seconds:
        text = _("Firings must lie at least %(minimum)s apart; these lie %(distance)s.")
        reader.fault(
            field,
            text
            % {
                "minimum": format_duration(minimum_seconds),
                "distance": format_duration(distance),
            },
        )
    if values.get("jitter_seconds", 0) >= distance:
        text = _("The random delay must be shorter than %(distance)s between firings.")
        reader.fault("jitter", text % {"distance": format_duration(distance)})


def _shortest_distance(times: tuple[time, ...]) -> int | None:
    if len(times) < 2:
        return None
    seconds = [item.hour * 3600 + item.minute * 60 + item.second for item in times]
    seconds.append(seconds[0] + DAY_SECONDS)
    return min(later - earlier for earlier, later in pairwise(seconds))
