"""The calendar agrees with a minute by minute one, for five years in nine zones."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.workflows.engine import brute_calendar
from tests.workflows.engine.brute_calendar import BEGIN, END
from tests.workflows.engine.schedule_specs import SPECS
from workflows.engine.calendar import Schedule, missed, next_after, occurrences

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
BEFORE = BEGIN - SECOND

ZONES = (
    "Europe/Paris",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "UTC",
    "America/Santiago",
    "Africa/Casablanca",
    "Asia/Tehran",
    "Pacific/Apia",
)
CHANGING = (
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Casablanca",
)


def each_of(zones: tuple[str, ...]) -> pytest.MarkDecorator:
    """Return the parameter; a worker that walks a zone keeps it."""
    marked = [
        pytest.param(zone, marks=pytest.mark.xdist_group(f"calendar {zone}"))
        for zone in zones
    ]
    return pytest.mark.parametrize("zone", marked)


of_every_zone = each_of(ZONES)
of_every_kind = pytest.mark.parametrize("name", SPECS)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def planned(spec: dict[str, Any], zone: str, count: int) -> list[datetime]:
    """Return what our calendar plans before 2031, asked for one instant too many."""
    found = occurrences(Schedule.parse(spec), BEFORE, count + 1, zone=ZoneInfo(zone))
    return [item for item in found if item < END]


def following(stock: list[datetime], instant: datetime) -> datetime | None:
    """Return the first of ``stock`` after ``instant``."""
    index = bisect_right(stock, instant)
    return stock[index] if index < len(stock) else None


def before_2031(instant: datetime | None) -> datetime | None:
    return None if instant is None or instant >= END else instant


def clock_changes(zone: str) -> list[datetime]:
    return [
        datetime.fromtimestamp(minute * 60, UTC)
        for minute in brute_calendar.walk(zone).jumps
    ]


def probes(expected: list[datetime], zone: str) -> list[datetime]:
    """Return instants to ask from: about the clock changes, and spread evenly."""
    near = [
        change + timedelta(hours=hours)
        for change in clock_changes(zone)
        for hours in (-25, -2, -1, 0, 1, 2, 23)
    ]
    spread = expected[:: max(1, len(expected) // 60)]
    return [
        item + shift
        for item in (BEGIN, *near, *spread, *expected[-1:])
        for shift in (-MINUTE, -SECOND, timedelta(0), SECOND)
        if BEFORE <= item + shift < END
    ]


def outages_among(instants: list[datetime]) -> list[tuple[datetime, datetime]]:
    """Return stretches from seconds to months, and all five years."""
    row = sorted(set(instants))
    return [*zip(row[::3], row[7::3], strict=False), (row[0], row[-1])]


def without_number(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the schedule without an end that counts firings."""
    is_counted = spec.get("expiry", {}).get("type") == "count"
    return {key: spec[key] for key in spec if key != "expiry" or not is_counted}


def once_about_clock_changes(zone: str) -> list[dict[str, Any]]:
    """Return a schedule for each quarter of an hour of wall time about a change."""
    specs = []
    for change in clock_changes(zone):
        shown = change.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        for quarter in range(-8, 9):
            wall = shown + quarter * timedelta(minutes=15)
            specs.append(
                {"kind": "once", "date": f"{wall:%Y-%m-%d}", "time": f"{wall:%H:%M}"}
            )
    return specs


@pytest.mark.parametrize(
    ("zone", "spec", "instants"),
    [
        pytest.param(
            "Europe/Paris",
            {"kind": "once", "date": "2026-03-29", "time": "02:30"},
            ["2026-03-29T01:00"],
            id="after-the-gap",
        ),
        pytest.param(
            "Europe/Paris",
            {"kind": "once", "date": "2026-10-25", "time": "02:30"},
            ["2026-10-25T00:30"],
            id="first-of-two",
        ),
        pytest.param(
            "Australia/Lord_Howe",
            {"kind": "once", "date": "2026-10-04", "time": "02:15"},
            ["2026-10-03T15:30"],
            id="gap-of-half-an-hour",
        ),
        pytest.param(
            "Asia/Kolkata",
            {
                "kind": "yearly",
                "year_days": [{"month": 2, "day": 29}],
                "time": "00:00",
            },
            ["2028-02-28T18:30"],
            id="leap-day",
        ),
        pytest.param(
            "UTC",
            {
                "kind": "monthly",
                "months": [6],
                "ordinals": [{"nth": "last", "weekday": 1}],
                "time": "09:00",
            },
            [
                "2026-06-29T09:00",
                "2027-06-28T09:00",
                "2028-06-26T09:00",
                "2029-06-25T09:00",
                "2030-06-24T09:00",
            ],
            id="last-monday",
        ),
    ],
)
def test_minute_walk_knows_what_is_known_by_hand(
    zone: str, spec: dict[str, Any], instants: list[str]
) -> None:
    assert brute_calendar.firings(spec, zone) == [at(text) for text in instants]


@pytest.mark.parametrize(
    ("zone", "count"),
    [("Europe/Paris", 10), ("Australia/Lord_Howe", 10), ("Asia/Kolkata", 0)],
)
def test_minute_walk_sees_the_clock_changes(zone: str, count: int) -> None:
    assert len(brute_calendar.walk(zone).jumps) == count


@of_every_kind
@of_every_zone
def test_occurrences_of_five_years_equal_the_minute_walk(zone: str, name: str) -> None:
    expected = brute_calendar.firings(SPECS[name], zone)

    found = planned(SPECS[name], zone, len(expected))

    assert expected
    assert found == expected


@of_every_kind
@of_every_zone
def test_next_after_is_the_next_minute_of_the_walk(zone: str, name: str) -> None:
    schedule, place = Schedule.parse(SPECS[name]), ZoneInfo(zone)
    expected = brute_calendar.firings(SPECS[name], zone)
    asked = probes(expected, zone)

    found = [
        next_after(schedule, item, bisect_right(expected, item), zone=place)
        for item in asked
    ]

    assert [before_2031(item) for item in found] == [
        following(expected, item) for item in asked
    ]


@of_every_kind
@of_every_zone
def test_missed_instants_of_outages_are_those_of_the_walk(zone: str, name: str) -> None:
    spec = without_number(SPECS[name])
    schedule, place = Schedule.parse(spec), ZoneInfo(zone)
    stock = brute_calendar.firings(spec, zone)
    outages = outages_among(probes(stock, zone))

    found = [
        missed(schedule, begin, end, zone=place, limit=2) for begin, end in outages
    ]

    expected = [
        stock[bisect_right(stock, begin) : bisect_right(stock, end)]
        for begin, end in outages
    ]
    assert [item.count for item in found] == [len(item) for item in expected]
    assert [item.instants for item in found] == [tuple(i[:2]) for i in expected]


@each_of(CHANGING)
def test_once_inside_every_clock_change_equals_the_minute_walk(zone: str) -> None:
    specs = once_about_clock_changes(zone)
    assert specs

    found = [planned(spec, zone, 1) for spec in specs]

    assert found == [brute_calendar.firings(spec, zone) for spec in specs]
