"""Every schedule reads as one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from workflows.engine.calendar import Schedule, from_cron
from workflows.engine.schedule_text import describe, format_length

SEVERAL = "several_times_a_day"


@pytest.mark.parametrize(
    ("cron", "text"),
    [
        ("* * * * *", "Every minute"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("0 * * * *", "Every hour"),
        ("50 * * * *", "Every hour, at 50 minutes past"),
        ("30 */8 * * *", "Every 8 hours, starting at 00:30 each day"),
        ("*/15 8-18 * * *", "Every 15 minutes, from 08:00 to 18:45 each day"),
        ("0 4 * * *", "Every day at 04:00"),
        ("0 1,7,13,19 * * *", "Every day at 01:00, 07:00, 13:00 and 19:00"),
        ("0 5 * * 1", "Every Monday at 05:00"),
        ("0 6 * * 1-5", "Every weekday at 06:00"),
        ("*/15 8-18 * * 1-5", "Every weekday, 44 times between 08:00 and 18:45"),
        ("0 1 25 * *", "On the 25th of each month at 01:00"),
        ("0 6 1 */3 *", "On the 1st of January, April, July and October at 06:00"),
        ("0 0 * 6 *", "On every day of June at 00:00"),
        ("0 0 1 1 *", "Every year on 1 January at 00:00"),
    ],
)
def test_sentence_of_a_cron_notation(cron: str, text: str) -> None:
    assert describe(from_cron(cron)) == text


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (
            {"kind": "once", "start_date": "2026-02-03", "time": "07:00:30"},
            "Once, on Feb. 3, 2026 at 07:00:30",
        ),
        ({"kind": SEVERAL, "every": 1}, "Every second"),
        ({"kind": SEVERAL, "every": 20}, "Every 20 seconds"),
        ({"kind": SEVERAL, "every": "90m"}, "Every 90 minutes"),
        ({"kind": SEVERAL, "every": "1m1s"}, "Every 61 seconds"),
        ({"kind": SEVERAL, "every": "1h1s"}, "Every 1 hour and 1 second"),
        ({"kind": SEVERAL, "every": "24h"}, "Every day"),
        ({"kind": SEVERAL, "every": "2d"}, "Every 2 days"),
        (
            {"kind": SEVERAL, "every": "1h", "from": "22:00", "until": "06:00"},
            "Every hour, each day from 22:00 to 06:00 of the next day",
        ),
        (
            {
                "kind": SEVERAL,
                "every": "36h",
                "from": "08:00",
                "start_date": "2026-03-01",
            },
            "Every 36 hours, counted from March 1, 2026 at 08:00",
        ),
        ({"kind": "daily", "interval": 2, "time": "07:00"}, "Every other day at 07:00"),
        ({"kind": "daily", "interval": 5, "time": "07:00"}, "Every 5 days at 07:00"),
        (
            {"kind": "weekly", "interval": 2, "weekdays": [1], "time": "07:00"},
            "Every other Monday at 07:00",
        ),
        (
            {"kind": "weekly", "interval": 3, "weekdays": [1, 5], "time": "07:00"},
            "Every 3 weeks on Monday and Friday at 07:00",
        ),
        (
            {"kind": "weekly", "weekdays": [1, 2, 3, 4, 5, 6, 7], "time": "07:00"},
            "Every day at 07:00",
        ),
        (
            {
                "kind": "monthly",
                "ordinals": [{"nth": 2, "weekday": 2}, {"nth": "last", "weekday": 5}],
                "time": "07:00",
            },
            "On the second Tuesday and the last Friday of each month at 07:00",
        ),
        (
            {"kind": "monthly", "month_days": [2, 11, 23, "last"], "time": "07:00"},
            "On the 2nd, the 11th, the 23rd and the last day of each month at 07:00",
        ),
        (
            {"kind": "monthly", "month_days": [1], "interval": 3, "time": "07:00"},
            "Every 3 months, on the 1st at 07:00",
        ),
        (
            {"kind": "yearly", "year_days": [{"month": 2, "day": 29}], "time": "07:00"},
            "Every year on 29 February at 07:00",
        ),
        (
            {
                "kind": "daily",
                "time": "07:00",
                "start_date": "2026-03-01",
                "expiry": {"type": "count", "value": 5},
            },
            "Every day at 07:00, from March 1, 2026 on, 5 times in all",
        ),
        (
            {
                "kind": "daily",
                "time": "07:00",
                "expiry": {"type": "date", "value": "2027-01-31"},
            },
            "Every day at 07:00, until Jan. 31, 2027",
        ),
    ],
)
def test_sentence_of_a_schedule(spec: dict[str, Any], text: str) -> None:
    assert describe(Schedule.parse(spec)) == text


def test_validity_may_be_left_out() -> None:
    schedule = Schedule.parse(
        {"kind": "daily", "time": "07:00", "start_date": "2026-03-01"}
    )

    assert describe(schedule, with_validity=False) == "Every day at 07:00"


def test_names_follow_the_active_language() -> None:
    with translation.override("fr"):
        text = describe(from_cron("0 5 * * 1"))

    assert "lundi" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (5400, "1 hour and 30 minutes"),
        (180_061, "2 days, 2 hours, 1 minute and 1 second"),
    ],
)
def test_length_in_words(seconds: int, text: str) -> None:
    assert format_length(seconds) == text
