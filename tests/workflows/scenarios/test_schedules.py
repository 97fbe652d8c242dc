"""Schedules on days of clock changes, after outages and pauses, and when edited.

Scenarios 12 to 15; scenario 11 is in ``test_schedule_previews``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from campaign.access.models import Operator
from tests.workflows.scenarios.simulated import (
    Sample,
    at,
    come_back,
    live_until,
    save,
    started,
)
from workflows.actions import issue_command
from workflows.models import CommandName, Source

pytestmark = pytest.mark.django_db

HOURLY = {"kind": "several_times_a_day", "every": "PT1H", "tz": "UTC"}
DAILY = {"kind": "daily", "time": "12:00", "tz": "UTC"}
BACK = datetime(2026, 5, 20, 19, 30, tzinfo=UTC)
NINE = [datetime(2026, 5, 20, hour, tzinfo=UTC) for hour in range(11, 20)]
RESUMED = datetime(2026, 5, 23, 10, 30, tzinfo=UTC)
HELD = [datetime(2026, 5, 20, 11, tzinfo=UTC) + timedelta(hours=n) for n in range(72)]


def steer(command: CommandName, operator: Operator, when: datetime) -> None:
    issue_command(
        internal_name="hourly",
        name=command,
        acting_operator=operator,
        source=Source.CONSOLE,
        at=when,
    )


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        pytest.param(
            "2026-03-30T12:00",
            ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"],
            id="spring-at-three",
        ),
        pytest.param(
            "2026-10-26T12:00",
            ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"],
            id="autumn-the-first-time-only",
        ),
    ],
)
def test_scenario_12_half_past_two_fires_once_on_days_of_clock_changes(
    until: str, expected: list[str]
) -> None:
    daily = {"kind": "daily", "time": "02:30", "tz": "Europe/Paris"}

    with started({"daily": daily}, at(until) - timedelta(days=3)) as samples:
        live_until(at(until))

        assert samples["daily"].fired == [at(text) for text in expected]


@contextmanager
def hourly(**policies: str) -> Iterator[Sample]:
    """Let an hourly workflow fire at eight, nine and ten."""
    with started({"hourly": {**HOURLY, **policies}}, at("2026-05-20T07:30")) as samples:
        live_until(at("2026-05-20T10:00"))
        sample = samples["hourly"]
        assert (sample.fired[-1], sample.missed) == (at("2026-05-20T10:00"), [0, 0, 0])
        sample.fired.clear()
        sample.missed.clear()
        yield sample


@pytest.mark.parametrize(
    ("misfire", "fired", "missed", "outcomes"),
    [
        pytest.param(
            "fire_once",
            NINE[-1:],
            [9],
            {"ran": 3, "ran_late": 1, "coalesced": 8},
            id="fire-once",
        ),
        pytest.param("skip", [], [], {"ran": 3, "skipped_misfire": 9}, id="skip"),
        pytest.param(
            "fire_all", NINE, [9] * 9, {"ran": 3, "ran_late": 9}, id="fire-all"
        ),
    ],
)
def test_scenario_13_engine_down_for_nine_hours(
    misfire: str, fired: list[datetime], missed: list[int], outcomes: dict[str, int]
) -> None:
    with hourly(misfire=misfire) as sample:
        come_back(BACK)

        assert (sample.fired, sample.missed) == (fired, missed)
        assert sample.outcomes() == outcomes


@pytest.mark.parametrize("misfire", ["fire_once", "skip", "fire_all"])
def test_scenario_13_after_the_outage_the_next_hour_fires_on_time(misfire: str) -> None:
    with hourly(misfire=misfire) as sample:
        come_back(BACK)
        live_until(at("2026-05-20T20:00"))

        assert (sample.fired[-1], sample.missed[-1]) == (at("2026-05-20T20:00"), 0)


def test_scenario_13_instants_beyond_the_maximum_lateness_are_skipped() -> None:
    with hourly(misfire="fire_all", max_lateness="PT2H") as sample:
        come_back(BACK)

        assert sample.fired == NINE[-2:]
        assert sample.outcomes() == {"ran": 3, "ran_late": 2, "skipped_late": 7}


@contextmanager
def paused_for_three_days(operator: Operator, **policies: str) -> Iterator[Sample]:
    """Pause the hourly workflow half past ten, and resume it three days later."""
    with hourly(**policies) as sample:
        steer(CommandName.PAUSE, operator, at("2026-05-20T10:30"))
        come_back(at("2026-05-21T12:00"))
        come_back(at("2026-05-22T12:00"))
        assert sample.fired == []
        steer(CommandName.START, operator, RESUMED)
        come_back(RESUMED)
        yield sample


@pytest.mark.parametrize(
    ("misfire", "fired", "outcomes"),
    [
        pytest.param(
            "fire_once",
            HELD[-1:],
            {"ran": 3, "ran_late": 1, "held_pause": 71},
            id="fire-once",
        ),
        pytest.param("skip", [], {"ran": 3, "held_pause": 72}, id="skip"),
        pytest.param(
            "fire_all",
            HELD[:24],
            {"ran": 3, "ran_late": 24, "held_pause": 48},
            id="fire-all-the-oldest-24",
        ),
    ],
)
def test_scenario_14_paused_for_three_days_then_resumed(
    misfire: str,
    fired: list[datetime],
    outcomes: dict[str, int],
    administrator: Operator,
) -> None:
    with paused_for_three_days(administrator, misfire=misfire) as sample:
        assert sample.fired == fired
        assert sample.missed == [72] * len(fired)
        assert sample.outcomes() == outcomes


def test_scenario_14_policy_for_a_resume_goes_before_the_one_for_an_outage(
    administrator: Operator,
) -> None:
    with paused_for_three_days(
        administrator, misfire="fire_all", on_resume="skip"
    ) as sample:
        assert sample.fired == []


def test_scenario_14_after_the_resume_the_next_hour_fires_on_time(
    administrator: Operator,
) -> None:
    with paused_for_three_days(administrator) as sample:
        live_until(at("2026-05-23T11:00"))

        assert (sample.fired[-1], sample.missed[-1]) == (at("2026-05-23T11:00"), 0)


@pytest.mark.parametrize(
    ("change", "planned"),
    [
        pytest.param({"time": "15:45"}, "2026-05-20T15:45", id="later"),
        pytest.param({"time": "07:00"}, "2026-05-21T07:00", id="passed-today"),
        pytest.param({"tz": "America/New_York"}, "2026-05-20T16:00", id="zone"),
    ],
)
def test_scenario_15_editing_plans_the_pending_task_anew(
    change: dict[str, str], planned: str, administrator: Operator
) -> None:
    with started({"daily": DAILY}, at("2026-05-20T08:00")) as samples:
        save("daily", {**DAILY, **change}, administrator, at("2026-05-20T09:00"))

        assert samples["daily"].next_planned() == at(planned)


def test_scenario_15_journal_shows_the_old_and_the_new_instant(
    administrator: Operator,
) -> None:
    with started({"daily": DAILY}, at("2026-05-20T08:00")) as samples:
        save("daily", {**DAILY, "time": "15:45"}, administrator, at("2026-05-20T09:00"))

        lines = samples["daily"].workflow.journal.filter(parameters__has_key="before")
        assert lines.get().parameters == {
            "before": "2026-05-20T12:00:00+00:00",
            "after": "2026-05-20T15:45:00+00:00",
        }


def test_scenario_15_only_the_new_time_fires(administrator: Operator) -> None:
    with started({"daily": DAILY}, at("2026-05-20T08:00")) as samples:
        save("daily", {**DAILY, "time": "15:45"}, administrator, at("2026-05-20T09:00"))
        come_back(at("2026-05-20T12:00"))
        live_until(at("2026-05-21T12:00"))

        assert samples["daily"].fired == [at("2026-05-20T15:45")]


def test_scenario_15_a_time_that_has_passed_today_triggers_nothing(
    administrator: Operator,
) -> None:
    with started({"daily": DAILY}, at("2026-05-20T08:00")) as samples:
        save("daily", {**DAILY, "time": "08:59"}, administrator, at("2026-05-20T09:00"))
        come_back(at("2026-05-20T09:00"))

        assert samples["daily"].fired == []
