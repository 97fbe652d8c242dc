"""Blackout windows: what is stored, what they cover, and where they end.

The properties compare with a scan of every minute that knows only one rule: an
instant is blacked out when the wall clock shows a time of the window.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.engine.calendar import (
    Blackout,
    BlackoutPolicy,
    ScheduleError,
    covering,
    free_from,
)

MINUTE = timedelta(minutes=1)
PARIS = ZoneInfo("Europe/Paris")
UTC_ZONE = ZoneInfo("UTC")
ZONES = ("Europe/Paris", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata")
# Days around the clock changes of these zones, and a plain end of a week.
STARTS = ("2026-03-28", "2026-10-24", "2026-04-04", "2026-10-03", "2026-09-05")


def window(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Night",
        "weekdays": [],
        "from": "22:00",
        "until": "06:00",
        "policy": "defer",
        **changes,
    }


def parse(*stored: dict[str, Any]) -> tuple[Blackout, ...]:
    return Blackout.parse_all(list(stored))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS, fold=fold)


def faults(stored: object) -> dict[str, str]:
    with pytest.raises(ScheduleError) as caught:
        Blackout.parse_all(stored)
    return {fault.field: fault.message for fault in caught.value.faults}


def test_stored_shape_survives_a_round_trip():
    stored = [
        window(weekdays=[1, 5]),
        window(name="Fair", **{"from": "09:30", "until": "10:00"}, policy="skip"),
    ]

    blackouts = Blackout.parse_all(stored)

    assert [item.as_dict() for item in blackouts] == stored


@pytest.mark.parametrize("stored", [None, [], ""])
def test_nothing_stored_means_no_windows(stored: object):
    assert Blackout.parse_all(stored) == ()


def test_all_seven_weekdays_mean_every_day():
    assert parse(window(weekdays=[7, 1, 2, 3, 4, 5, 6]))[0].weekdays == ()


@pytest.mark.parametrize(
    ("stored", "field", "said"),
    [
        pytest.param({"from": "22:00"}, "blackouts", "[", id="no-list"),
        pytest.param(["22:00"], "blackouts.0", "name, weekdays", id="no-object"),
        pytest.param([window(name=" ")], "blackouts.0.name", "name", id="blank-name"),
        pytest.param([window(name="x" * 81)], "blackouts.0.name", "80", id="long-name"),
        pytest.param([window(name=7)], "blackouts.0.name", "text", id="name-no-text"),
        pytest.param([window(weekdays=[0])], "blackouts.0.weekdays", "1 to 7", id="0"),
        pytest.param(
            [window(weekdays="all")], "blackouts.0.weekdays", "list", id="days-no-list"
        ),
        pytest.param(
            [window(**{"from": "25:00"})], "blackouts.0.from", "HH:MM", id="from"
        ),
        pytest.param([window(until="")], "blackouts.0.until", "required", id="until"),
        pytest.param([window(policy="")], "blackouts.0.policy", "required", id="none"),
        pytest.param(
            [window(policy="wait")], "blackouts.0.policy", "skip, defer", id="policy"
        ),
        pytest.param([window(tz="UTC")], "blackouts.0.tz", "remove", id="foreign"),
        pytest.param(
            [window(), window(**{"from": "12:00", "until": "13:00"})],
            "blackouts.1.name",
            "“Night”",
            id="same-name",
        ),
        pytest.param(
            [window(name=str(index)) for index in range(51)],
            "blackouts",
            "50",
            id="too-many",
        ),
    ],
)
def test_fault_names_its_field_and_the_remedy(stored: object, field: str, said: str):
    assert said in faults(stored)[field]


def test_every_fault_is_named_at_once():
    stored = [window(policy="wait"), window(name="Two", until="6 o'clock")]

    assert set(faults(stored)) == {"blackouts.0.policy", "blackouts.1.until"}


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param([window(until="22:00")], id="a-whole-day-each-day"),
        pytest.param(
            [window(), window(name="Day", **{"from": "05:59", "until": "22:00"})],
            id="night-and-day",
        ),
        pytest.param(
            [
                window(weekdays=[1, 3, 5, 7], until="22:00"),
                window(name="Others", weekdays=[2, 4, 6], until="22:00"),
            ],
            id="whole-days-in-turn",
        ),
    ],
)
def test_windows_that_leave_no_time_free_are_refused(stored: list[dict[str, Any]]):
    assert "leave no time" in faults(stored)["blackouts"]


def test_one_free_minute_a_week_is_enough():
    stored = [
        window(weekdays=[1, 2, 3, 4, 5, 6], **{"from": "00:00", "until": "00:00"}),
        window(name="Sunday", weekdays=[7], **{"from": "00:01", "until": "00:00"}),
    ]

    blackouts = Blackout.parse_all(stored)

    assert free_from(blackouts, at("2026-05-20T12:00"), UTC_ZONE) == at(
        "2026-05-24T00:00"
    )


@pytest.mark.parametrize(
    ("instant", "is_inside"),
    [
        ("2026-05-20T21:59:59", False),
        ("2026-05-20T22:00:00", True),
        ("2026-05-21T05:59:59.9", True),
        ("2026-05-21T06:00:00", False),
    ],
)
def test_window_holds_its_beginning_but_not_its_end(instant: str, is_inside: bool):
    found = covering(parse(window()), at(instant), zone=UTC_ZONE)

    assert (found is not None) is is_inside


@pytest.mark.parametrize(
    ("instant", "is_inside"),
    [
        ("2026-05-22T23:00", True),  # a Friday
        ("2026-05-23T05:00", True),
        ("2026-05-23T23:00", False),
        ("2026-05-22T05:00", False),
    ],
)
def test_weekday_is_the_one_on_which_the_window_begins(instant: str, is_inside: bool):
    found = covering(parse(window(weekdays=[5])), at(instant), zone=UTC_ZONE)

    assert (found is not None) is is_inside


def test_window_tells_its_stretch_in_utc():
    found = covering(parse(window()), local("2026-05-21 03:00"), zone=PARIS)

    assert found is not None
    assert (found.begins, found.ends) == (
        at("2026-05-20T20:00"),
        at("2026-05-21T04:00"),
    )


def test_windows_that_touch_make_one_stretch():
    blackouts = parse(
        window(until="00:00"),
        window(name="Backup", **{"from": "00:00", "until": "02:00"}),
        window(name="Import", **{"from": "01:30", "until": "03:15"}),
    )

    found = covering(blackouts, at("2026-05-20T23:00"), zone=UTC_ZONE)

    assert found is not None
    assert (found.begins, found.ends) == (
        at("2026-05-20T22:00"),
        at("2026-05-21T03:15"),
    )


def test_whole_days_in_a_row_make_one_stretch():
    weekend = window(weekdays=[6, 7], **{"from": "00:00", "until": "00:00"})

    found = covering(parse(weekend), at("2026-05-23T09:00"), zone=UTC_ZONE)

    assert found is not None
    assert (found.begins, found.ends) == (
        at("2026-05-23T00:00"),
        at("2026-05-25T00:00"),
    )


def test_skip_decides_where_skip_and_defer_overlap():
    blackouts = parse(window(), window(name="Fair", policy="skip", **{"from": "23:00"}))

    found = covering(blackouts, at("2026-05-20T23:30"), zone=UTC_ZONE)

    assert found is not None
    assert found.blackout.name == "Fair"


def test_defer_decides_outside_the_window_that_skips():
    blackouts = parse(window(), window(name="Fair", policy="skip", **{"from": "23:00"}))

    found = covering(blackouts, at("2026-05-20T22:30"), zone=UTC_ZONE)

    assert found is not None
    assert found.blackout.policy is BlackoutPolicy.DEFER


def test_first_of_equals_decides():
    blackouts = parse(window(), window(name="Backup"))

    found = covering(blackouts, at("2026-05-20T23:30"), zone=UTC_ZONE)

    assert found is not None
    assert found.blackout.name == "Night"


def test_free_instant_is_returned_as_it_is():
    instant = at("2026-05-20T12:00:00.25")

    assert free_from(parse(window()), instant, UTC_ZONE) == instant


def test_night_of_the_lost_hour_is_an_hour_shorter():
    found = covering(parse(window()), local("2026-03-29 01:00"), zone=PARIS)

    assert found is not None
    assert found.ends - found.begins == timedelta(hours=7)


def test_night_of_the_repeated_hour_is_an_hour_longer():
    found = covering(parse(window()), local("2026-10-25 02:30", fold=1), zone=PARIS)

    assert found is not None
    assert found.ends - found.begins == timedelta(hours=9)


def test_window_in_the_lost_hour_covers_nothing_that_day():
    lost = parse(window(**{"from": "02:00", "until": "03:00"}))

    assert covering(lost, local("2026-03-29 03:00"), zone=PARIS) is None


@pytest.mark.parametrize("fold", [0, 1])
def test_window_in_the_repeated_hour_is_there_both_times(fold: int):
    repeated = parse(window(**{"from": "02:15", "until": "02:45"}))
    instant = local("2026-10-25 02:30", fold)

    found = covering(repeated, instant, zone=PARIS)

    assert found is not None
    assert found.ends == instant.astimezone(UTC) + 15 * MINUTE


def test_window_that_the_clock_leaves_by_turning_back_ends_there():
    repeated = parse(window(**{"from": "02:15", "until": "04:00"}))

    found = covering(repeated, local("2026-10-25 02:30"), zone=PARIS)

    assert found is not None
    assert found.ends == local("2026-10-25 02:00", fold=1).astimezone(UTC)


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
def cases(draw: st.DrawFn) -> tuple[list[dict[str, Any]], datetime, ZoneInfo]:
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
def test_windows_are_refused_exactly_when_no_time_is_free(case):
    stored, _instant, _zone = case

    assert is_accepted(stored) is leaves_time_free(stored)


@settings(max_examples=150, deadline=None)
@given(cases().filter(lambda case: leaves_time_free(case[0])))
def test_free_from_finds_the_first_free_minute_of_a_scan(case):
    stored, instant, zone = case
    expected = leave(stored, instant, zone, MINUTE)

    assert free_from(Blackout.parse_all(stored), instant, zone) == expected


@settings(max_examples=150, deadline=None)
@given(cases().filter(lambda case: leaves_time_free(case[0])))
def test_stretch_is_the_one_that_a_scan_finds(case):
    stored, instant, zone = case
    begins = leave(stored, instant, zone, -MINUTE) + MINUTE
    ends = leave(stored, instant, zone, MINUTE)
    expected = (begins, ends) if is_covered(stored, instant, zone) else None

    found = covering(Blackout.parse_all(stored), instant, zone=zone)

    assert (None if found is None else (found.begins, found.ends)) == expected
