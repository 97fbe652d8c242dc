from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from workflows.actions.command_parameters import PARAMETERS
from workflows.models import (
    Command,
    CommandName,
    Run,
    RunStatus,
    RunTrigger,
    State,
    Substate,
    Task,
    TaskStatus,
)

URL = "/api/v1/workflows/testsCount/commands"


def make_task(workflow, activity="count", **values) -> Task:
    now = timezone.now()
    is_live = values.get("status") == TaskStatus.ACTIVE
    run = Run.objects.create(
        workflow=workflow,
        structure=workflow.structure,
        trigger=RunTrigger.COMMAND,
        status=RunStatus.RUNNING if is_live else RunStatus.FINISHED,
        created_at=now,
        started_at=now,
        ended_at=None if is_live else now,
    )
    return Task.objects.create(
        workflow=workflow,
        run=run,
        activity=activity,
        activity_type="script",
        created_at=now,
        started_at=now,
        **values,
    )


def test_table_has_every_command():
    assert set(PARAMETERS) == set(CommandName)


def test_start_takes_variables(supervisor, workflow):
    supervisor.post(URL, {"command": "stop"})

    answer = supervisor.post(
        URL, {"command": "start", "parameters": {"variables": {"day": "2026-01-05"}}}
    )

    workflow.refresh_from_db()
    assert answer.status_code == 202
    assert workflow.variables["day"] == "2026-01-05"


def test_pause_ends_by_itself_at_the_given_instant(supervisor, workflow):
    until = datetime(2099, 1, 5, 10, 0, tzinfo=UTC)

    supervisor.post(
        URL,
        {
            "command": "pause",
            "reason": "relay under repair",
            "parameters": {
                "until": "2099-01-05T11:00:00+01:00",
                "remind_at": "2099-01-05T09:00:00Z",
            },
        },
    )

    workflow.refresh_from_db()
    assert workflow.resume_at == until
    assert workflow.remind_at == until - timedelta(hours=1)
    assert workflow.pause_comment == "relay under repair"
    assert Command.objects.first().parameters["until"] == "2099-01-05T10:00:00Z"


def test_pause_until_an_instant_that_passed_is_refused(supervisor, workflow):
    answer = supervisor.post(
        URL, {"command": "pause", "parameters": {"until": "2020-01-05T10:00:00Z"}}
    )

    workflow.refresh_from_db()
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "parameters.until"
    assert workflow.state == State.STARTED


def test_instant_without_offset_is_a_fault(supervisor, workflow):
    answer = supervisor.post(
        URL, {"command": "pause", "parameters": {"until": "2099-01-05T10:00:00"}}
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "parameters.until"


def test_restart_clears_the_variables_when_asked(supervisor, workflow):
    workflow.variables = {"kept": 1}
    workflow.save()

    supervisor.post(URL, {"command": "restart"})
    workflow.refresh_from_db()
    kept = dict(workflow.variables)
    supervisor.post(URL, {"command": "stop"})
    supervisor.post(
        URL, {"command": "restart", "parameters": {"clear_variables": True}}
    )

    workflow.refresh_from_db()
    assert (kept, workflow.variables) == ({"kept": 1}, {})


def test_restart_with_the_same_user_keeps_who_started_it(
    supervisor, administrator, workflow
):
    administrator.post(URL, {"command": "stop"})
    administrator.post(URL, {"command": "start"})
    administrator.post(URL, {"command": "stop"})

    supervisor.post(URL, {"command": "restart", "parameters": {"same_user": True}})

    workflow.refresh_from_db()
    assert workflow.started_by.username == "boss"


def test_wake_executes_one_activity_only(supervisor, workflow):
    answer = supervisor.post(
        URL, {"command": "wake", "parameters": {"activity": "scheduler"}}
    )

    assert answer.status_code == 202
    assert Run.objects.filter(workflow=workflow).count() == 1


def test_wake_of_an_activity_that_does_not_wait_is_refused(supervisor, workflow):
    answer = supervisor.post(
        URL, {"command": "wake", "parameters": {"activity": "count"}}
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "parameters.activity"


def test_restart_from_a_task_begins_a_run_there(supervisor, workflow):
    task = make_task(workflow, status=TaskStatus.COMPLETED, substate=Substate.NONE)

    answer = supervisor.post(
        URL, {"command": "restart_task", "parameters": {"tasks": [task.pk]}}
    )

    assert answer.status_code == 202
    assert Run.objects.get(origin_task=task).tasks.get().activity == "count"


def test_restart_from_an_activity_without_task_is_refused(supervisor, workflow):
    answer = supervisor.post(
        URL, {"command": "restart_task", "parameters": {"activities": ["count"]}}
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "parameters.activities"


def test_running_task_is_asked_to_end(supervisor, workflow):
    task = make_task(workflow, status=TaskStatus.ACTIVE, substate=Substate.RUNNING)

    answer = supervisor.post(
        URL,
        {"command": "cancel_task", "parameters": {"task": task.pk, "grade": "ask"}},
    )

    task.refresh_from_db()
    assert answer.status_code == 202
    assert task.cancel_asked_at is not None


def test_force_needs_the_right_to_kill(supervisor, administrator, workflow):
    task = make_task(workflow, status=TaskStatus.ACTIVE, substate=Substate.RUNNING)
    body = {
        "command": "cancel_task",
        "parameters": {"task": task.pk, "grade": "force"},
    }

    refused = supervisor.post(URL, body)
    done = administrator.post(URL, body)

    task.refresh_from_db()
    assert refused.json()["permission"] == "workflows.kill"
    assert done.status_code == 202
    assert task.status == TaskStatus.FAILED


@pytest.mark.parametrize(
    ("command", "parameters", "field"),
    [
        ("stop", {"variables": {"a": 1}}, "parameters.variables"),
        ("pause", {"activity": "scheduler"}, "parameters.activity"),
        ("wake", {"anything": 1}, "parameters.anything"),
        ("cancel_task", {"task": 1, "grade": "gently"}, "parameters.grade"),
        ("restart_task", {"tasks": ["x"]}, "parameters.tasks.0"),
    ],
)
def test_parameter_that_the_command_does_not_take_is_named(
    supervisor, workflow, command, parameters, field
):
    before = Command.objects.count()

    answer = supervisor.post(URL, {"command": command, "parameters": parameters})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
    assert Command.objects.count() == before


@pytest.mark.parametrize("command", ["simulate", "purge"])
def test_finished_workflow_is_simulated_and_purged(supervisor, workflow, command):
    supervisor.post(URL, {"command": "stop"})

    assert supervisor.post(URL, {"command": command}).status_code == 202


def test_stop_after_the_current_run_finishes_an_idle_workflow(supervisor, workflow):
    answer = supervisor.post(URL, {"command": "stop_after_run"})

    workflow.refresh_from_db()
    assert answer.status_code == 202
    assert workflow.state == State.FINISHED


def test_workflow_tells_who_paused_it_why_and_until_when(supervisor, workflow):
    supervisor.post(
        URL,
        {
            "command": "pause",
            "reason": "relay under repair",
            "parameters": {"until": "2099-01-05T10:00:00Z"},
        },
    )

    shown = supervisor.get("/api/v1/workflows/testsCount").json()

    assert (shown["paused_by"], shown["pause_comment"], shown["resume_at"]) == (
        "supervisor",
        "relay under repair",
        "2099-01-05T10:00:00Z",
    )
