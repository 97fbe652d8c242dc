from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from campaign.access.models import Operator
from tests.workflows.console.conftest import (
    NOW,
    MakeWorkflow,
    add_run,
    add_task,
)
from tests.workflows.samples import nothing, sample_workflow
from workflows.console.commands import BUTTONS
from workflows.models import (
    Command,
    CommandName,
    CommandStatus,
    Run,
    RunStatus,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)


def running(workflow: Workflow) -> Task:
    """Give a workflow a task that runs."""
    return add_task(
        add_run(workflow, RunStatus.RUNNING),
        status=TaskStatus.ACTIVE,
        substate=Substate.RUNNING,
        output="",
        completed_at=None,
    )


def planned(workflow: Workflow) -> Task:
    """Give a workflow a scheduler that waits for an instant far off."""
    return Task.objects.create(
        workflow=workflow,
        activity="scheduler",
        activity_type="scheduler",
        status=TaskStatus.ACTIVE,
        substate=Substate.PENDING,
        created_at=NOW,
        scheduled_for=datetime(2099, 1, 5, 4, 0, tzinfo=UTC),
        process_at=datetime(2099, 1, 5, 4, 0, tzinfo=UTC),
    )


def confirmation(client: Client, name: str, **query: Any) -> str:
    response = client.get(f"/workflows/one/commands/{name}/", query)
    assert response.status_code == 200
    return response.content.decode()


def effects(page: str) -> str:
    """Return the part of a confirmation that tells the effects."""
    return page.partition('id="effects"')[2].partition("</div>")[0]


def test_every_command_has_a_button_but_resume_which_start_gives() -> None:
    assert set(BUTTONS) == set(CommandName) - {CommandName.RESUME}


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("pause", "1 tasks are running and will finish."),
        ("stop", "1 tasks are running: they are asked to end"),
        ("restart", "1 tasks are running: they are asked to end"),
        ("kill", "1 running tasks are taken from their workers"),
        ("purge", "0 ended runs with their tasks"),
    ],
)
def test_confirmation_tells_the_effects_in_numbers(
    command: str,
    sentence: str,
    supervisor_client: Client,
    make_workflow: MakeWorkflow,
) -> None:
    workflow = make_workflow("one")
    running(workflow)

    page = confirmation(supervisor_client, command)

    workflow.refresh_from_db()
    assert sentence in effects(page)
    assert workflow.state == State.STARTED
    assert not Command.objects.exists()


