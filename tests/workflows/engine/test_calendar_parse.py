"""Stored shape of schedules: what is read, refused and written back."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest

from workflows.engine.calendar import (
    Kind,
    Policy,
    Schedule,
    ScheduleError,
    format_duration,
    parse_duration,
)

DAILY = {"kind": "daily", "time": "04:00"}
PERIODIC = {"kind": "several_times_a_day", "every": "PT15M"}
WEEKLY = {"kind": "weekly", "weekdays": [1], "time": "04:00"}
MONTHLY = {"kind": "monthly", "month_days": [1], "time": "04:00"}
YEARLY = {"kind": "yearly", "year_days": [{"month": 1, "day": 1}], "time": "04:00"}
ONCE = {"kind": "once", "start_date": "2026-01-01", "time": "04:00"}


def faulty_fields(spec: Any, **options: Any) -> list[str]:
    with pytest.raises(ScheduleError) as caught:
        Schedule.parse(spec, **options)
    return sorted({fault.field for fault in caught.value.faults})


@pytest.mark.parametrize(
    "spec",
    [
        ONCE,
        DAILY,
        PERIODIC,
        WEEKLY,
        MONTHLY,
        YEARLY,
        {**PERIODIC, "from": "08:00", "until": "18:00", "start_date": "2026-01-01"},
        {"kind": "several_times_a_day", "times": ["01:00", "07:00:30"]},
        {**WEEKLY, "interval": 2, "weekdays": ["3", 1, 1], "tz": "Europe/Paris"},
        {**MONTHLY, "months": [12, 1], "month_days": ["last", 3], "interval": 1},
        {
            "kind": "monthly",
            "times": ["04:00", "05:00"],
            "ordinals": [{"nth": "last", "weekday": 5}, {"nth": 1, "weekday": 2}],
        },
        {**DAILY, "expiry": {"type": "count", "value": 5}, "misfire": "skip"},
        {**DAILY, "expiry": {"type": "date", "value": "2030-01-31"}},
        {**DAILY, "on_resume": "fire_all", "max_lateness": "1h30m", "jitter": 300},
    ],
)
def test_written_shape_reads_back_the_same(spec: dict[str, Any]) -> None:
    schedule = Schedule.parse(spec)

    written = schedule.as_dict()

    assert Schedule.parse(written) == schedule
    assert Schedule.parse(written).as_dict() == written
    assert hash(Schedule.parse(written)) == hash(schedule)


def test_written_shape_is_canonical() -> None:
    schedule = Schedule.parse(
        {
            **MONTHLY,
            "time": None,
            "times": ["4:00"],
            "months": list(range(1, 13)),
            "month_days": ["last", "5", 5],
            "max_lateness": "90m",
            "ordinals": [],
            "every": "",
        }
    )

    assert schedule.as_dict() == {
        "kind": "monthly",
        "time": "04:00",
        "interval": 1,
        "month_days": [5, "last"],
        "expiry": {"type": "never"},
        "tz": "default",
        "misfire": "fire_once",
        "max_lateness": "PT1H30M",
    }


def test_date_is_another_name_for_the_day_of_once() -> None:
    schedule = Schedule.parse({"kind": "once", "date": "2026-01-01", "time": "04:00"})

    assert schedule == Schedule.parse(ONCE)
    assert schedule.as_dict()["start_date"] == "2026-01-01"


def test_typed_values_are_taken_as_they_are() -> None:
    schedule = Schedule.parse(
        {"kind": Kind.DAILY, "time": time(4), "start_date": date(2026, 1, 1)}
    )

    assert schedule.times == (time(4),)
    assert schedule.start_date == date(2026, 1, 1)
    assert schedule.resume_policy is Policy.FIRE_ONCE


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ([], ["schedule"]),
        ("daily", ["schedule"]),
        ({}, ["kind"]),
        ({"kind": "hourly"}, ["kind"]),
        ({"kind": ["daily"], "time": "04:00"}, ["kind"]),
        ({"kind": "daily"}, ["time"]),
        ({**DAILY, "time": "24:00"}, ["time"]),
        ({**DAILY, "time": 4}, ["time"]),
        ({**DAILY, "times": ["05:00"]}, ["time"]),
        ({**DAILY, "cron": "* * * * *"}, ["cron"]),
        ({**DAILY, "weekdays": [1]}, ["weekdays"]),
        ({**DAILY, "interval": -1}, ["interval"]),
        ({**DAILY, "interval": True}, ["interval"]),
        ({**DAILY, "interval": 1.5}, ["interval"]),
        ({**DAILY, "start_date": "2026-02-30"}, ["start_date"]),
        ({**DAILY, "start_date": "20260201"}, ["start_date"]),
        ({**DAILY, "start_date": "1066-10-14"}, ["start_date"]),
        ({**DAILY, "tz": "Mars/Base"}, ["tz"]),
        ({**DAILY, "tz": "../etc/passwd"}, ["tz"]),
        ({**DAILY, "tz": "Europe"}, ["tz"]),
        ({**DAILY, "tz": 1}, ["tz"]),
        ({**DAILY, "misfire": "sometimes"}, ["misfire"]),
        ({**DAILY, "max_lateness": "P1M"}, ["max_lateness"]),
        ({**DAILY, "max_lateness": "0s"}, ["max_lateness"]),
        ({**DAILY, "jitter": "6m"}, ["jitter"]),
        ({**DAILY, "expiry": 5}, ["expiry"]),
        ({**DAILY, "expiry": {"type": "count"}}, ["expiry.value"]),
        ({**DAILY, "expiry": {"type": "count", "value": 0}}, ["expiry.value"]),
        ({**DAILY, "expiry": {"type": "date", "value": "soon"}}, ["expiry.value"]),
        ({**DAILY, "expiry": {"value": 3}}, ["expiry.type"]),
        ({**DAILY, "expiry": {"type": "never", "value": 3}}, ["expiry.value"]),
        (
            {
                **DAILY,
                "start_date": "2026-02-02",
                "expiry": {"type": "date", "value": "2026-02-01"},
            },
            ["expiry"],
        ),
        (
            {
                **MONTHLY,
                "start_date": "2026-02-02",
                "expiry": {"type": "date", "value": "2026-02-10"},
            },
            ["expiry"],
        ),
        ({"kind": "once", "time": "04:00"}, ["start_date"]),
        ({**ONCE, "date": "2026-01-02"}, ["date"]),
        ({**ONCE, "expiry": {"type": "count", "value": 2}}, ["expiry"]),
        (
            {
                "kind": "once",
                "start_date": "2026-01-01",
                "times": ["04:00", "05:00"],
            },
            ["times"],
        ),
        ({"kind": "several_times_a_day"}, ["times"]),
        ({"kind": "several_times_a_day", "times": "04:00"}, ["times"]),
        (
            {"kind": "several_times_a_day", "times": ["04:00"], "from": "1:00"},
            ["from"],
        ),
        ({**PERIODIC, "times": ["04:00"]}, ["times"]),
        ({**PERIODIC, "every": "0s"}, ["every"]),
        ({**PERIODIC, "every": "P2Y"}, ["every"]),
        ({**PERIODIC, "every": "400d"}, ["every"]),
        ({**PERIODIC, "every": "PT1M", "jitter": "PT1M"}, ["jitter"]),
        (
            {
                "kind": "several_times_a_day",
                "times": ["23:59", "00:01"],
                "jitter": "2m",
            },
            ["jitter"],
        ),
        ({"kind": "weekly", "time": "04:00"}, ["weekdays"]),
        ({**WEEKLY, "weekdays": [0, 8]}, ["weekdays"]),
        ({"kind": "monthly", "time": "04:00"}, ["month_days"]),
        ({**MONTHLY, "ordinals": [{"nth": 1, "weekday": 1}]}, ["ordinals"]),
        ({**MONTHLY, "month_days": [0, "first"]}, ["month_days"]),
        ({**MONTHLY, "month_days": [30, 31], "months": [2]}, ["month_days"]),
        (
            {
                "kind": "monthly",
                "time": "04:00",
                "ordinals": [{"nth": 5, "weekday": 9}],
            },
            ["ordinals.nth", "ordinals.weekday"],
        ),
        (
            {"kind": "monthly", "time": "04:00", "ordinals": [{"nth": 1}]},
            ["ordinals"],
        ),
        (
            {
                "kind": "monthly",
                "time": "04:00",
                "ordinals": [{"nth": None, "weekday": 1}],
            },
            ["ordinals.nth"],
        ),
        (
            {
                **MONTHLY,
                "months": [5],
                "interval": 12,
                "start_date": "2026-04-01",
            },
            ["months"],
        ),
        ({"kind": "yearly", "time": "04:00"}, ["year_days"]),
        (
            {**YEARLY, "year_days": [{"month": 2, "day": 30}]},
            ["year_days.day"],
        ),
        (
            {**YEARLY, "year_days": [{"month": 13, "day": 1}]},
            ["year_days.month"],
        ),
    ],
)
def test_fault_names_its_field(spec: Any, fields: list[str]) -> None:
    assert faulty_fields(spec) == fields


def test_all_faults_come_at_once_with_a_remedy() -> None:
    spec = {"kind": "weekly", "time": "soon", "tz": "Mars", "expiry": "later"}

    with pytest.raises(ScheduleError) as caught:
        Schedule.parse(spec)

    faults = {fault.field: fault.message for fault in caught.value.faults}
    assert set(faults) == {"time", "tz", "expiry", "weekdays"}
    assert "HH:MM" in faults["time"]
    assert "Europe/Paris" in faults["tz"]
    assert "time: " in str(caught.value)


def test_minimum_holds_for_repetition_and_times() -> None:
    close = {"kind": "several_times_a_day", "times": ["04:00", "04:05"]}

    assert faulty_fields({**PERIODIC, "every": 300}, minimum_seconds=600) == ["every"]
    assert faulty_fields(close, minimum_seconds=600) == ["times"]
    assert Schedule.parse(PERIODIC, minimum_seconds=600).every_seconds == 900


@pytest.mark.parametrize(
    ("text", "seconds", "canonical"),
    [
        ("PT15M", 900, "PT15M"),
        ("pt1h30m", 5400, "PT1H30M"),
        ("90s", 90, "PT1M30S"),
        ("1h30m", 5400, "PT1H30M"),
        ("1 h 5 min", 3900, "PT1H5M"),
        ("2d", 172_800, "P2D"),
        ("1w", 604_800, "P7D"),
        ("P1DT2H", 93_600, "P1DT2H"),
        ("45", 45, "PT45S"),
        (20, 20, "PT20S"),
        (0, 0, "PT0S"),
    ],
)
def test_duration(text: str | int, seconds: int, canonical: str) -> None:
    assert parse_duration(text) == seconds
    assert format_duration(seconds) == canonical
    assert parse_duration(canonical) == seconds


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "PT1.5H", "-5", -5, True, 1.5, None, "5x", "P1M", "9" * 50]
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_duration(text)
