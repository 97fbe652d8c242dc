from __future__ import annotations

import pytest
from django.test import Client

from campaign.access.models import Operator
from tests.workflows.console.conftest import MakeWorkflow
from workflows.models import Command, CommandStatus, Source, State, Workflow


def test_pause_is_applied_and_leads_back(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")

    response = supervisor_client.post(
        "/workflows/one/commands/pause/",
        {"expected_state": "started", "next": "/workflows/?state=running"},
    )

    workflow.refresh_from_db()
    assert workflow.state == State.PAUSED
    assert response["Location"] == "/workflows/?state=running"
    row = Command.objects.get()
    assert (row.source, row.author, row.status) == (
        Source.CONSOLE,
        "supervisor",
        CommandStatus.APPLIED,
    )


def test_browser_with_script_gets_a_toast_and_a_refresh(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.post(
        "/workflows/one/commands/pause/",
        {"expected_state": "started"},
        headers={"HX-Request": "true"},
    )

    assert response["HX-Trigger"] == "console:refresh"
    assert "Pause done" in response.content.decode()
    assert "hx-swap-oob" in response.content.decode()


def test_stale_page_is_told_and_nothing_changes(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one", state=State.PAUSED)

    response = supervisor_client.post(
        "/workflows/one/commands/pause/",
        {"expected_state": "started"},
        headers={"HX-Request": "true"},
    )

    workflow.refresh_from_db()
    assert workflow.state == State.PAUSED
    assert "was refused" in response.content.decode()
    assert Command.objects.get().status == CommandStatus.REFUSED


def test_operator_without_right_is_refused_with_a_ledger_row(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")

    viewer_client.post("/workflows/one/commands/pause/", {})

    workflow.refresh_from_db()
    assert workflow.state == State.STARTED
    assert Command.objects.get().status == CommandStatus.REFUSED


@pytest.mark.parametrize(
    "target", ["https://elsewhere.example/", "//elsewhere.example"]
)
def test_command_never_leads_elsewhere(
    target: str, supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.post(
        "/workflows/one/commands/pause/", {"next": target}
    )

    assert response["Location"] == "/workflows/one/"


def test_stop_asks_first_and_names_the_effect(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")

    page = supervisor_client.get("/workflows/one/commands/stop/").content.decode()

    workflow.refresh_from_db()
    assert workflow.state == State.STARTED
    assert "data-confirm-body" in page
    assert "its position is lost" in page
    assert 'name="expected_state" value="started"' in page


def test_unknown_command_is_not_found(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.get(
        "/workflows/one/commands/explode/", headers={"accept": "text/html"}
    )

    assert response.status_code == 404


def test_command_to_a_missing_workflow_is_told(supervisor_client: Client) -> None:
    response = supervisor_client.post(
        "/workflows/nowhere/commands/pause/", headers={"HX-Request": "true"}
    )

    assert "There is no workflow nowhere" in response.content.decode()


def test_unconditional_stop_needs_its_own_right(
    supervisor_client: Client, supervisor: Operator, make_workflow: MakeWorkflow
) -> None:
    kill = supervisor.user_permissions.filter(codename="kill")
    supervisor.user_permissions.remove(*kill)
    workflow = make_workflow("one")

    supervisor_client.post("/workflows/one/commands/kill/", {})

    workflow.refresh_from_db()
    assert workflow.state == State.STARTED


def test_bulk_pause_reports_row_by_row(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")
    make_workflow("two", state=State.EDITED)

    response = supervisor_client.post(
        "/workflows/commands/", {"command": "pause", "workflow": ["one", "two"]}
    )

    assert (response.context["done"], response.context["refused"]) == (1, 1)
    assert Workflow.objects.get(internal_name="one").state == State.PAUSED


def test_bulk_above_five_asks_first(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    names = [make_workflow(f"flow{n}").internal_name for n in range(6)]

    response = supervisor_client.post(
        "/workflows/commands/", {"command": "pause", "workflow": names}
    )

    assert "confirmed" in response.content.decode()
    assert not Command.objects.exists()


def test_bulk_confirmed_is_carried_out(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    names = [make_workflow(f"flow{n}").internal_name for n in range(6)]

    supervisor_client.post(
        "/workflows/commands/",
        {"command": "pause", "workflow": names, "confirmed": "yes"},
    )

    assert Workflow.objects.filter(state=State.PAUSED).count() == 6


def test_bulk_without_selection_leads_back(supervisor_client: Client) -> None:
    response = supervisor_client.post("/workflows/commands/", {"command": "pause"})

    assert response["Location"] == "/workflows/"


def test_bulk_refuses_get(supervisor_client: Client) -> None:
    assert supervisor_client.get("/workflows/commands/").status_code == 405
