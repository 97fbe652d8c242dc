"""Blackout windows agree with a scan of every minute.

The scan knows a single rule: an instant is blacked out when the wall clock shows a
time of the window.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.engine.calendar import Blackout, ScheduleError, covering, free_from

MINUTE = timedelta(minutes=1)
UTC_ZONE = ZoneInfo("UTC")
# Zones with an instant at which their clocks jump, and one whose never do.
PLACES = (
    ("Europe/Paris", "2026-03-29T01:00"),
    ("Europe/Paris", "2026-10-25T01:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00"),
    ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("America/Santiago", "2026-04-05T03:00"),
    ("America/Santiago", "2026-09-06T04:00"),
    ("Asia/Kolkata", "2026-05-24T18:30"),
)
QUARTER = 15 * MINUTE


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shows_a_time_inside(stored: dict[str, Any], wall: datetime) -> bool:
    """Decide from the stored shape alone whether a wall clock is in the window."""
    minute = wall.hour * 60 + wall.minute
    begin, end = (
        int(stored[key][:2]) * 60 + int(stored[key][3:]) for key in ("from", "until")
    )
    days = stored["weekdays"] or range(1, 8)
    if begin < end:
        return wall.isoweekday() in days and begin <= minute < end
    evening = wall.isoweekday() in days and minute >= begin
    day_before = (wall.isoweekday() + 5) % 7 + 1
    return evening or (day_before in days and minute < end)


def is_covered(stored: Stored, instant: datetime, zone: ZoneInfo) -> bool:
    wall = instant.astimezone(zone)
    return any(shows_a_time_inside(item, wall) for item in stored)


def leave(
    stored: Stored, instant: datetime, zone: ZoneInfo, step: timedelta
) -> datetime:
    """Walk from ``instant`` until the wall clock shows a free time."""
    while is_covered(stored, instant, zone):
        instant += step
    return instant


Stored = list[dict[str, Any]]
Case = tuple[Stored, datetime, ZoneInfo]
CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15]))
SIX_HOURS = st.sampled_from(["00:00", "06:00", "12:00", "18:00"])


def windows(clocks: st.SearchStrategy[str], most: int) -> st.SearchStrategy[Stored]:
    one = st.fixed_dictionaries(
        {
            "weekdays": st.lists(st.integers(1, 7), max_size=6, unique=True),
            "from": clocks,
            "until": clocks,
            "policy": st.sampled_from(["skip", "defer"]),
        }
    )
    several = st.lists(one, min_size=1, max_size=most)
    return several.map(
        lambda found: [{"name": str(i), **item} for i, item in enumerate(found)]
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw windows with time left free, and an instant near a clock change."""
    zone, change = draw(st.sampled_from(PLACES))
    instant = at(change) + draw(st.integers(-60, 60)) * QUARTER
    stored = draw(windows(CLOCKS, 4).filter(leaves_time_free))
    return stored, instant, ZoneInfo(zone)


def leaves_time_free(stored: Stored) -> bool:
    monday = at("2026-06-01")
    return any(
        not is_covered(stored, monday + index * 15 * MINUTE, UTC_ZONE)
        for index in range(7 * 96)
    )


def is_accepted(stored: Stored) -> bool:
    try:
        Blackout.parse_all(stored)
    except ScheduleError:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(windows(SIX_HOURS, 6))
def test_windows_are_refused_exactly_when_no_time_is_free(stored: Stored) -> None:
    assert is_accepted(stored) is leaves_time_free(stored)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_free_from_finds_the_first_free_minute_of_a_scan(case: Case) -> None:
    stored, instant, zone = case
    expected = leave(stored, instant, zone, MINUTE)

    assert free_from(Blackout.parse_all(stored), instant, zone) == expected


@settings(max_examples=150, deadline=None)
@given(cases())
def test_stretch_is_the_one_that_a_scan_finds(case: Case) -> None:
    stored, instant, zone = case
    begins = leave(stored, instant, zone, -MINUTE) + MINUTE
    ends = leave(stored, instant, zone, MINUTE)
    expected = (begins, ends) if is_covered(stored, instant, zone) else None

    found = covering(Blackout.parse_all(stored), instant, zone=zone)

    assert (None if found is None else (found.begins, found.ends)) == expected
