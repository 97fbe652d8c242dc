"""What is planned and what ran, as the database tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workflows.engine.forecast import Profile
from workflows.engine.load import ASSUMED_SECONDS, Forecast, crowd_of, forecast
from workflows.engine.past_load import PastFilter, at_work, past_load
from workflows.models import (
    Freeze,
    Run,
    RunStatus,
    RunTrigger,
    State,
    StructureVersion,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 3, 1, 0, 30, tzinfo=UTC)
DAILY: dict[str, Any] = {"kind": "daily", "time": "04:00"}
HOURLY: dict[str, Any] = {"kind": "several_times_a_day", "every": "1h", "from": "00:00"}
FOUR = NOW.replace(hour=4, minute=0)


def planned(
    name: str, schedule: dict[str, Any] = DAILY, first: datetime = FOUR, **values: Any
) -> Workflow:
    """Return a started workflow whose scheduler waits for ``first``."""
    values.setdefault("state", State.STARTED)
    workflow = Workflow.objects.create(internal_name=name, **values)
    graph = {
        "activities": [
            {
                "name": "scheduler",
                "type": "scheduler",
                "label": "",
                "parameters": {"schedule": schedule},
            }
        ],
        "transitions": [],
    }
    workflow.structure = StructureVersion.objects.create(
        workflow=workflow, number=1, graph=graph
    )
    workflow.save()
    Task.objects.create(
        workflow=workflow,
        activity="scheduler",
        activity_type="scheduler",
        substate=Substate.PENDING,
        scheduled_for=first,
        process_at=first,
        created_at=NOW,
    )
    return workflow


def ran(workflow: Workflow, begun: datetime, seconds: float, **values: Any) -> Run:
    values.setdefault("status", RunStatus.FINISHED)
    return Run.objects.create(
        workflow=workflow,
        structure=workflow.structure,
        trigger=RunTrigger.SCHEDULE,
        created_at=begun,
        started_at=begun,
        ended_at=begun + timedelta(seconds=seconds),
        **values,
    )


def ahead(days: int = 1) -> Forecast:
    return forecast(NOW, NOW + timedelta(days=days))


def instants(found: Forecast) -> list[str]:
    return [
        f"{datetime.fromtimestamp(at, UTC):%d %H:%M}"
        for item in found.planned
        for at in item.instants
    ]


def test_instants_of_every_day_are_planned() -> None:
    planned("one")

    assert instants(ahead(3)) == ["01 04:00", "02 04:00", "03 04:00"]


def test_workflow_at_rest_is_not_planned() -> None:
    planned("one", state=State.FINISHED)

    assert ahead().planned == ()


def test_pause_with_an_end_holds_what_lies_before_it() -> None:
    planned(
        "one",
        HOURLY,
        NOW.replace(hour=1, minute=0),
        state=State.PAUSED,
        paused_at=NOW,
        resume_at=NOW.replace(hour=22, minute=30),
    )

    found = ahead()

    assert instants(found) == ["01 22:30", "01 23:00", "02 00:00"]
    assert found.planned[0].held == 21


def test_pause_without_an_end_plans_nothing() -> None:
    planned("one", state=State.PAUSED, paused_at=NOW)

    assert ahead().planned == ()


def test_missed_instants_are_not_made_up_for_by_a_schedule_that_skips() -> None:
    planned(
        "one",
        {**DAILY, "misfire": "skip"},
        state=State.PAUSED,
        paused_at=NOW,
        resume_at=NOW.replace(hour=6),
    )

    assert instants(ahead(2)) == ["02 04:00"]


def test_freeze_with_an_end_holds_everything_until_then() -> None:
    planned("one")
    Freeze.objects.create(
        reason="r", source="cli", started_at=NOW, until=NOW.replace(hour=6)
    )

    found = ahead()

    assert (found.is_frozen, found.frozen_until) == (True, NOW.replace(hour=6))
    assert instants(found) == ["01 06:30"]


def test_blackout_that_skips_leaves_its_instants_out() -> None:
    window = {"name": "n", "from": "01:30", "until": "22:30", "policy": "skip"}
    planned("one", HOURLY, NOW.replace(hour=1, minute=0), blackouts=[window])

    assert instants(ahead()) == ["01 01:00", "01 23:00", "02 00:00"]


def test_blackout_that_defers_fires_once_at_its_end() -> None:
    window = {"name": "n", "from": "01:30", "until": "22:30", "policy": "defer"}
    planned("one", HOURLY, NOW.replace(hour=1, minute=0), blackouts=[window])

    assert instants(ahead()) == ["01 01:00", "01 22:30", "01 23:00", "02 00:00"]


def test_expiry_by_number_ends_the_plan() -> None:
    planned("one", {**DAILY, "expiry": {"type": "count", "value": 2}})

    assert instants(ahead(5)) == ["01 04:00", "02 04:00"]


def test_expiry_by_number_counts_what_fires_before_the_forecast() -> None:
    planned("one", {**DAILY, "expiry": {"type": "count", "value": 3}})

    found = forecast(NOW + timedelta(days=2), NOW + timedelta(days=5))

    assert instants(found) == ["03 04:00"]


def test_hold_beyond_the_forecast_leaves_nothing_in_it() -> None:
    planned("one", state=State.PAUSED, paused_at=NOW, resume_at=NOW + timedelta(days=9))

    assert instants(ahead()) == []
    assert ahead().planned[0].held == 1


def test_run_lasts_as_long_as_the_median_of_the_last_ones() -> None:
    workflow = planned("one")
    for seconds in (10, 20, 600):
        ran(workflow, NOW - timedelta(days=1), seconds)

    duration = ahead().planned[0].duration

    assert (duration.seconds, duration.runs) == (20, 3)


def test_run_without_a_past_lasts_as_long_as_expected() -> None:
    planned("one", expected_seconds=300)
    planned("two")

    found = {item.workflow.internal_name: item.duration for item in ahead().planned}

    assert (found["one"].seconds, found["one"].is_expected) == (300, True)
    assert found["two"].seconds == ASSUMED_SECONDS


def test_workflow_that_begins_too_often_counts_as_always_at_work() -> None:
    every = {"kind": "several_times_a_day", "every": "1s", "from": "00:00"}
    planned("one", every, NOW)

    found = ahead()

    assert found.planned[0].is_always_on
    assert found.profile.peak(0, 10**11) == 1
    assert found.gaps(with_frequent=True) == []


def test_gaps_leave_frequent_workflows_out() -> None:
    often = {"kind": "several_times_a_day", "every": "5m", "from": "00:00"}
    planned("often", often, NOW)
    planned("one")

    found = ahead()

    assert [gap.seconds for gap in found.gaps()] == [
        20 * 3600 + 1800 - 60,
        3 * 3600 + 1800,
    ]
    assert max(gap.seconds for gap in found.gaps(with_frequent=True)) == 240


def test_crowded_workflow_gets_a_time_at_which_it_is_alone() -> None:
    planned("one")
    two = planned("two")

    found = ahead()

    assert found.profile.peak(0, 10**11) == 2
    item = next(item for item in found.crowded() if item.workflow == two)
    proposal = found.proposal(item)
    assert proposal is not None
    assert (proposal.minutes, proposal.others_now, proposal.others_then) == (1, 1, 0)


def test_schedule_that_meets_others_is_busy() -> None:
    for name in ("one", "two"):
        planned(name)
    mine = planned("mine", first=FOUR)
    item = next(item for item in ahead().planned if item.workflow == mine)

    crowd = crowd_of(ahead(), mine, item.schedule, item.zone)

    assert crowd.is_busy
    assert crowd.others == 2
    assert crowd.better is not None


def load_of(first: datetime, hours: int = 24, **chosen: Any) -> Profile:
    until = first + timedelta(hours=hours)
    return past_load(first, until, PastFilter(**chosen), NOW).profile


def test_past_counts_workflows_and_not_runs() -> None:
    one, two = planned("one"), planned("two")
    begun = NOW - timedelta(hours=5)
    for workflow in (one, one, two):
        ran(workflow, begun, 60)

    assert load_of(NOW - timedelta(days=1)).counts == (2, 0)


def test_past_knows_a_run_that_began_the_day_before() -> None:
    ran(planned("one"), NOW - timedelta(days=2), 3 * 86_400)

    assert load_of(NOW - timedelta(days=1)).peak(0, 10**11) == 1


def test_run_that_is_not_over_lasts_until_now() -> None:
    run = ran(planned("one"), NOW - timedelta(hours=2), 0, status=RunStatus.RUNNING)
    Run.objects.filter(pk=run.pk).update(ended_at=None)

    times = load_of(NOW - timedelta(hours=3)).times

    assert times[1] - times[0] == 7200


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({}, 2),
        ({"least_seconds": 30}, 1),
        ({"workflow": "one"}, 1),
        ({"is_technical": True}, 1),
        ({"is_technical": False}, 1),
        ({"among": ()}, 0),
    ],
)
def test_past_is_filtered(chosen: dict[str, Any], count: int) -> None:
    begun = NOW - timedelta(hours=5)
    ran(planned("one", is_technical=False), begun, 10)
    ran(planned("two"), begun, 60)

    assert load_of(NOW - timedelta(days=1), **chosen).peak(0, 10**11) == count


def test_skipped_run_was_never_at_work() -> None:
    ran(planned("one"), NOW - timedelta(hours=5), 60, status=RunStatus.SKIPPED)

    assert load_of(NOW - timedelta(days=1)).times == ()


def test_cell_lists_its_runs_and_the_tasks_at_work_in_it() -> None:
    workflow = planned("one")
    begun = NOW - timedelta(hours=5)
    run = ran(workflow, begun, 600)
    for name, low, high in (("early", 0, 60), ("late", 400, 600)):
        Task.objects.create(
            workflow=workflow,
            run=run,
            activity=name,
            activity_type="script",
            status=TaskStatus.COMPLETED,
            substate=Substate.NONE,
            created_at=begun,
            started_at=begun + timedelta(seconds=low),
            completed_at=begun + timedelta(seconds=high),
        )

    cell = begun + timedelta(minutes=5)
    found = at_work(cell, cell + timedelta(minutes=5), PastFilter(), NOW)

    assert [(item.run.pk, item.seconds) for item in found] == [(run.pk, 600)]
    assert [task.activity for task in found[0].tasks] == ["late"]