def test_confirmation_of_a_stale_page_says_so(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    page = confirmation(supervisor_client, "stop", expected_state="paused")

    assert "The state is started, not paused as shown" in effects(page)


def test_confirmation_of_what_is_impossible_offers_no_button(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one", state=State.FINISHED)

    page = confirmation(supervisor_client, "pause")

    assert "Not possible in the state Finished." in page
    assert re.search(
        r"<button type=\"submit\" class=\"btn btn-primary\" disabled", page
    )


def test_confirmation_without_right_tells_no_effects(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    running(make_workflow("one"))

    page = confirmation(viewer_client, "stop")

    assert "You lack the right workflows.operate_technical." in page
    assert "asked to end" not in page


def test_confirmation_costs_a_bounded_number_of_queries(
    supervisor_client: Client,
    make_workflow: MakeWorkflow,
    django_assert_max_num_queries: Any,
) -> None:
    workflow = make_workflow("one")
    planned(workflow)
    for _number in range(20):
        running(workflow)

    with django_assert_max_num_queries(50):
        supervisor_client.get("/workflows/one/commands/stop/")


def test_pause_takes_its_end_a_reminder_and_a_reason(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")

    supervisor_client.post(
        "/workflows/one/commands/pause/",
        {
            "until": "2099-01-05T11:00",
            "remind_at": "2099-01-05T10:00",
            "reason": "relay under repair",
        },
    )

    workflow.refresh_from_db()
    row = Command.objects.get()
    assert workflow.state == State.PAUSED
    assert workflow.pause_comment == "relay under repair"
    assert workflow.resume_at is not None
    assert (workflow.resume_at - workflow.remind_at).total_seconds() == 3600
    assert row.parameters["until"] == (
        workflow.resume_at.isoformat().replace("+00:00", "Z")
    )


def test_pause_until_an_instant_that_passed_is_refused_with_a_row(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")

    supervisor_client.post(
        "/workflows/one/commands/pause/", {"until": "2020-01-05T11:00"}
    )

    workflow.refresh_from_db()
    assert workflow.state == State.STARTED
    assert Command.objects.get().status == CommandStatus.REFUSED


def test_effects_follow_what_is_chosen(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    planned(make_workflow("one"))

    response = supervisor_client.post(
        "/workflows/one/commands/pause/",
        {"preview": "1", "expected_state": "started", "until": "2099-01-06T05:00"},
        headers={"HX-Request": "true"},
    )

    body = response.content.decode()
    assert "It resumes by itself at 2099-01-06T" in body
    assert "<html" not in body
    assert not Command.objects.exists()


def test_effects_without_script_keep_what_was_typed(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    page = supervisor_client.post(
        "/workflows/one/commands/pause/",
        {"preview": "1", "until": "2099-01-06T05:00", "reason": "repair"},
    ).content.decode()

    assert 'value="2099-01-06T05:00"' in page
    assert 'value="repair"' in page
    assert "It resumes by itself" in effects(page)


def test_start_takes_parameters(supervisor_client: Client) -> None:
    with sample_workflow(nothing, name="one") as workflow:
        supervisor_client.post("/workflows/one/commands/stop/")
        supervisor_client.post(
            "/workflows/one/commands/start/", {"variables": '{"day": "2026-01-05"}'}
        )

        workflow.refresh_from_db()
        assert workflow.state == State.STARTED
        assert workflow.variables == {"day": "2026-01-05"}


@pytest.mark.parametrize("text", ["{", "[1]", "5"])
def test_parameters_that_are_no_document_are_told(
    text: str, supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one", state=State.FINISHED)

    response = supervisor_client.post(
        "/workflows/one/commands/start/", {"variables": text}
    )

    workflow.refresh_from_db()
    assert "was refused. Parameters:" in response.content.decode()
    assert workflow.state == State.FINISHED


def test_parameters_are_empty_until_typed(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one", state=State.FINISHED)

    page = confirmation(supervisor_client, "start")

    field = page.partition('<textarea name="variables"')[2].partition("</textarea>")[0]
    assert field.partition(">")[2].strip() == ""


def test_wake_offers_each_pending_task_and_executes_the_chosen_one(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")
    planned(workflow)

    page = confirmation(supervisor_client, "wake", activity="scheduler")
    supervisor_client.post("/workflows/one/commands/wake/", {"activity": "scheduler"})

    assert '<option value="scheduler" selected>Scheduler</option>' in page
    assert Run.objects.filter(workflow=workflow).count() == 1
    assert Command.objects.get().parameters == {"activity": "scheduler"}


def test_wake_of_what_does_not_wait_is_refused_with_a_row(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    supervisor_client.post("/workflows/one/commands/wake/", {"activity": "work"})

    assert Command.objects.get().status == CommandStatus.REFUSED


def test_restart_from_a_task_offers_the_activities_that_ran(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")
    task = add_task(add_run(workflow))

    page = confirmation(supervisor_client, "restart_task", activities="work")
    supervisor_client.post(
        "/workflows/one/commands/restart_task/", {"activities": ["work"]}
    )

    assert "Collect rows" in page
    assert "1 tasks begin." in effects(page)
    assert Run.objects.filter(origin_task=task).exists()


def test_restart_from_a_task_needs_one_that_ended(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    page = confirmation(supervisor_client, "restart_task")

    assert "No activity has an ended task yet." in page
    assert " disabled" in page.partition("form-actions")[2]


def test_running_task_is_ended_from_its_row(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")
    task = running(workflow)

    rows = supervisor_client.get("/workflows/one/", {"tab": "tasks"}).content.decode()
    supervisor_client.post(
        "/workflows/one/commands/cancel_task/", {"task": task.pk, "grade": "ask"}
    )

    task.refresh_from_db()
    assert f"/commands/cancel_task/?expected_state=started&amp;task={task.pk}" in rows
    assert task.cancel_asked_at is not None


def test_only_running_task_is_chosen_from_the_start(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    task = running(make_workflow("one"))

    page = confirmation(supervisor_client, "cancel_task")

    assert f'<option value="{task.pk}" selected>' in page
    assert "1 tasks are running: they are asked to end" in effects(page)


def test_force_is_offered_to_those_who_may_kill(
    supervisor_client: Client, supervisor: Operator, make_workflow: MakeWorkflow
) -> None:
    running(make_workflow("one"))

    with_right = confirmation(supervisor_client, "cancel_task")
    supervisor.user_permissions.remove(
        *supervisor.user_permissions.filter(codename="kill")
    )
    without = confirmation(supervisor_client, "cancel_task")

    assert 'value="force"' in with_right
    assert 'value="force"' not in without
    assert 'value="sql"' in without


def test_nothing_runs_so_nothing_can_be_ended(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    assert "No task runs now." in confirmation(supervisor_client, "cancel_task")


def test_menu_has_every_command_and_pause_until(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    page = supervisor_client.get("/workflows/one/").content.decode()

    menu = page.partition('id="menu-commands"')[2].partition("Edit schedule")[0]
    assert "Pause until" in menu
    assert "Stop after the current run" in menu
    assert "Restart from a task" in menu
    assert "Cancel a running task" in menu
    assert "Purge history" in menu
    assert "Execute pending tasks now" in menu


def test_start_with_parameters_is_offered_at_rest_only(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one", state=State.FINISHED)
    make_workflow("two")

    at_rest = supervisor_client.get("/workflows/one/").content.decode()
    started = supervisor_client.get("/workflows/two/").content.decode()

    assert "Start with parameters" in at_rest
    assert "Start in simulation mode" in at_rest
    assert "Start with parameters" not in started


def test_page_tells_why_it_waits_and_leads_to_the_remedy(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    planned(make_workflow("one"))

    part = supervisor_client.get("/workflows/one/waiting/").content.decode()

    assert "Scheduler waits until" in part
    assert "2099" in part
    assert "/commands/wake/?expected_state=started&amp;activity=scheduler" in part


def test_page_of_a_workflow_that_waits_for_nothing_says_so(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one", state=State.FINISHED)

    part = supervisor_client.get("/workflows/one/waiting/").content.decode()

    assert "Nothing waits." in part
