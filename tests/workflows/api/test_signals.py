from __future__ import annotations

import pytest

from campaign.access.models import Scope
from tests.workflows.api.conftest import caller
from workflows.models import JournalEntry, Level, Signal, Substate, Task

URL = "/api/v1/workflows/testsCount/signals/signal"
STANDARD = (
    "/local/campaign/workflow/execution/testsCount/activities/activity/signal/trigger/"
)
BODY = {"source": "API"}


@pytest.fixture
def partner(db):
    return caller("partner", Scope.WORKFLOW_SIGNAL, group="Workflow supervisors")


@pytest.fixture
def declared(workflow):
    """Return the workflow, its signal with a parameter and a shortest interval."""
    structure = workflow.structure
    for activity in structure.graph["activities"]:
        if activity["name"] == "signal":
            activity["parameters"] = {
                "declared": [{"name": "number", "type": "number"}],
                "min_interval": 600,
            }
    structure.save()
    return workflow


def test_signal_is_raised_with_its_parameters(partner, declared):
    answer = partner.post(URL, {**BODY, "parameters": {"number": "05"}})

    assert answer.status_code == 202
    assert answer.json()["status"] == "accepted"
    assert Signal.objects.get().variables == {"number": 5}


@pytest.mark.parametrize("address", [URL, STANDARD])
def test_signal_too_soon_is_429_with_retry_after(partner, declared, address):
    partner.post(address, BODY)

    answer = partner.post(address, BODY)

    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 601
    assert answer.json()["error_code"] == "too_frequent"
    assert Signal.objects.count() == 1


def test_complete_ends_the_waiting_of_the_activity(partner, workflow):
    partner.post(URL, {**BODY, "complete": True})

    answer = partner.post(URL, BODY)

    waiting = Task.objects.filter(workflow=workflow, substate=Substate.WAITING)
    assert not waiting.exists()
    assert answer.status_code == 409
    assert Signal.objects.count() == 1


def test_shortest_interval_is_read_as_it_is_written(partner, declared):
    (signal,) = (
        activity
        for activity in declared.structure.graph["activities"]
        if activity["name"] == "signal"
    )
    signal["parameters"]["min_interval"] = "2h"
    declared.structure.save()
    partner.post(URL, BODY)

    answer = partner.post(URL, BODY)

    assert answer.status_code == 429
    assert 7_190 <= int(answer["Retry-After"]) <= 7_200


def test_all_faults_are_told_as_the_original_does(partner, declared):
    answer = partner.post(URL, {"parameters": {"number": "many", "other": 1}})

    assert answer.status_code == 400
    assert answer.json()["error_code"] == "RST-360011"
    assert {d["parameter"] for d in answer.json()["details"]} == {
        "source",
        "number",
        "other",
    }


def test_workflow_that_is_not_started_is_409_and_in_its_journal(
    partner, supervisor, workflow
):
    supervisor.post("/api/v1/workflows/testsCount/commands", {"command": "stop"})

    answer = partner.post(URL, BODY)

    assert answer.status_code == 409
    assert JournalEntry.objects.filter(level=Level.ERROR, activity="signal").exists()


def test_activity_that_is_no_signal_is_not_found(partner, workflow):
    assert partner.post(URL.replace("/signal", "/scheduler"), BODY).status_code == 404


def test_reader_may_not_signal(reader, workflow):
    assert reader.post(URL, BODY).status_code == 403


def test_body_over_64_kilobytes_is_413(partner, workflow):
    body = {**BODY, "parameters": {"name": "x" * 70_000}}

    assert partner.post(URL, body).status_code == 413
