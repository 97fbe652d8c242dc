"""Schedules of every kind, in the stored shape, with the hours of clock changes."""

from __future__ import annotations

from typing import Any

TRICKY = ["00:00", "00:30", "01:45", "02:00", "02:15", "02:30", "02:45", "03:00"]
SUNDAY = 7
SPECS: dict[str, dict[str, Any]] = {
    "once": {"kind": "once", "date": "2028-02-29", "time": "02:30"},
    "specific-times": {"kind": "several_times_a_day", "times": [*TRICKY, "23:59"]},
    "specific-times-from-a-date": {
        "kind": "several_times_a_day",
        "times": ["04:00", "16:20"],
        "start_date": "2027-10-30",
    },
    "period-of-an-hour": {"kind": "several_times_a_day", "every": "PT1H"},
    "period-in-the-day": {
        "kind": "several_times_a_day",
        "every": "PT1H30M",
        "from": "01:15",
        "until": "22:15",
    },
    "period-to-midnight": {
        "kind": "several_times_a_day",
        "every": "PT45M",
        "from": "02:30",
    },
    "period-over-midnight": {
        "kind": "several_times_a_day",
        "every": "PT35M",
        "from": "22:00",
        "until": "02:30",
    },
    "period-that-does-not-fit-the-day": {
        "kind": "several_times_a_day",
        "every": "PT7H",
        "from": "00:30",
    },
    "period-of-days": {
        "kind": "several_times_a_day",
        "every": "P2D",
        "from": "02:30",
        "start_date": "2026-02-27",
    },
    "period-of-more-than-a-day-since-1970": {
        "kind": "several_times_a_day",
        "every": "P1DT6H",
        "from": "00:15",
    },
    "daily": {"kind": "daily", "time": "02:30"},
    "daily-several-times": {"kind": "daily", "times": TRICKY, "interval": 0},
    "every-three-days": {
        "kind": "daily",
        "time": "00:30",
        "interval": 3,
        "start_date": "2026-01-02",
    },
    "every-thirty-one-days-since-1970": {
        "kind": "daily",
        "time": "23:59",
        "interval": 31,
    },
    "weekly": {"kind": "weekly", "weekdays": [1, SUNDAY], "time": "02:15"},
    "every-other-monday": {
        "kind": "weekly",
        "weekdays": [1],
        "time": "07:00",
        "interval": 2,
        "start_date": "2026-01-07",
    },
    "every-five-weeks-since-1970": {
        "kind": "weekly",
        "weekdays": [3, 6, SUNDAY],
        "times": ["00:00", "02:30"],
        "interval": 5,
    },
    "days-of-the-month": {
        "kind": "monthly",
        "month_days": [1, 29, 30, 31],
        "time": "00:30",
    },
    "last-day-of-the-month": {
        "kind": "monthly",
        "month_days": [28, "last"],
        "times": ["02:30", "23:59"],
    },
    "days-of-chosen-months": {
        "kind": "monthly",
        "months": [2, 3, 10],
        "month_days": [29, "last"],
        "time": "02:30",
    },
    "every-other-month": {
        "kind": "monthly",
        "month_days": [15, 31],
        "time": "12:00",
        "interval": 2,
        "start_date": "2026-01-31",
    },
    "every-seven-months-since-1970": {
        "kind": "monthly",
        "month_days": [5],
        "time": "05:05",
        "interval": 7,
    },
    "second-tuesday": {
        "kind": "monthly",
        "ordinals": [{"nth": 2, "weekday": 2}],
        "time": "09:00",
    },
    "sundays-of-clock-changes": {
        "kind": "monthly",
        "ordinals": [{"nth": nth, "weekday": SUNDAY} for nth in (1, 2, 3, 4, "last")],
        "times": TRICKY,
    },
    "last-sunday-of-chosen-months": {
        "kind": "monthly",
        "months": [3, 10],
        "ordinals": [{"nth": "last", "weekday": SUNDAY}, {"nth": 4, "weekday": 5}],
        "time": "02:30",
    },
    "counted-weekdays-each-quarter": {
        "kind": "monthly",
        "ordinals": [{"nth": "last", "weekday": 5}],
        "time": "18:00",
        "interval": 3,
        "start_date": "2026-03-15",
    },
    "yearly": {
        "kind": "yearly",
        "year_days": [
            {"month": 2, "day": 29},
            {"month": 3, "day": 29},
            {"month": 10, "day": 25},
            {"month": 12, "day": 31},
        ],
        "times": ["00:00", "02:30"],
    },
    "leap-days-only": {
        "kind": "yearly",
        "year_days": [{"month": 2, "day": 29}],
        "time": "02:30",
    },
    "until-a-date": {
        "kind": "daily",
        "times": ["00:00", "02:30", "23:59"],
        "start_date": "2026-03-20",
        "expiry": {"type": "date", "value": "2029-03-25"},
    },
    "period-until-a-date": {
        "kind": "several_times_a_day",
        "every": "PT2H",
        "from": "21:00",
        "until": "05:00",
        "start_date": "2026-10-01",
        "expiry": {"type": "date", "value": "2028-10-29"},
    },
    "after-a-number": {
        "kind": "weekly",
        "weekdays": [SUNDAY],
        "times": TRICKY,
        "start_date": "2026-02-01",
        "expiry": {"type": "count", "value": 500},
    },
}
