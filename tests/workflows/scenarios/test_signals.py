"""Scenario 18: signals from outside, in every situation they can come in."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from tests.workflows.callers import client_of, post
from tests.workflows.drawn import command, draw
from tests.workflows.samples import tick, work_off
from workflows.models import Level, RunTrigger, Signal, State, Workflow

pytestmark = pytest.mark.django_db
TRIGGER = "/local/campaign/workflow/execution/drawn/activities/activity/listen/trigger/"
OWN = "/api/v1/workflows/{name}/signals/listen"
DECLARED = {"declared": [{"name": "number", "type": "number"}], "min_interval": 0}


@pytest.fixture
def workflow() -> Workflow:
    """A started workflow that waits for a signal with a number."""
    draw({"listen": ("signal", DECLARED), "end": "end"}, "listen.ok>end")
    return command("start")


@pytest.fixture
def caller() -> Client:
    return client_of("Administrators")


def signal(caller: Client, source: str = "API", **more: Any) -> HttpResponse:
    return post(caller, TRIGGER, {"source": source, **more})


def live() -> None:
    """Let clock and workers do what is due."""
    tick(timezone.now())
    work_off(timezone.now())


@pytest.mark.parametrize("order", ["nothing", "stop"])
def test_scenario_18_workflow_that_is_not_started_is_409(
    workflow: Workflow, caller: Client, order: str
) -> None:
    if order == "stop":
        command("stop")
    else:
        Workflow.objects.filter(pk=workflow.pk).update(state=State.EDITED)
        workflow.tasks.all().delete()

    answer = signal(caller)

    assert answer.status_code == 409
    assert not Signal.objects.exists()
    line = workflow.journal.get(level=Level.ERROR, activity="listen")
    assert "the workflow is not started" in line.text


def test_scenario_18_signal_to_a_paused_workflow_is_queued(
    workflow: Workflow, caller: Client
) -> None:
    command("pause")

    assert signal(caller, parameters={"number": 5}).status_code == 202
    live()

    assert not workflow.runs.exists()
    assert Signal.objects.get().consumed_at is None


def test_scenario_18_queued_signal_is_taken_after_the_resume(
    workflow: Workflow, caller: Client
) -> None:
    command("pause")
    signal(caller, parameters={"number": 5})

    command("resume")
    live()

    run = workflow.runs.get()
    assert (run.trigger, run.variables) == (RunTrigger.SIGNAL, {"number": 5})


def test_scenario_18_two_sources_make_two_runs(
    workflow: Workflow, caller: Client
) -> None:
    signal(caller, "site", parameters={"number": 1})
    signal(caller, "shop", parameters={"number": 2})

    live()
    live()

    runs = workflow.runs.filter(trigger=RunTrigger.SIGNAL).order_by("id")
    assert [run.variables["number"] for run in runs] == [1, 2]
    assert [run.signals.get().source.split()[0] for run in runs] == ["site", "shop"]


def test_scenario_18_each_source_fires_on_its_own(
    workflow: Workflow, caller: Client
) -> None:
    signal(caller, "site")
    live()
    signal(caller, "shop")
    live()

    assert sum(run.repeats for run in workflow.runs.all()) == 2


def test_scenario_18_undeclared_parameter_is_400_and_named(
    workflow: Workflow, caller: Client
) -> None:
    answer = signal(caller, parameters={"colour": "red"})

    assert answer.status_code == 400
    assert answer.json()["error_code"] == "RST-360011"
    assert [each["parameter"] for each in answer.json()["details"]] == ["colour"]
    assert not Signal.objects.exists()


def test_scenario_18_complete_closes_the_activity(
    workflow: Workflow, caller: Client
) -> None:
    command("stop")
    draw_two_signals()
    started = command("start", name="both")
    path = OWN.format(name="both")

    first = post(caller, path, {"source": "API", "complete": True})
    second = post(caller, path, {"source": "API"})

    assert (first.status_code, second.status_code) == (202, 409)
    assert started.tasks.get(activity="listen").status == "completed"
    assert started.tasks.get(activity="other").substate == "waiting"


def test_scenario_18_signal_that_completes_still_has_its_run(
    workflow: Workflow, caller: Client
) -> None:
    post(caller, OWN.format(name="drawn"), {"source": "API", "complete": True})

    live()

    workflow.refresh_from_db()
    assert workflow.runs.get().trigger == RunTrigger.SIGNAL
    assert workflow.state == State.FINISHED


def draw_two_signals() -> None:
    draw(
        {"listen": ("signal", DECLARED), "other": "signal", "end": "end"},
        "listen.ok>end other.ok>end",
        name="both",
    )
