from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from workflows.models import Command, CommandStatus, State

URL = "/api/v1/workflows/testsCount/commands"
STANDARD = "/local/campaign/workflow/execution/testsCount/commands"
KEY = {"Idempotency-Key": "deploy-17"}


def test_repeated_command_gets_the_first_answer_and_acts_once(supervisor, workflow):
    first = supervisor.post(URL, {"command": "pause"}, **KEY)
    supervisor.post(URL, {"command": "resume"})

    again = supervisor.post(URL, {"command": "pause"}, **KEY)

    workflow.refresh_from_db()
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert workflow.state == State.STARTED
    assert Command.objects.filter(name="pause").count() == 1


def test_repeated_refusal_gets_the_first_answer(supervisor, workflow):
    first = supervisor.post(URL, {"command": "simulate"}, **KEY)
    supervisor.post(URL, {"command": "stop"})

    again = supervisor.post(URL, {"command": "simulate"}, **KEY)

    assert first.status_code == again.status_code == 409
    assert first.content == again.content
    assert again["Content-Type"] == "application/problem+json"
    assert Command.objects.filter(status=CommandStatus.REFUSED).count() == 1


def test_key_with_another_body_is_422(supervisor, workflow):
    supervisor.post(URL, {"command": "pause"}, **KEY)

    answer = supervisor.post(URL, {"command": "stop"}, **KEY)

    workflow.refresh_from_db()
    assert answer.status_code == 422
    assert answer.json()["error_code"] == "idempotency_key_reused"
    assert workflow.state == State.PAUSED


def test_key_belongs_to_its_operator(supervisor, administrator, workflow):
    supervisor.post(URL, {"command": "pause"}, **KEY)

    answer = administrator.post(URL, {"command": "resume"}, **KEY)

    assert answer.status_code == 202


def test_key_is_forgotten_after_a_day(supervisor, workflow):
    supervisor.post(URL, {"command": "pause"}, **KEY)
    Command.objects.filter(name="pause").update(
        requested_at=timezone.now() - timedelta(hours=24, seconds=1)
    )

    answer = supervisor.post(URL, {"command": "stop"}, **KEY)

    assert answer.status_code == 202


def test_call_with_faults_leaves_its_key_free(supervisor, workflow):
    faulty = supervisor.post(
        URL, {"command": "stop", "parameters": {"variables": {"a": 1}}}, **KEY
    )

    answer = supervisor.post(URL, {"command": "stop"}, **KEY)

    assert (faulty.status_code, answer.status_code) == (400, 202)


def test_preview_leaves_its_key_free(supervisor, workflow):
    supervisor.post(f"{URL}?preview=1", {"command": "pause"}, **KEY)

    answer = supervisor.post(URL, {"command": "pause"}, **KEY)

    assert answer.status_code == 202
    assert "Idempotent-Replayed" not in answer


def test_standard_face_repeats_its_answer(supervisor, workflow):
    first = supervisor.post(STANDARD, {"method": "pause"}, **KEY)

    again = supervisor.post(STANDARD, {"method": "pause"}, **KEY)

    assert (again.status_code, again.content) == (202, first.content)
    assert Command.objects.filter(name="pause").count() == 1


@pytest.mark.parametrize("key", ["x" * 129, "a\tb"])
def test_key_that_cannot_be_kept_is_a_fault(supervisor, workflow, key):
    answer = supervisor.post(URL, {"command": "pause"}, **{"Idempotency-Key": key})

    workflow.refresh_from_db()
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert workflow.state == State.STARTED
