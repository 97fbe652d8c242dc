"""When schedules fire: each kind, its validity, its edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from workflows.engine.calendar import (
    Schedule,
    first_due,
    missed,
    next_after,
    occurrences,
)

PARIS = ZoneInfo("Europe/Paris")
PLAIN = ZoneInfo("UTC")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(
    spec: dict[str, Any], after: str, count: int, zone: ZoneInfo = PLAIN
) -> list[str]:
    """Return the firings after a UTC instant as local texts."""
    found = occurrences(Schedule.parse(spec), at(after), count, zone=zone)
    return [f"{item.astimezone(zone):%Y-%m-%d %H:%M}" for item in found]


DAILY = {"kind": "daily", "time": "04:00"}
HOURLY = {"kind": "several_times_a_day", "every": "PT1H"}


@pytest.mark.parametrize(
    ("spec", "after", "expected"),
    [
        pytest.param(
            {"kind": "once", "start_date": "2026-05-05", "time": "07:00"},
            "2026-01-01",
            ["2026-05-05 07:00"],
            id="once",
        ),
        pytest.param(
            {"kind": "once", "date": "2026-05-05", "time": "07:00"},
            "2026-05-05T07:00",
            [],
            id="once-is-over-at-its-instant",
        ),
        pytest.param(
            {"kind": "several_times_a_day", "times": ["13:00", "07:00", "07:00"]},
            "2026-01-01T07:00",
            ["2026-01-01 13:00", "2026-01-02 07:00", "2026-01-02 13:00"],
            id="specific-times",
        ),
        pytest.param(
            {
                "kind": "several_times_a_day",
                "every": "2h",
                "from": "08:00",
                "until": "13:00",
            },
            "2026-01-01",
            [
                "2026-01-01 08:00",
                "2026-01-01 10:00",
                "2026-01-01 12:00",
                "2026-01-02 08:00",
            ],
            id="periodic-window",
        ),
        pytest.param(
            {"kind": "several_times_a_day", "every": "8h", "from": "06:00"},
            "2026-01-01T06:00",
            ["2026-01-01 14:00", "2026-01-01 22:00", "2026-01-02 06:00"],
            id="periodic-starts-again-each-day",
        ),
        pytest.param(
            {"kind": "several_times_a_day", "every": "6h", "from": "06:00"},
            "2026-01-01T18:00",
            ["2026-01-02 00:00", "2026-01-02 06:00"],
            id="periodic-until-midnight-included",
        ),
        pytest.param(
            {
                "kind": "several_times_a_day",
                "every": "4h",
                "from": "22:00",
                "until": "06:00",
                "start_date": "2026-01-02",
            },
            "2026-01-01",
            [
                "2026-01-02 22:00",
                "2026-01-03 02:00",
                "2026-01-03 06:00",
                "2026-01-03 22:00",
            ],
            id="periodic-over-midnight",
        ),
        pytest.param(
            {
                "kind": "several_times_a_day",
                "every": "36h",
                "from": "08:00",
                "start_date": "2026-01-01",
            },
            "2026-01-01",
            ["2026-01-01 08:00", "2026-01-02 20:00", "2026-01-04 08:00"],
            id="period-longer-than-a-day",
        ),
        pytest.param(
            {**DAILY, "interval": 3, "start_date": "2026-01-30"},
            "2026-01-31",
            ["2026-02-02 04:00", "2026-02-05 04:00"],
            id="every-third-day-from-start",
        ),
        pytest.param(
            {**DAILY, "interval": 0},
            "2026-01-01T04:00",
            ["2026-01-02 04:00"],
            id="repetition-zero-is-each-day",
        ),
        pytest.param(
            {
                "kind": "weekly",
                "weekdays": [1],
                "interval": 2,
                "time": "07:00",
                "start_date": "2026-01-07",
            },
            "2026-01-01",
            ["2026-01-19 07:00", "2026-02-02 07:00"],
            id="every-other-monday-counts-monday-weeks",
        ),
        pytest.param(
            {"kind": "weekly", "weekdays": [7, 1], "time": "07:00"},
            "2026-01-01",
            ["2026-01-04 07:00", "2026-01-05 07:00", "2026-01-11 07:00"],
            id="weekly-two-days",
        ),
        pytest.param(
            {"kind": "monthly", "month_days": [31], "time": "01:00"},
            "2026-01-31T01:00",
            ["2026-03-31 01:00", "2026-05-31 01:00", "2026-07-31 01:00"],
            id="missing-day-is-skipped",
        ),
        pytest.param(
            {"kind": "monthly", "month_days": ["last", 30], "time": "01:00"},
            "2027-12-31T02:00",
            [
                "2028-01-30 01:00",
                "2028-01-31 01:00",
                "2028-02-29 01:00",
                "2028-03-30 01:00",
            ],
            id="last-day",
        ),
        pytest.param(
            {
                "kind": "monthly",
                "ordinals": [{"nth": 2, "weekday": 2}],
                "months": [2, 6],
                "time": "01:00",
            },
            "2026-01-01",
            ["2026-02-10 01:00", "2026-06-09 01:00", "2027-02-09 01:00"],
            id="second-tuesday-of-chosen-months",
        ),
        pytest.param(
            {
                "kind": "monthly",
                "ordinals": [{"nth": "last", "weekday": 5}],
                "time": "01:00",
            },
            "2026-01-01",
            ["2026-01-30 01:00", "2026-02-27 01:00", "2026-03-27 01:00"],
            id="last-friday",
        ),
        pytest.param(
            {
                "kind": "monthly",
                "month_days": [15],
                "interval": 5,
                "times": ["01:00", "02:00"],
                "start_date": "2026-11-01",
            },
            "2026-01-01",
            ["2026-11-15 01:00", "2026-11-15 02:00", "2027-04-15 01:00"],
            id="every-fifth-month",
        ),
        pytest.param(
            {
                "kind": "yearly",
                "year_days": [{"month": 12, "day": 24}, {"month": 2, "day": 29}],
                "time": "01:00",
            },
            "2026-12-24T01:00",
            ["2027-12-24 01:00", "2028-02-29 01:00", "2028-12-24 01:00"],
            id="yearly-leap-day",
        ),
        pytest.param(
            {
                "kind": "yearly",
                "year_days": [{"month": 2, "day": 29}],
                "time": "01:00",
            },
            "2096-03-01",
            ["2104-02-29 01:00"],
            id="no-leap-day-in-2100",
        ),
    ],
)
def test_kind_fires_when_it_says(
    spec: dict[str, Any], after: str, expected: list[str]
) -> None:
    assert local(spec, after, len(expected) or 1) == expected


def test_expiry_by_count_counts_firings() -> None:
    schedule = Schedule.parse({**DAILY, "expiry": {"type": "count", "value": 3}})

    assert len(occurrences(schedule, at("2026-01-01"), 10, zone=PLAIN)) == 3
    assert (
        len(occurrences(schedule, at("2026-01-01"), 10, zone=PLAIN, count_so_far=2))
        == 1
    )
    assert next_after(schedule, at("2026-01-01"), 3, zone=PLAIN) is None


def test_expiry_by_date_includes_the_local_day() -> None:
    spec = {
        "kind": "daily",
        "time": "23:30",
        "expiry": {"type": "date", "value": "2026-07-02"},
    }

    assert local(spec, "2026-06-30T22:00", 9, PARIS) == [
        "2026-07-01 23:30",
        "2026-07-02 23:30",
    ]


def test_expiry_by_date_cuts_a_window_at_midnight() -> None:
    spec = {
        **HOURLY,
        "from": "22:00",
        "until": "03:00",
        "expiry": {"type": "date", "value": "2026-07-02"},
    }

    assert local(spec, "2026-07-02T20:00", 9) == [
        "2026-07-02 22:00",
        "2026-07-02 23:00",
    ]


def test_start_date_is_local() -> None:
    spec = {"kind": "daily", "time": "00:30", "start_date": "2026-07-02"}

    assert local(spec, "2026-06-01", 1, PARIS) == ["2026-07-02 00:30"]


def test_next_is_strictly_after_and_ignores_fractions() -> None:
    schedule = Schedule.parse(DAILY)
    due = at("2026-01-01T04:00")

    before = next_after(schedule, due - timedelta(microseconds=1), zone=PLAIN)
    after = next_after(schedule, due + timedelta(microseconds=1), zone=PLAIN)

    assert before == due
    assert next_after(schedule, due, zone=PLAIN) == due + timedelta(days=1)
    assert after == due + timedelta(days=1)


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_far_instants_are_answered(year: int) -> None:
    found = next_after(
        Schedule.parse(DAILY), datetime(year, 1, 1, tzinfo=UTC), zone=PARIS
    )

    assert (found is None) == (year == 9999)


def test_naive_instant_is_refused() -> None:
    naive = at("2026-01-01").replace(tzinfo=None)

    with pytest.raises(ValueError, match="zone"):
        next_after(Schedule.parse(DAILY), naive, zone=PLAIN)


def test_missed_counts_ten_years_of_seconds_at_once() -> None:
    schedule = Schedule.parse({"kind": "several_times_a_day", "every": "PT1S"})
    start = at("2026-01-01")

    found = missed(schedule, start, start + timedelta(days=3650), zone=PARIS, limit=2)

    assert found.count == 3650 * 86_400
    assert found.instants == (
        start + timedelta(seconds=1),
        start + timedelta(seconds=2),
    )
    assert found.last == start + timedelta(days=3650)


def test_missed_agrees_with_occurrences() -> None:
    schedule = Schedule.parse(
        {"kind": "several_times_a_day", "times": ["00:00", "02:00", "02:30", "23:59"]}
    )
    start = at("2026-03-20")

    listed = occurrences(schedule, start, 50, zone=PARIS)
    counted = missed(schedule, start, listed[-1], zone=PARIS, limit=100)

    assert counted.instants == tuple(listed)
    assert counted.count == 50


@pytest.mark.parametrize(
    ("lateness", "minutes", "is_due"),
    [("PT1H", 30, True), ("PT1H", 90, False), (None, 1, False), ("PT1H", -5, True)],
)
def test_once_in_the_past_is_due_within_its_lateness_only(
    lateness: str | None, minutes: int, is_due: bool
) -> None:
    schedule = Schedule.parse(
        {
            "kind": "once",
            "start_date": "2026-01-01",
            "time": "07:00",
            "max_lateness": lateness,
        }
    )
    instant = at("2026-01-01T07:00")

    found = first_due(schedule, instant + timedelta(minutes=minutes), zone=PLAIN)

    assert (found == instant) == is_due
