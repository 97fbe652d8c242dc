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
ZONES = ("Europe/Paris", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata")
# Days around the clock changes of these zones, and a plain end of a week.
STARTS = ("2026-03-28", "2026-10-24", "2026-04-04", "2026-10-03", "2026-09-05")


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


def is_covered(stored: list[dict[str, Any]], instant: datetime, zone: ZoneInfo) -> bool:
    wall = instant.astimezone(zone)
    return any(shows_a_time_inside(item, wall) for item in stored)


def leave(
    stored: list[dict[str, Any]], instant: datetime, zone: ZoneInfo, step: timedelta
) -> datetime:
    """Walk from ``instant`` until the wall clock shows a free time."""
    while is_covered(stored, instant, zone):
        instant += step
    return instant


Case = tuple[list[dict[str, Any]], datetime, ZoneInfo]
CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15]))
WINDOWS = st.lists(
    st.fixed_dictionaries(
        {
            "weekdays": st.lists(st.integers(1, 7), max_size=6, unique=True).map(
                sorted
            ),
            "from": CLOCKS,
            "until": CLOCKS,
            "policy": st.sampled_from(["skip", "defer"]),
        }
    ),
    max_size=4,
).map(lambda found: [{"name": str(i), **item} for i, item in enumerate(found)])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    start = at(draw(st.sampled_from(STARTS)))
    instant = start + draw(st.integers(0, 3 * 1440)) * MINUTE
    return draw(WINDOWS), instant, ZoneInfo(draw(st.sampled_from(ZONES)))


def leaves_time_free(stored: list[dict[str, Any]]) -> bool:
    monday = at("2026-06-01")
    return any(
        not is_covered(stored, monday + index * 15 * MINUTE, UTC_ZONE)
        for index in range(7 * 96)
    )


def is_accepted(stored: list[dict[str, Any]]) -> bool:
    try:
        Blackout.parse_all(stored)
    except ScheduleError:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(cases())
def test_windows_are_refused_exactly_when_no_time_is_free(case: Case) -> None:
    stored, _instant, _zone = case

    assert is_accepted(stored) is leaves_time_free(stored)


@settings(max_examples=150, deadline=None)
@given(cases().filter(lambda case: leaves_time_free(case[0])))
def test_free_from_finds_the_first_free_minute_of_a_scan(case: Case) -> None:
    stored, instant, zone = case
    expected = leave(stored, instant, zone, MINUTE)

    assert free_from(Blackout.parse_all(stored), instant, zone) == expected


@settings(max_examples=150, deadline=None)
@given(cases().filter(lambda case: leaves_time_free(case[0])))
def test_stretch_is_the_one_that_a_scan_finds(case: Case) -> None:
    stored, instant, zone = case
    begins = leave(stored, instant, zone, -MINUTE) + MINUTE
    ends = leave(stored, instant, zone, MINUTE)
    expected = (begins, ends) if is_covered(stored, instant, zone) else None

    found = covering(Blackout.parse_all(stored), instant, zone=zone)

    assert (None if found is None else (found.begins, found.ends)) == expected
