from __future__ import annotations

from django.contrib.auth.models import Group
from django.test import Client

from tests.workflows.console.conftest import MakeWorkflow
from workflows.models import AuditEntry, Severity

PAGE = "/workflows/one/properties/"
VALUES = {
    "own_label": "",
    "description": "",
    "severity": "0",
    "history_days": "30",
    "error_policy": "stop",
    "time_zone": "",
}


def test_save_changes_and_records_before_and_after(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")
    group = Group.objects.create(name="Night shift")

    response = supervisor_client.post(
        PAGE, {**VALUES, "severity": "2", "supervisors": [group.pk], "reason": "why"}
    )

    workflow.refresh_from_db()
    assert response["Location"] == "/workflows/one/"
    assert workflow.severity == Severity.CRITICAL
    assert list(workflow.supervisors.all()) == [group]
    entry = AuditEntry.objects.get()
    assert entry.changes["supervisors"] == [[], ["Night shift"]]
    assert entry.reason == "why"


def test_unknown_zone_is_told_at_its_field(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.post(PAGE, {**VALUES, "time_zone": "Mars/Base"})

    assert response.status_code == 422
    assert response.context["form"].errors["time_zone"]


def test_saving_nothing_writes_no_audit(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    supervisor_client.post(PAGE, VALUES)

    assert not AuditEntry.objects.exists()


def test_reader_without_right_sees_the_form_disabled(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    page = viewer_client.get(PAGE).content.decode()

    assert "You lack the right workflows.change_technical." in page
    assert "disabled" in page


def test_reader_without_right_cannot_save(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")

    response = viewer_client.post(
        PAGE, {**VALUES, "severity": "2"}, headers={"accept": "text/html"}
    )

    workflow.refresh_from_db()
    assert response.status_code == 403
    assert workflow.severity == Severity.NORMAL
