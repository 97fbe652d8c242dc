"""Orders that waited for the workflow's row, and orders that wait for its tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.workflows.samples import START, sample_workflow, three_rows, tick, work_off
from workflows.actions import (
    freeze_instance,
    issue_command,
    save_schedule,
    thaw_instance,
)
from workflows.engine import claiming, executor
from workflows.exceptions import AppError
from workflows.models import CommandStatus, Source, State, Substate, Workflow

pytestmark = pytest.mark.django_db
FIRED = START + timedelta(seconds=30)
SOON = timedelta(milliseconds=100)
EVERY_HALF_MINUTE = {"kind": "several_times_a_day", "every": "PT30S", "from": "00:00"}


def order(name: str, at: Any, **more: Any) -> None:
    issue_command(
        internal_name="sample",
        name=name,
        acting_operator=None,
        source=Source.API,
        at=at,
        **more,
    )


def pretend_running(workflow: Workflow) -> None:
    """Have the queued task of the sample look as if a worker had it."""
    workflow.tasks.filter(activity="process").update(substate=Substate.RUNNING)


def test_restart_that_waited_across_an_instant_does_not_plan_it_again() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)
        work_off(FIRED)

        order("restart", FIRED - SOON)
        tick(FIRED + timedelta(seconds=1))

        assert workflow.occurrences.count() == 1


def test_schedule_saved_across_an_instant_does_not_plan_it_again() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)
        work_off(FIRED)

        save_schedule(
            internal_name="sample",
            schedule=EVERY_HALF_MINUTE,
            expected_version=None,
            acting_operator=None,
            source=Source.API,
            at=FIRED - SOON,
        )
        tick(FIRED + timedelta(seconds=1))

        assert workflow.occurrences.count() == 1


def test_single_instant_that_ran_is_not_planned_again_by_a_restart() -> None:
    when = START + timedelta(minutes=1)
    once = {
        "kind": "once",
        "date": f"{when:%Y-%m-%d}",
        "time": f"{when:%H:%M:%S}",
        "tz": "UTC",
        "max_lateness": "PT1H",
    }
    with sample_workflow(three_rows, schedule=once) as workflow:
        tick(when)
        work_off(when)

        order("restart", when + timedelta(minutes=5))
        tick(when + timedelta(minutes=5, seconds=1))

        assert workflow.runs.count() == 1


def test_purge_leaves_the_pause_that_waits_for_a_task() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)
        pretend_running(workflow)
        order("pause", FIRED)

        order("purge", FIRED)

        assert workflow.commands.get(name="pause").status == CommandStatus.REQUESTED


def test_refused_command_leaves_the_pause_that_waits_for_a_task() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)
        pretend_running(workflow)
        order("pause", FIRED)

        with pytest.raises(AppError):
            order("cancel_task", FIRED, parameters={"task": 0})

        assert workflow.commands.get(name="pause").status == CommandStatus.REQUESTED


def test_pause_between_claim_and_give_back_takes_effect() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)
        task = claiming.claim(queue_name="workflows")
        assert task is not None
        order("pause", FIRED)

        claiming.give_back(task)

        workflow.refresh_from_db()
        assert workflow.state == State.PAUSED


def test_resume_of_a_workflow_that_stops_after_its_run_ends_it() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)
        task = claiming.claim(queue_name="workflows")
        assert task is not None
        order("stop_after_run", FIRED)
        order("pause", FIRED)
        executor.execute(task, deadline=0.0)

        order("resume", FIRED + timedelta(minutes=3))

        workflow.refresh_from_db()
        assert (workflow.state, workflow.runs.count()) == (State.FINISHED, 1)


def test_thaw_begins_nothing_in_a_workflow_that_stops_after_its_run() -> None:
    with sample_workflow(three_rows) as workflow:
        Workflow.objects.filter(pk=workflow.pk).update(overlap_policy="parallel")
        tick(FIRED)
        order("stop_after_run", FIRED)
        freeze_instance(
            reason="Maintenance", acting_operator=None, source=Source.API, at=FIRED
        )

        thaw_instance(
            acting_operator=None, source=Source.API, at=FIRED + timedelta(minutes=2)
        )

        assert workflow.runs.count() == 1
