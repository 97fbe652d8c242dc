"""Properties of next_after, and agreement with a scan of every minute.

The scan knows nothing of the calendar's arithmetic: it walks real minutes and
watches the wall clock. A planned wall time fires in the minute in which the clock
first shows or jumps over it.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.engine.calendar import Kind, Schedule, missed, next_after, occurrences

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ZONES = ("Europe/Paris", "Australia/Lord_Howe", "America/New_York", "UTC")
MORE_ZONES = (*ZONES, "Asia/Kolkata", "America/Santiago", "Africa/Cairo")

# Around the clock changes of these zones, a leap day and a plain month end.
STARTS = ("2026-03-07", "2026-03-28", "2026-04-03", "2026-10-02", "2026-10-24")
MORE_STARTS = (*STARTS, "2026-10-31", "2028-02-27", "2026-12-29", "2026-04-23")
SCAN_DAYS = 5


@cache
def wall_clock(zone: str, start: str) -> list[tuple[datetime, datetime, datetime]]:
    """Return (instant, clock before, clock now) whenever the clock gains ground."""
    place = ZoneInfo(zone)
    first = datetime.fromisoformat(start).replace(tzinfo=UTC)
    highest = (first - MINUTE).astimezone(place).replace(tzinfo=None)
    rows = []
    for index in range(SCAN_DAYS * 1440):
        instant = first + index * MINUTE
        wall = instant.astimezone(place).replace(tzinfo=None)
        if wall > highest:
            rows.append((instant, highest, wall))
            highest = wall
    return rows


def is_firing_day(spec: dict[str, Any], day: date) -> bool:
    start = date.fromisoformat(spec.get("start_date", "1970-01-01"))
    interval = spec.get("interval", 1)
    if day < start:
        return False
    match spec["kind"]:
        case "once":
            return day == start
        case "daily":
            return (day - start).days % interval == 0
        case "weekly":
            mondays = [item - timedelta(item.weekday()) for item in (day, start)]
            weeks = (mondays[0] - mondays[1]).days // 7
            return weeks % interval == 0 and day.isoweekday() in spec["weekdays"]
        case "monthly":
            return is_day_of_month(spec, day, start, interval)
        case "yearly":
            return {"month": day.month, "day": day.day} in spec["year_days"]
    return True


def is_day_of_month(
    spec: dict[str, Any], day: date, start: date, interval: int
) -> bool:
    distance = (day.year - start.year) * 12 + day.month - start.month
    if distance % interval or day.month not in spec.get("months", range(1, 13)):
        return False
    length = monthrange(day.year, day.month)[1]
    if "month_days" in spec:
        wanted = spec["month_days"]
        return day.day in wanted or ("last" in wanted and day.day == length)
    weekdays = [
        item for item in spec["ordinals"] if item["weekday"] == day.isoweekday()
    ]
    nth = (day.day - 1) // 7 + 1
    is_last = day.day + 7 > length
    return any(
        item["nth"] == nth or (item["nth"] == "last" and is_last) for item in weekdays
    )


def passed(before: datetime, now: datetime, at: time) -> Iterator[date]:
    """Yield the days whose time ``at`` the clock shows or jumps over in this minute."""
    day = before.date()
    while day <= now.date():
        if before < datetime.combine(day, at) <= now:
            yield day
        day += DAY


def scan(spec: dict[str, Any], zone: str, start: str) -> list[datetime]:
    times = [time.fromisoformat(item) for item in spec["times"]]
    return [
        instant
        for instant, before, now in wall_clock(zone, start)
        if any(
            is_firing_day(spec, day) for at in times for day in passed(before, now, at)
        )
    ]


def scan_period(spec: dict[str, Any], zone: str, start: str) -> list[datetime]:
    begin = time.fromisoformat(spec["from"])
    end = time.fromisoformat(spec.get("until", "00:00"))
    step = spec["every"]
    opening: dict[date, datetime] = {}
    closing: dict[date, datetime] = {}
    for instant, before, now in wall_clock(zone, start):
        opening |= dict.fromkeys(passed(before, now, begin), instant)
        closing |= dict.fromkeys(passed(before, now, end), instant)
    found: set[datetime] = set()
    for day, slot in opening.items():
        last = closing.get(day + DAY if end <= begin else day)
        while last is not None and slot <= last:
            found.add(slot)
            slot += timedelta(seconds=step)
    return sorted(found)


def clock_times(hours: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    minutes = st.sampled_from([0, 1, 15, 29, 30, 31, 45, 59])
    return st.builds("{:02}:{:02}".format, hours, minutes)


# Most clocks change at 0, 1, 2 or 3 o'clock: look there more often.
TIMES = clock_times(st.integers(0, 4) | st.integers(0, 23))
TIME_LISTS = st.lists(TIMES, min_size=1, max_size=4, unique=True)
START_DATES = st.sampled_from(["2026-01-01", "2025-11-12", "2026-10-25", "2024-02-29"])
WEEKDAYS = st.integers(1, 7)
CLOCK_SPECS = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("several_times_a_day"), "times": TIME_LISTS},
        optional={"start_date": START_DATES},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("daily"), "times": TIME_LISTS},
        optional={"interval": st.integers(1, 4), "start_date": START_DATES},
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("weekly"),
            "times": TIME_LISTS,
            "weekdays": st.lists(WEEKDAYS, min_size=1, unique=True),
        },
        optional={"interval": st.integers(1, 3), "start_date": START_DATES},
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("monthly"),
            "times": TIME_LISTS,
            "month_days": st.lists(
                st.integers(1, 28) | st.sampled_from([29, 30, 31, "last"]),
                min_size=1,
                unique=True,
            ),
        },
        optional={"interval": st.integers(1, 3), "start_date": START_DATES},
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("monthly"),
            "times": TIME_LISTS,
            "ordinals": st.lists(
                st.fixed_dictionaries(
                    {"nth": st.sampled_from([1, 2, 3, 4, "last"]), "weekday": WEEKDAYS}
                ),
                min_size=1,
                max_size=4,
            ),
        },
        optional={
            "months": st.lists(st.integers(1, 12), min_size=1, unique=True),
            "start_date": START_DATES,
        },
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("yearly"),
            "times": TIME_LISTS,
            "year_days": st.lists(
                st.fixed_dictionaries(
                    {"month": st.integers(1, 12), "day": st.integers(1, 29)}
                ),
                min_size=1,
                max_size=20,
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("once"),
            "times": TIMES.map(lambda item: [item]),
            "start_date": st.sampled_from(MORE_STARTS),
        }
    ),
)
PERIODS = st.fixed_dictionaries(
    {
        "kind": st.just("several_times_a_day"),
        "every": st.integers(1, 700).map(lambda minutes: minutes * 60),
        "from": TIMES,
    },
    optional={"until": TIMES},
)


@settings(max_examples=300, deadline=None)
@given(
    spec=CLOCK_SPECS,
    zone=st.sampled_from(MORE_ZONES),
    start=st.sampled_from(MORE_STARTS),
)
def test_clock_kinds_agree_with_a_scan_of_every_minute(
    spec: dict[str, Any], zone: str, start: str
) -> None:
    first = datetime.fromisoformat(start).replace(tzinfo=UTC)

    found = missed(
        Schedule.parse(spec),
        first - MINUTE,
        first + SCAN_DAYS * DAY - MINUTE,
        zone=ZoneInfo(zone),
        limit=1000,
    )

    assert list(found.instants) == scan(spec, zone, start)
    assert found.count == len(found.instants)


@settings(max_examples=200, deadline=None)
@given(
    spec=PERIODS, zone=st.sampled_from(MORE_ZONES), start=st.sampled_from(MORE_STARTS)
)
def test_periodic_agrees_with_a_scan_of_every_minute(
    spec: dict[str, Any], zone: str, start: str
) -> None:
    first = datetime.fromisoformat(start).replace(tzinfo=UTC)
    # Windows opened before the scan, or not closed within it, are left out.
    low, high = first + 2 * DAY, first + (SCAN_DAYS - 2) * DAY

    found = missed(
        Schedule.parse(spec), low - MINUTE, high, zone=ZoneInfo(zone), limit=10_000
    )

    expected = scan_period(spec, zone, start)
    assert list(found.instants) == [item for item in expected if low <= item <= high]
    assert found.count == len(found.instants)


INSTANTS = st.integers(0, 4 * 365 * 86_400 * 1000).map(
    lambda millis: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)
)


@settings(max_examples=300, deadline=None)
@given(
    spec=CLOCK_SPECS | PERIODS,
    zone=st.sampled_from(MORE_ZONES),
    instant=INSTANTS,
    share=st.floats(0, 1, exclude_max=True),
)
def test_next_after_is_increasing_repeatable_and_free_of_its_path(
    spec: dict[str, Any], zone: str, instant: datetime, share: float
) -> None:
    schedule, place = Schedule.parse(spec), ZoneInfo(zone)

    found = next_after(schedule, instant, zone=place)

    assert found == next_after(schedule, instant, zone=place)
    assert found == next_after(
        Schedule.parse(schedule.as_dict()), instant, zone=ZoneInfo.no_cache(zone)
    )
    if found is not None:
        assert found > instant
        assert found.tzinfo is UTC
        between = min(instant + (found - instant) * share, found - MINUTE / 60)
        assert next_after(schedule, between, zone=place) == found
        following = next_after(schedule, found, zone=place)
        assert following is None or following > found


@settings(max_examples=150, deadline=None)
@given(
    spec=CLOCK_SPECS.filter(lambda item: item["kind"] != "once") | PERIODS,
    zone=st.sampled_from(MORE_ZONES),
    start=st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    length=st.integers(0, 60),
    instant=INSTANTS,
)
def test_firings_lie_inside_the_validity(
    spec: dict[str, Any], zone: str, start: date, length: int, instant: datetime
) -> None:
    last_day = start + timedelta(length)
    open_end = Schedule.parse({**spec, "start_date": start.isoformat()})
    first = next_after(open_end, datetime(2025, 1, 1, tzinfo=UTC), zone=ZoneInfo(zone))
    assert first is not None
    place = ZoneInfo(zone)
    if first.astimezone(place).date() > last_day:
        last_day = first.astimezone(place).date()
    schedule = Schedule.parse(
        {
            **spec,
            "start_date": start.isoformat(),
            "expiry": {"type": "date", "value": last_day.isoformat()},
        }
    )

    found = occurrences(schedule, instant, 20, zone=place)

    days = [item.astimezone(place).date() for item in found]
    assert all(start <= day <= last_day for day in days)
    assert found == [
        item
        for item in occurrences(open_end, instant, 20, zone=place)
        if item.astimezone(place).date() <= last_day
    ]


@pytest.mark.parametrize("zone", [*ZONES, "Asia/Kolkata"])
@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "once", "start_date": "2026-03-29", "time": "02:30"},
        {"kind": "several_times_a_day", "times": ["00:00", "02:30", "03:00"]},
        {"kind": "several_times_a_day", "every": "PT50M", "from": "01:30"},
        {"kind": "several_times_a_day", "every": "PT30H", "start_date": "2026-01-01"},
        {"kind": "daily", "time": "02:30", "interval": 3},
        {"kind": "weekly", "time": "02:30", "weekdays": [7], "interval": 2},
        {"kind": "monthly", "time": "02:30", "month_days": [29, "last"]},
        {
            "kind": "yearly",
            "time": "02:30",
            "year_days": [{"month": 3, "day": 29}, {"month": 10, "day": 25}],
        },
    ],
    ids=lambda item: item["kind"],
)
def test_preview_of_a_year_is_what_the_engine_fires(
    spec: dict[str, Any], zone: str
) -> None:
    schedule, place = Schedule.parse(spec), ZoneInfo(zone)
    end = datetime(2027, 1, 1, tzinfo=UTC)
    fired: list[datetime] = []
    position: datetime | None = datetime(2026, 1, 1, tzinfo=UTC)

    while position := next_after(schedule, position, len(fired), zone=place):
        if position > end:
            break
        fired.append(position)

    previews: list[datetime] = []
    start = datetime(2026, 1, 1, tzinfo=UTC)
    while len(previews) < len(fired):
        previews += occurrences(
            schedule, previews[-1] if previews else start, 10, zone=place
        )
    assert previews[: len(fired)] == fired
    assert len(fired) == (1 if schedule.kind is Kind.ONCE else len(set(fired)))
