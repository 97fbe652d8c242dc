"""Scenario 11: what the previews show is what the engine fires.

Each kind of schedule in five zones: the rare ones through a whole year, the daily
ones about the clock changes of the zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaign.access.models import Operator
from tests.workflows.engine import brute_calendar
from tests.workflows.scenarios.simulated import (
    Sample,
    at,
    come_back,
    live_until,
    next_due,
    save,
    started,
)
from workflows.actions import next_runs, preview_schedule

pytestmark = pytest.mark.django_db

ZONES = (
    "Europe/Paris",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "UTC",
)
SPRING_AND_AUTUMN = {
    "Europe/Paris": ("2026-03-26", "2026-10-22"),
    "America/New_York": ("2026-03-05", "2026-10-29"),
    "Asia/Kolkata": ("2026-02-25", "2026-12-27"),
    "Australia/Lord_Howe": ("2026-04-02", "2026-10-01"),
    "UTC": ("2026-02-25", "2026-12-27"),
}
SUNDAY = 7
OF_THE_YEAR: dict[str, dict[str, Any]] = {
    "once": {"kind": "once", "date": "2026-10-25", "time": "02:30"},
    "weekly": {
        "kind": "weekly",
        "weekdays": [SUNDAY],
        "time": "02:30",
        "interval": 2,
        "start_date": "2026-01-04",
    },
    "days_of_the_month": {
        "kind": "monthly",
        "month_days": [30, "last"],
        "time": "02:15",
    },
    "counted_weekdays": {
        "kind": "monthly",
        "months": [3, 4, 10, 11],
        "ordinals": [{"nth": nth, "weekday": SUNDAY} for nth in (1, 2, "last")],
        "time": "02:30",
    },
    "yearly": {
        "kind": "yearly",
        "year_days": [
            {"month": 2, "day": 29},
            {"month": 3, "day": 29},
            {"month": 10, "day": 4},
            {"month": 12, "day": 31},
        ],
        "times": ["00:00", "02:30"],
    },
}
OF_THE_DAY: dict[str, dict[str, Any]] = {
    "specific_times": {
        "kind": "several_times_a_day",
        "times": ["02:00", "02:30", "03:00"],
    },
    "period": {
        "kind": "several_times_a_day",
        "every": "PT50M",
        "from": "22:30",
        "until": "03:30",
    },
    "daily": {"kind": "daily", "time": "02:30"},
}
YEARS_END = datetime(2027, 1, 1, tzinfo=UTC)


def in_zone(
    schedules: Mapping[str, dict[str, Any]], zone: str, **more: Any
) -> dict[str, dict[str, Any]]:
    return {name: {**spec, "tz": zone, **more} for name, spec in schedules.items()}


def previews_of_a_year(samples: Mapping[str, Sample]) -> dict[str, list[datetime]]:
    """Live through 2026; return what the previews showed, ten instants at a time."""
    shown: dict[str, list[datetime]] = {name: [] for name in samples}
    now: datetime | None = brute_calendar.BEGIN
    while now is not None and now < YEARS_END:
        if now > brute_calendar.BEGIN:
            come_back(now)
        for name, sample in samples.items():
            if len(sample.fired) == len(shown[name]):
                shown[name] += next_runs(sample.workflow, now, 10)
        now = next_due()
    return {name: [i for i in shown[name] if i < YEARS_END] for name in samples}


@pytest.mark.parametrize("zone", ZONES)
def test_scenario_11_previews_equal_the_firings_of_a_year(zone: str) -> None:
    with started(in_zone(OF_THE_YEAR, zone), brute_calendar.BEGIN) as samples:
        shown = previews_of_a_year(samples)
        fired = {name: sample.fired for name, sample in samples.items()}

    assert fired == shown
    assert fired == {
        name: [i for i in brute_calendar.firings(spec, zone) if i < YEARS_END]
        for name, spec in OF_THE_YEAR.items()
    }


@pytest.mark.parametrize("zone", ZONES)
def test_scenario_11_previews_before_saving_equal_the_firings_about_clock_changes(
    zone: str, administrator: Operator
) -> None:
    ten = {"type": "count", "value": 10}
    schedules = in_zone(OF_THE_DAY, zone, expiry=ten)
    shown: dict[str, list[datetime]] = {name: [] for name in schedules}

    with started(schedules, brute_calendar.BEGIN) as samples:
        for number, day in enumerate(SPRING_AND_AUTUMN[zone], start=1):
            for name, sample in samples.items():
                # An unchanged schedule would keep its plan.
                edited = {**schedules[name], "max_lateness": f"PT{number}H"}
                preview = preview_schedule(
                    workflow=sample.workflow, schedule=edited, at=at(day)
                )
                shown[name] += [line.instant for line in preview.new]
                save(name, edited, administrator, at(day))
            live_until(at(day) + timedelta(days=30))
        fired = {name: sample.fired for name, sample in samples.items()}

    assert fired == shown
