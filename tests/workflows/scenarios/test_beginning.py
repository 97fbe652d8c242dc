"""Scenarios 1 and 2: what a start begins, and what becomes of the variables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.workflows.drawn import command, draw
from tests.workflows.handlers import handlers, script
from tests.workflows.samples import START, work_off
from workflows.exceptions import RuntimeFault
from workflows.models import State, TaskStatus, Workflow
from workflows.registry import Done, RunContext

pytestmark = pytest.mark.django_db
LATER = START + timedelta(hours=1)
BEGINNING = [("plan", "pending"), ("listen", "waiting"), ("first", "queued")]
FIRST_LIFE = {"life": 1}


def fetch(_run: RunContext) -> Done:
    return Done(count=1)


@pytest.fixture
def workflow() -> Iterator[Workflow]:
    """A workflow with a schedule, a signal and a start, whose second script fails."""

    def fail(_run: RunContext) -> Done:
        raise RuntimeFault("The relay is away.")

    with handlers(fetch=fetch, fail=fail):
        yield draw(
            {
                "plan": ("scheduler", {"schedule": {"kind": "daily", "time": "04:00"}}),
                "listen": "signal",
                "begin": "start",
                "first": script("fetch"),
                "second": script("fail"),
                "end": "end",
            },
            "plan.ok>first listen.ok>first begin.ok>first first.ok>second"
            " second.ok>end",
        )


def active(workflow: Workflow) -> list[tuple[str, str]]:
    """Return the activities that have an active task, and what it does."""
    found = workflow.tasks.filter(status=TaskStatus.ACTIVE).order_by("id")
    return list(found.values_list("activity", "substate"))


def remember(workflow: Workflow) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(variables=FIRST_LIFE)


def finished(workflow: Workflow) -> None:
    command("start")
    command("stop")
    remember(workflow)


def paused(workflow: Workflow) -> None:
    command("start")
    command("pause")
    remember(workflow)


def failed(workflow: Workflow) -> None:
    command("start")
    work_off()
    remember(workflow)


def edited(workflow: Workflow) -> None:
    remember(workflow)


@pytest.mark.parametrize("before", [edited, finished])
def test_scenario_01_start_begins_at_every_initial_activity(
    workflow: Workflow, before: Any
) -> None:
    before(workflow)

    started = command("start", at=LATER)

    assert active(workflow) == BEGINNING
    assert (started.state, started.last_start) == (State.START_PENDING, LATER)


@pytest.mark.parametrize("before", [edited, finished])
def test_scenario_01_start_from_the_beginning_clears_the_variables(
    workflow: Workflow, before: Any
) -> None:
    before(workflow)

    assert command("start", at=LATER).variables == {}


def test_scenario_01_start_of_a_paused_workflow_goes_on(workflow: Workflow) -> None:
    paused(workflow)
    before = set(workflow.tasks.values_list("pk", flat=True))

    command("start", at=LATER)

    assert active(workflow) == BEGINNING
    assert set(workflow.tasks.values_list("pk", flat=True)) == before
    assert workflow.journal.filter(message="Workflow resumed.").exists()


def test_scenario_01_start_of_a_failed_workflow_repeats_the_failed_task_only(
    workflow: Workflow,
) -> None:
    failed(workflow)

    started = command("start", at=LATER)

    assert ("second", "queued") in active(workflow)
    assert "first" not in dict(active(workflow))
    assert (started.state, started.failed) == (State.STARTED, False)


@pytest.mark.parametrize("before", [paused, failed])
def test_scenario_01_start_that_goes_on_keeps_the_variables(
    workflow: Workflow, before: Any
) -> None:
    before(workflow)

    assert command("start", at=LATER).variables == FIRST_LIFE


def test_scenario_01_start_after_an_error_and_a_stop_forgets_the_error(
    workflow: Workflow,
) -> None:
    failed(workflow)
    command("stop")

    started = command("start", at=LATER)

    assert (started.failed, active(workflow)) == (False, BEGINNING)
    assert workflow.runs.filter(status="failed").count() == 0


def test_scenario_01_start_with_parameters_sets_the_variables(
    workflow: Workflow,
) -> None:
    finished(workflow)

    started = command("start", at=LATER, parameters={"variables": {"life": 2}})

    assert started.variables == {"life": 2}


@pytest.mark.parametrize("before", [paused, failed, finished])
def test_scenario_02_restart_keeps_the_variables(
    workflow: Workflow, before: Any
) -> None:
    before(workflow)

    again = command("restart", at=LATER)

    assert again.variables == FIRST_LIFE
    assert active(workflow) == BEGINNING


@pytest.mark.parametrize("before", [paused, failed])
def test_scenario_02_stop_and_start_clear_the_variables(
    workflow: Workflow, before: Any
) -> None:
    before(workflow)

    command("stop")

    assert command("start", at=LATER).variables == {}


def test_scenario_02_restart_clears_the_variables_when_asked(
    workflow: Workflow,
) -> None:
    paused(workflow)

    again = command("restart", at=LATER, parameters={"clear_variables": True})

    assert again.variables == {}
