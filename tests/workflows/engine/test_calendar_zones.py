"""Zones and clock changes: gaps, repeated hours, and which zone applies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from workflows.engine.calendar import (
    Mark,
    Schedule,
    missed,
    occurrences,
    preview,
    resolve_zone,
    zone_changes,
)

PARIS = ZoneInfo("Europe/Paris")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
NEW_YORK = ZoneInfo("America/New_York")
PLAIN = ZoneInfo("UTC")
DAILY = {"kind": "daily", "time": "04:00"}
HOURLY = {"kind": "several_times_a_day", "every": "PT1H"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def utc(spec: dict[str, Any], after: str, count: int, zone: ZoneInfo) -> list[str]:
    found = occurrences(Schedule.parse(spec), at(after), count, zone=zone)
    return [f"{item:%m-%d %H:%M}" for item in found]


@pytest.mark.parametrize(
    ("zone", "spec", "after", "expected"),
    [
        pytest.param(
            PARIS,
            {"kind": "daily", "time": "02:30"},
            "2026-03-27T12:00",
            ["03-28 01:30", "03-29 01:00", "03-30 00:30"],
            id="paris-gap-fires-at-its-end",
        ),
        pytest.param(
            PARIS,
            {"kind": "daily", "time": "02:30"},
            "2026-10-24T00:30",
            ["10-25 00:30", "10-26 01:30"],
            id="paris-fold-fires-on-the-first",
        ),
        pytest.param(
            PARIS,
            DAILY,
            "2026-03-28T02:00",
            ["03-28 03:00", "03-29 02:00", "03-30 02:00"],
            id="paris-four-stays-four",
        ),
        pytest.param(
            PARIS,
            {"kind": "several_times_a_day", "times": ["02:00", "02:45", "03:00"]},
            "2026-03-28T12:00",
            ["03-29 01:00", "03-30 00:00"],
            id="paris-collapsed-times-fire-once",
        ),
        pytest.param(
            PARIS,
            {
                "kind": "several_times_a_day",
                "every": "30m",
                "from": "02:15",
                "until": "04:00",
            },
            "2026-03-28T12:00",
            ["03-29 01:00", "03-29 01:30", "03-29 02:00", "03-30 00:15"],
            id="paris-periodic-starts-after-the-gap",
        ),
        pytest.param(
            PARIS,
            {"kind": "once", "start_date": "2026-03-29", "time": "02:59:59"},
            "2026-01-01T00:00",
            ["03-29 01:00"],
            id="paris-once-in-the-gap",
        ),
        pytest.param(
            LORD_HOWE,
            {"kind": "daily", "time": "02:15"},
            "2026-10-02T12:00",
            ["10-02 15:45", "10-03 15:30", "10-04 15:15"],
            id="lord-howe-half-hour-gap",
        ),
        pytest.param(
            LORD_HOWE,
            {"kind": "daily", "time": "01:45"},
            "2026-04-03T15:00",
            ["04-04 14:45", "04-05 15:15"],
            id="lord-howe-half-hour-fold",
        ),
        pytest.param(
            NEW_YORK,
            {"kind": "weekly", "weekdays": [7], "time": "02:30"},
            "2026-03-07T00:00",
            ["03-08 07:00", "03-15 06:30"],
            id="new-york-weekly-gap",
        ),
        pytest.param(
            NEW_YORK,
            {"kind": "yearly", "year_days": [{"month": 11, "day": 1}], "time": "01:30"},
            "2026-10-01T00:00",
            ["11-01 05:30"],
            id="new-york-yearly-fold",
        ),
        pytest.param(
            PLAIN,
            {"kind": "daily", "time": "02:30"},
            "2026-03-28T12:00",
            ["03-29 02:30", "03-30 02:30"],
            id="utc-has-no-gaps",
        ),
        pytest.param(
            ZoneInfo("America/Santiago"),
            {"kind": "daily", "time": "00:00"},
            "2026-09-05T12:00",
            ["09-06 04:00", "09-07 03:00"],
            id="santiago-has-no-midnight",
        ),
        pytest.param(
            ZoneInfo("Asia/Kolkata"),
            DAILY,
            "2026-03-28T12:00",
            ["03-28 22:30", "03-29 22:30"],
            id="kolkata",
        ),
    ],
)
def test_clock_change(
    zone: ZoneInfo, spec: dict[str, Any], after: str, expected: list[str]
) -> None:
    assert utc(spec, after, len(expected), zone) == expected


@pytest.mark.parametrize(
    ("zone", "midnight", "hours", "slots"),
    [
        (PARIS, "2026-03-28T23:00", 23, 23),
        (PARIS, "2026-10-24T22:00", 25, 25),
        (PARIS, "2026-06-01T22:00", 24, 24),
        (LORD_HOWE, "2026-10-03T13:30", 23.5, 24),
        (LORD_HOWE, "2026-04-04T13:00", 24.5, 25),
        (NEW_YORK, "2026-03-08T05:00", 23, 23),
        (NEW_YORK, "2026-11-01T04:00", 25, 25),
    ],
)
def test_hourly_day_has_a_slot_per_elapsed_hour(
    zone: ZoneInfo, midnight: str, hours: float, slots: int
) -> None:
    start = at(midnight)

    found = missed(
        Schedule.parse(HOURLY),
        start - timedelta(seconds=1),
        start + timedelta(hours=hours, seconds=-1),
        zone=zone,
    )

    assert found.count == slots


def test_a_day_left_out_by_the_calendar_collapses_on_its_end() -> None:
    apia = ZoneInfo("Pacific/Apia")

    found = utc({"kind": "daily", "time": "10:00"}, "2011-12-29T12:00", 3, apia)

    assert found == ["12-29 20:00", "12-30 10:00", "12-30 20:00"]


def test_zone_offsets_are_not_zones() -> None:
    fixed = utc(DAILY, "2026-03-29T12:00", 1, ZoneInfo("Etc/GMT-1"))
    summer = utc(DAILY, "2026-03-29T12:00", 1, PARIS)

    assert fixed == ["03-30 03:00"]
    assert summer == ["03-30 02:00"]


def test_preview_marks_clock_changes_and_expiry() -> None:
    gap = Schedule.parse(
        {
            "kind": "daily",
            "time": "02:30",
            "expiry": {"type": "date", "value": "2026-03-30"},
        }
    )
    fold = Schedule.parse({"kind": "daily", "time": "02:30"})

    marks = [item.mark for item in preview(gap, at("2026-03-28"), 4, zone=PARIS)]
    fold_marks = [item.mark for item in preview(fold, at("2026-10-25"), 2, zone=PARIS)]

    assert marks == [Mark.NONE, Mark.MOVED, Mark.NONE, Mark.EXPIRED]
    assert fold_marks == [Mark.REPEATED, Mark.NONE]


def test_zone_changes_are_found() -> None:
    changes = zone_changes(PARIS, at("2026-01-01"))

    assert [item.instant for item in changes] == [
        at("2026-03-29T01:00"),
        at("2026-10-25T01:00"),
    ]
    assert changes[0].after - changes[0].before == timedelta(hours=1)
    assert zone_changes(PLAIN, at("2026-01-01")) == []


@pytest.mark.parametrize(
    ("tz", "workflow_tz", "user_tz", "expected"),
    [
        ("Asia/Seoul", "Europe/Paris", "", "Asia/Seoul"),
        ("default", "Europe/Paris", "", "Europe/Paris"),
        ("default", "", "", "America/New_York"),
        ("default", "default", "", "America/New_York"),
        ("server", "Europe/Paris", "", "America/New_York"),
        ("user", "Europe/Paris", "Asia/Tokyo", "Asia/Tokyo"),
        ("user", "Europe/Paris", "", "America/New_York"),
        ("default", "user", "Asia/Tokyo", "Asia/Tokyo"),
        ("database", "", "", "UTC"),
    ],
)
def test_zone_is_resolved_activity_workflow_server(
    tz: str, workflow_tz: str, user_tz: str, expected: str
) -> None:
    zone = resolve_zone(
        tz,
        workflow_tz=workflow_tz,
        server_tz="America/New_York",
        user_tz=user_tz,
        database_tz="UTC",
    )

    assert zone.key == expected


def test_unknown_zone_is_named() -> None:
    with pytest.raises(ValueError, match="Mars/Base"):
        resolve_zone("default", workflow_tz="Mars/Base", server_tz="UTC")
