"""Cron notations become the nearest schedule kind, or are refused clearly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from workflows.engine.calendar import ScheduleError, from_cron, occurrences

SEVERAL = "several_times_a_day"


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("* * * * *", {"kind": SEVERAL, "every": "PT1M", "from": "00:00"}),
        ("*/5 * * * *", {"kind": SEVERAL, "every": "PT5M", "from": "00:00"}),
        ("5-59/15 * * * *", {"kind": SEVERAL, "every": "PT15M", "from": "00:05"}),
        ("0 * * * *", {"kind": SEVERAL, "every": "PT1H", "from": "00:00"}),
        ("50 * * * *", {"kind": SEVERAL, "every": "PT1H", "from": "00:50"}),
        ("30 */8 * * *", {"kind": SEVERAL, "every": "PT8H", "from": "00:30"}),
        (
            "*/15 8-18 * * *",
            {"kind": SEVERAL, "every": "PT15M", "from": "08:00", "until": "18:45"},
        ),
        (
            "0 8-18/2 * * *",
            {"kind": SEVERAL, "every": "PT2H", "from": "08:00", "until": "18:00"},
        ),
        (
            "0 1,7,13,19 * * *",
            {"kind": SEVERAL, "times": ["01:00", "07:00", "13:00", "19:00"]},
        ),
        (
            "0 */9 * * *",
            {"kind": SEVERAL, "times": ["00:00", "09:00", "18:00"]},
        ),
        ("0 4 * * *", {"kind": "daily", "time": "04:00", "interval": 1}),
        (
            "0 5 * * 1",
            {"kind": "weekly", "time": "05:00", "interval": 1, "weekdays": [1]},
        ),
        (
            "0 5 * * sun,7,0",
            {"kind": "weekly", "time": "05:00", "interval": 1, "weekdays": [7]},
        ),
        (
            "30 6 * * MON-FRI",
            {
                "kind": "weekly",
                "time": "06:30",
                "interval": 1,
                "weekdays": [1, 2, 3, 4, 5],
            },
        ),
        ("0 4 * * 0-6", {"kind": "daily", "time": "04:00", "interval": 1}),
        (
            "0 1 25 * *",
            {"kind": "monthly", "time": "01:00", "interval": 1, "month_days": [25]},
        ),
        (
            "0 1 1,15 */6 *",
            {
                "kind": "monthly",
                "time": "01:00",
                "interval": 1,
                "months": [1, 7],
                "month_days": [1, 15],
            },
        ),
        (
            "@yearly",
            {
                "kind": "yearly",
                "time": "00:00",
                "year_days": [{"month": 1, "day": 1}],
            },
        ),
    ],
)
def test_nearest_kind(cron: str, expected: dict[str, Any]) -> None:
    always = {"expiry": {"type": "never"}, "tz": "default", "misfire": "fire_once"}

    assert from_cron(cron).as_dict() == {**expected, **always}


@pytest.mark.parametrize(
    ("cron", "word"),
    [
        ("", "five fields"),
        ("0 4 * *", "five fields"),
        ("@reboot", "five fields"),
        ("60 * * * *", "60"),
        ("a * * * *", "whole numbers"),
        ("0 4 * * 8", "8"),
        ("0 4 L * *", "l"),
        ("0 4 * * 1#2", "1#2"),
        ("0 20-4 * * *", "backwards"),
        ("*/0 * * * *", "whole numbers"),
        ("*/7 * * * *", "216"),
        ("* 8-18 * * 1", "660"),
        ("0 0 1 * 1", "either"),
        ("0 0 * 6 1", "counted weekdays"),
        ("0 0 30 2 *", "no day 30"),
    ],
)
def test_refusal_says_why(cron: str, word: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        from_cron(cron)

    (fault,) = caught.value.faults
    assert fault.field == "cron"
    assert word in fault.message


@pytest.mark.parametrize(
    ("cron", "count"),
    [
        ("*/10 * * * *", 144),
        ("45 * * * *", 24),
        ("30 */8 * * *", 3),
        ("*/20 9-10 * * *", 6),
        ("0 */5 * * *", 5),
        ("15,45 3,4 * * *", 4),
    ],
)
def test_plain_day_has_the_firings_of_cron(cron: str, count: int) -> None:
    start = datetime(2026, 5, 31, 23, 59, 59, tzinfo=UTC)

    found = occurrences(from_cron(cron), start, 500, zone=ZoneInfo("UTC"))

    first_of_june = [item for item in found if (item.month, item.day) == (6, 1)]
    assert len(first_of_june) == count
