from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError
from django.utils import timezone

from tests.workflows.api.test_command_line import run
from tests.workflows.api.test_command_parameters import make_task
from workflows.models import Command, Run, State, Substate, TaskStatus


def running(workflow, **values):
    return make_task(
        workflow, status=TaskStatus.ACTIVE, substate=Substate.RUNNING, **values
    )


def test_start_takes_variables(workflow):
    run("stop", "testsCount")

    run("start", "testsCount", "--variables", '{"day": "2026-01-05"}')

    workflow.refresh_from_db()
    assert workflow.variables["day"] == "2026-01-05"


def test_pause_takes_its_end_and_a_reminder(workflow):
    run(
        "pause",
        "testsCount",
        "--until",
        "2099-01-05T11:00:00+01:00",
        "--remind-at",
        "2099-01-05T09:00:00Z",
    )

    workflow.refresh_from_db()
    assert workflow.resume_at == datetime(2099, 1, 5, 10, tzinfo=UTC)
    assert Command.objects.first().parameters == {
        "until": "2099-01-05T10:00:00Z",
        "remind_at": "2099-01-05T09:00:00Z",
    }


def test_restart_clears_variables_when_asked(workflow):
    workflow.variables = {"kept": 1}
    workflow.save()
    run("stop", "testsCount")

    run("restart", "testsCount", "--clear-variables", "--same-user")

    workflow.refresh_from_db()
    assert workflow.variables == {}


def test_wake_of_one_activity(workflow):
    run("wake", "testsCount", "--activity", "scheduler")

    assert Run.objects.filter(workflow=workflow).count() == 1


@pytest.mark.parametrize("verb", ["restart_task", "restart-task"])
def test_restart_from_a_task(workflow, verb):
    task = make_task(workflow, status=TaskStatus.COMPLETED, substate=Substate.NONE)

    run(verb, "testsCount", "--tasks", str(task.pk))

    assert Run.objects.filter(origin_task=task).exists()


def test_restart_from_an_activity(workflow):
    task = make_task(workflow, status=TaskStatus.COMPLETED, substate=Substate.NONE)

    run("restart-task", "testsCount", "--activities", "count")

    assert Run.objects.filter(origin_task=task).exists()


def test_running_task_is_ended_by_force(workflow):
    task = running(workflow)

    run("cancel-task", "testsCount", "--task", str(task.pk), "--grade", "force")

    task.refresh_from_db()
    assert task.status == TaskStatus.FAILED


@pytest.mark.parametrize("verb", ["simulate", "purge"])
def test_finished_workflow_is_simulated_and_purged(workflow, verb):
    run("stop", "testsCount")

    assert json.loads(run(verb, "testsCount", "--json"))["status"] == "applied"


def test_stop_after_the_current_run(workflow):
    run("stop-after-run", "testsCount")

    workflow.refresh_from_db()
    assert workflow.state == State.FINISHED


def test_preview_prints_the_effects_and_changes_nothing(workflow):
    running(workflow)
    rows = Command.objects.count()

    lines = run("pause", "testsCount", "--preview").splitlines()

    workflow.refresh_from_db()
    assert lines[0] == "started -> pause_requested"
    assert "- 1 tasks are running and will finish." in lines
    assert workflow.state == State.STARTED
    assert Command.objects.count() == rows


def test_preview_as_json_is_what_the_api_answers(supervisor, workflow):
    running(workflow)

    told = json.loads(run("stop", "testsCount", "--preview", "--json"))

    answer = supervisor.post(
        "/api/v1/workflows/testsCount/commands?preview=1", {"command": "stop"}
    )
    assert told == answer.json()


def test_preview_of_what_is_refused_has_the_exit_status_and_no_row(workflow):
    rows = Command.objects.count()

    with pytest.raises(CommandError, match="Possible now") as caught:
        run("simulate", "testsCount", "--preview")

    assert caught.value.returncode == 4
    assert Command.objects.count() == rows


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["pause", "testsCount", "--until", "tomorrow"], "with its offset"),
        (["pause", "testsCount", "--until", "2099-01-05T10:00:00"], "with its offset"),
        (["start", "testsCount", "--variables", "[1]"], "JSON object"),
        (["stop", "testsCount", "--variables", "{}"], "unrecognized arguments"),
        (["cancel-task", "testsCount", "--grade", "gently"], "invalid choice"),
    ],
)
def test_bad_call_is_told(workflow, arguments, text):
    with pytest.raises(CommandError, match=text):
        run(*arguments)


def test_fault_of_a_parameter_is_named_and_in_the_ledger(workflow):
    with pytest.raises(CommandError, match=r"parameters\.activity") as caught:
        run("wake", "testsCount", "--activity", "count")

    assert caught.value.returncode == 4
    assert Command.objects.first().status == "refused"


def test_waiting_tells_why(workflow):
    text = run("waiting", "testsCount")

    assert "signal: signal waits for a signal." in text
    assert "time: scheduler waits for" in text


def test_waiting_as_json(workflow):
    rows = json.loads(run("waiting", "testsCount", "--json"))

    assert {row["code"] for row in rows} == {"signal", "time"}
    assert all(row["since"].endswith("Z") for row in rows)


def test_stuck_shows_what_hangs(workflow):
    task = running(
        workflow,
        host="worker-3",
        heartbeat_at=timezone.now() - timedelta(seconds=90),
    )

    text = run("stuck", "testsCount")

    assert f"task {task.pk}, testsCount count" in text
    assert "no sign of life" in text
    assert "host worker-3" in text


def test_stuck_of_all_as_json_offers_every_grade(workflow):
    running(workflow)

    rows = json.loads(run("stuck", "--json"))

    assert rows[0]["grades"] == ["ask", "sql", "force"]


def test_stuck_of_an_unknown_workflow_has_its_exit_status(db):
    with pytest.raises(CommandError) as caught:
        run("stuck", "nothing")

    assert caught.value.returncode == 3
