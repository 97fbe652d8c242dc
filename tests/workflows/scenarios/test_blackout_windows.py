"""Blackout windows as the engine lives them: no planned run begins in one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from campaign.access.models import Operator
from tests.workflows.scenarios.simulated import (
    Sample,
    at,
    come_back,
    live_until,
    started,
)
from workflows.actions import issue_command
from workflows.models import CommandName, OccurrenceOutcome, Source

pytestmark = pytest.mark.django_db

HOURLY = {"kind": "several_times_a_day", "every": "PT1H", "tz": "UTC"}
NIGHT = {"name": "Night", "weekdays": [], "from": "22:00", "until": "06:00"}
EVENING = at("2026-05-20T20:30")
MORNING = at("2026-05-21T06:00")


@contextmanager
def hourly(
    *blackouts: dict[str, Any], schedule: dict[str, Any] = HOURLY
) -> Iterator[Sample]:
    """Start a workflow in the evening, with these windows."""
    with started({"hourly": schedule}, EVENING) as samples:
        sample = samples["hourly"]
        sample.workflow.blackouts = list(blackouts)
        sample.workflow.save(update_fields=["blackouts"])
        yield sample


def test_instants_in_a_window_that_skips_do_not_fire() -> None:
    with hourly({**NIGHT, "policy": "skip"}) as sample:
        live_until(MORNING)

        assert sample.fired == [at("2026-05-20T21:00"), MORNING]


def test_skipped_instants_have_their_outcome_and_the_name_of_the_window() -> None:
    with hourly({**NIGHT, "policy": "skip"}) as sample:
        live_until(MORNING)

        skipped = sample.workflow.occurrences.filter(
            outcome=OccurrenceOutcome.SKIPPED_BLACKOUT
        )
        assert sample.outcomes() == {"ran": 2, "skipped_blackout": 8}
        assert {row.reason for row in skipped} == {"Night"}


def test_window_that_defers_fires_once_at_its_end() -> None:
    daily = {"kind": "daily", "time": "23:15", "tz": "UTC"}
    with hourly({**NIGHT, "policy": "defer"}, schedule=daily) as sample:
        live_until(MORNING - timedelta(seconds=1))
        assert sample.fired == []

        live_until(MORNING)

        assert sample.fired == [at("2026-05-20T23:15")]


def test_several_deferred_instants_fire_as_one() -> None:
    with hourly({**NIGHT, "policy": "defer"}) as sample:
        live_until(MORNING)

        assert sample.fired == [at("2026-05-20T21:00"), MORNING]
        assert sample.outcomes() == {"ran": 2, "coalesced": 8}


def test_deferred_run_waits_for_the_end_of_windows_that_touch() -> None:
    late = {"name": "Backup", "weekdays": [], "from": "06:00", "until": "06:45"}
    daily = {"kind": "daily", "time": "23:15", "tz": "UTC"}
    with hourly(
        {**NIGHT, "policy": "defer"}, {**late, "policy": "defer"}, schedule=daily
    ) as sample:
        live_until(at("2026-05-21T06:44"))
        assert sample.fired == []

        live_until(at("2026-05-21T06:45"))

        assert sample.fired == [at("2026-05-20T23:15")]


def test_order_of_an_operator_is_carried_out_inside_a_window(
    administrator: Operator,
) -> None:
    with hourly({**NIGHT, "policy": "skip"}) as sample:
        when = at("2026-05-20T23:30")
        issue_command(
            internal_name="hourly",
            name=CommandName.WAKE,
            acting_operator=administrator,
            source=Source.CONSOLE,
            at=when,
        )
        come_back(when)

        assert len(sample.fired) == 1


def test_instants_outside_the_window_make_up_for_an_outage_that_ended_in_it() -> None:
    dawn = {"name": "Dawn", "weekdays": [], "from": "05:00", "until": "06:15"}
    with hourly({**dawn, "policy": "skip"}) as sample:
        come_back(at("2026-05-21T06:30"))

        assert sample.fired == [at("2026-05-21T04:00")]
