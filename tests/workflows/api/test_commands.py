from __future__ import annotations

import pytest

from workflows.models import Command, CommandStatus, State, Workflow

URL = "/api/v1/workflows/testsCount/commands"


def test_pause_is_accepted_and_applied(supervisor, workflow):
    answer = supervisor.post(URL, {"command": "pause", "reason": "maintenance"})

    body = answer.json()
    assert answer.status_code == 202
    assert body["state"] == body["requestedState"] == "paused"
    assert body["PKey"] == str(workflow.uuid)
    workflow.refresh_from_db()
    assert workflow.state == State.PAUSED


def test_answer_leads_to_its_ledger_row(supervisor, workflow):
    body = supervisor.post(URL, {"command": "pause", "reason": "maintenance"}).json()

    row = supervisor.get(body["statusUrl"]).json()

    assert row["id"] == body["commandId"]
    assert row["name"] == "pause"
    assert row["status"] == "applied"
    assert row["author"] == "supervisor"
    assert row["source"] == "api"
    assert row["reason"] == "maintenance"
    assert row["state_before"] == "started"
    assert row["state_after"] == "paused"


def test_ledger_shows_pause_and_resume_with_their_author(supervisor, workflow):
    supervisor.post(URL, {"command": "pause"})
    supervisor.post(URL, {"command": "resume"})

    items = supervisor.get(URL).json()["items"]

    assert [(row["name"], row["author"]) for row in items[:2]] == [
        ("resume", "supervisor"),
        ("pause", "supervisor"),
    ]


def test_clock_that_does_not_run_is_told(supervisor, workflow):
    body = supervisor.post(URL, {"command": "pause"}).json()

    assert "clock" in body["warning"]


def test_command_that_changes_nothing_answers_200(supervisor, workflow):
    answer = supervisor.post(URL, {"command": "start"})

    assert answer.status_code == 200
    assert answer.json()["noop"] is True


def test_impossible_command_tells_state_and_what_is_allowed(supervisor, workflow):
    supervisor.post(URL, {"command": "stop"})

    answer = supervisor.post(URL, {"command": "pause"})

    body = answer.json()
    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert body["error_code"] == "WKF-409001"
    assert body["state"] == "finished"
    assert set(body["allowed"]) == {
        "start",
        "restart",
        "restart_task",
        "simulate",
        "purge",
    }


def test_refused_command_stays_in_the_ledger(supervisor, workflow):
    supervisor.post(URL, {"command": "stop"})

    supervisor.post(URL, {"command": "pause"})

    row = supervisor.get(URL).json()["items"][0]
    assert row["status"] == "refused"
    assert row["message"]
    assert row["author"] == "supervisor"


def test_stale_state_is_refused(supervisor, workflow):
    answer = supervisor.post(URL, {"command": "pause", "expected_state": "paused"})

    assert answer.status_code == 409
    assert answer.json()["error_code"] == "stale_state"
    assert answer.json()["state"] == "started"
    assert Workflow.objects.get(pk=workflow.pk).state == State.STARTED


def test_unknown_command_names_the_known_ones(supervisor, workflow):
    answer = supervisor.post(URL, {"command": "jump"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "command"
    assert "restart" in answer.json()["errors"][0]["message"]


def test_missing_field_and_wrong_type_are_told_at_once(supervisor, workflow):
    answer = supervisor.post(URL, {"reason": 5})

    fields = {fault["field"] for fault in answer.json()["errors"]}
    assert answer.status_code == 400
    assert fields == {"command", "reason"}


def test_body_that_is_no_json_is_refused(supervisor, workflow):
    answer = supervisor.client.post(URL, "{", content_type="application/json")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_kill_needs_its_own_right(supervisor, administrator, workflow):
    refused = supervisor.post(URL, {"command": "kill"})
    done = administrator.post(URL, {"command": "kill"})

    assert refused.status_code == 403
    assert refused.json()["permission"] == "workflows.kill"
    assert done.status_code == 202
    assert Command.objects.filter(status=CommandStatus.REFUSED).count() == 1


def test_other_spelling_is_commanded(supervisor, workflow):
    answer = supervisor.post(
        "/api/v1/workflows/testCount/commands", {"command": "pause"}
    )

    assert answer.status_code == 202
    assert answer.json()["internal_name"] == "testsCount"


def test_unknown_workflow_is_not_found(supervisor, workflow):
    answer = supervisor.post("/api/v1/workflows/x/commands", {"command": "pause"})

    assert answer.status_code == 404


def test_ledger_row_of_another_workflow_is_not_found(supervisor, workflow):
    other = Workflow.objects.create(internal_name="other")
    number = Command.objects.filter(workflow=workflow).first().pk

    answer = supervisor.get(f"/api/v1/workflows/{other}/commands/{number}")

    assert answer.status_code == 404


@pytest.mark.parametrize("command", ["pause", "stop", "restart", "wake"])
def test_started_workflow_takes_its_commands(supervisor, workflow, command):
    assert supervisor.post(URL, {"command": command}).status_code == 202
