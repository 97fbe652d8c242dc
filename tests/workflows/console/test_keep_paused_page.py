"""Keeping a workflow paused until a date, in the console."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.workflows.console.conftest import MakeWorkflow
from workflows.engine import deletion
from workflows.models import AuditEntry, Source, State, Workflow

URL = "/workflows/sample/keep-paused/"
HTML = {"accept": "text/html"}


def typed(days: int) -> str:
    return f"{timezone.localtime() + timedelta(days=days):%Y-%m-%dT%H:%M}"


@pytest.fixture
def paused(make_workflow: MakeWorkflow) -> Workflow:
    """A workflow that somebody paused."""
    return make_workflow(state=State.PAUSED)


def test_page_of_a_paused_workflow_leads_there(
    supervisor_client: Client, paused: Workflow
) -> None:
    page = supervisor_client.get(paused.get_absolute_url()).content.decode()

    assert f'href="{URL}"' in page


def test_page_of_a_started_workflow_does_not(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    page = supervisor_client.get(make_workflow().get_absolute_url()).content.decode()

    assert URL not in page


def test_form_asks_until_when(supervisor_client: Client, paused: Workflow) -> None:
    page = supervisor_client.get(URL).content.decode()

    assert 'name="until"' in page
    assert "Keep paused: sample" in page


def test_workflow_is_kept_paused(supervisor_client: Client, paused: Workflow) -> None:
    answer = supervisor_client.post(URL, {"until": typed(30), "reason": "vendor"})

    paused.refresh_from_db()
    page = supervisor_client.get(paused.get_absolute_url()).content.decode()
    entry = AuditEntry.objects.get(action="workflows.workflow.kept_paused")
    assert answer["Location"] == paused.get_absolute_url()
    assert paused.snoozed_until is not None
    assert (entry.source, entry.reason) == (Source.CONSOLE, "vendor")
    assert "kept so until" in page


@pytest.mark.parametrize("until", ["", typed(-1), typed(400), "soon"])
def test_date_with_a_fault_is_asked_again(
    supervisor_client: Client, paused: Workflow, until: str
) -> None:
    answer = supervisor_client.post(URL, {"until": until})

    paused.refresh_from_db()
    assert answer.status_code == 200
    assert answer.context["form"].errors["until"]
    assert paused.snoozed_until is None


def test_workflow_that_goes_on_meanwhile_is_left_alone(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow()

    answer = supervisor_client.post(URL, {"until": typed(30)}, follow=True)

    workflow.refresh_from_db()
    assert "The workflow is not paused any more." in answer.content.decode()
    assert workflow.snoozed_until is None


def test_viewer_is_told_why_not_and_refused(
    viewer_client: Client, paused: Workflow
) -> None:
    page = viewer_client.get(URL).content.decode()
    answer = viewer_client.post(URL, {"until": typed(30)}, headers=HTML)

    paused.refresh_from_db()
    assert "You lack the right workflows.operate_technical." in page
    assert answer.status_code == 403
    assert paused.snoozed_until is None


def test_workflow_that_is_being_deleted_is_not_listed(
    supervisor_client: Client, paused: Workflow, make_workflow: MakeWorkflow
) -> None:
    leaving = make_workflow("spent", state=State.FINISHED)
    deletion.mark(leaving)

    page = supervisor_client.get("/workflows/").content.decode()

    assert paused.internal_name in page
    assert leaving.internal_name not in page
