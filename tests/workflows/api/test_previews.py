from __future__ import annotations

import pytest

from tests.workflows.api.test_command_parameters import make_task
from workflows.models import Command, Run, State, Substate, TaskStatus

ONE = "/api/v1/workflows/testsCount"
URL = f"{ONE}/commands?preview=1"


def codes(answer) -> list[str]:
    return [effect["code"] for effect in answer.json()["effects"]]


def test_preview_tells_what_a_pause_would_do(supervisor, workflow):
    make_task(workflow, status=TaskStatus.ACTIVE, substate=Substate.RUNNING)

    answer = supervisor.post(URL, {"command": "pause"})

    body = answer.json()
    assert answer.status_code == 200
    assert (body["command"], body["state"], body["state_after"]) == (
        "pause",
        "started",
        "pause_requested",
    )
    assert codes(answer)[0] == "running_finish"
    assert body["effects"][0]["text"] == "1 tasks are running and will finish."
    assert body["effects"][0]["parameters"] == {"count": 1}
    assert "instants_held" in codes(answer)


@pytest.mark.parametrize("command", ["pause", "stop", "restart", "wake", "purge"])
def test_preview_changes_nothing_and_leaves_no_row(supervisor, workflow, command):
    rows = Command.objects.count()

    answer = supervisor.post(URL, {"command": command})

    workflow.refresh_from_db()
    assert answer.status_code == 200
    assert codes(answer)
    assert workflow.state == State.STARTED
    assert Command.objects.count() == rows
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"command": "resume", "expected_state": "paused"}, 409),
        ({"command": "simulate"}, 409),
        ({"command": "kill"}, 403),
        ({"command": "wake", "parameters": {"activity": "count"}}, 400),
        ({"command": "pause", "parameters": {"task": 1}}, 400),
    ],
)
def test_preview_is_refused_like_the_command_but_leaves_no_row(
    supervisor, workflow, body, status
):
    rows = Command.objects.count()

    preview = supervisor.post(URL, body)
    before = Command.objects.count()
    real = supervisor.post(URL.partition("?")[0], body)

    assert preview.status_code == real.status_code == status
    assert preview.json() == real.json()
    assert before == rows


def test_preview_of_what_already_is_so_says_that_nothing_changes(supervisor, workflow):
    answer = supervisor.post(URL, {"command": "start"})

    assert codes(answer) == ["nothing"]


def test_preview_needs_the_scope_of_the_command(reader, workflow):
    assert reader.post(URL, {"command": "pause"}).status_code == 403


def test_schedule_is_previewed_without_a_new_version(administrator, workflow):
    hourly = {"kind": "several_times_a_day", "every": "PT1H", "from": "00:00"}

    answer = administrator.put(f"{ONE}/schedule?preview=1", hourly, if_match="1")

    workflow.refresh_from_db()
    assert answer.status_code == 200
    assert "instants_planned" in codes(answer)
    assert workflow.structure.number == 1


def test_properties_are_previewed_without_a_change(administrator, workflow):
    answer = administrator.put(
        f"{ONE}/properties?preview=1", {"time_zone": "Asia/Tokyo"}, if_match="*"
    )

    workflow.refresh_from_db()
    assert answer.status_code == 200
    assert codes(answer) == ["instants_planned"]
    assert workflow.time_zone == ""
