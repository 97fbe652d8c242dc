"""Pages that make, copy, import and delete whole workflows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.workflows.console.conftest import MakeWorkflow
from workflows.models import AuditEntry, State, Workflow

HTML = {"accept": "text/html"}
NEW = "/workflows/new-workflow/"
IMPORT = "/workflows/import-document/"
DOCUMENT: dict[str, Any] = {
    "format": 1,
    "internal_name": "report",
    "label": "Report",
    "structure": {
        "activities": [
            {"name": "go", "type": "start", "label": "Go", "parameters": {}},
            {"name": "end", "type": "end", "label": "End", "parameters": {}},
        ],
        "transitions": [{"source": "go", "output": "ok", "destination": "end"}],
    },
}
pytestmark = pytest.mark.django_db


def own(client: Client, name: str = "mine") -> Workflow:
    """Make a workflow by its page."""
    answer = client.post(NEW, {"internal_name": name, "label": "Mine"}, headers=HTML)
    assert answer.status_code == 302, answer.content
    return Workflow.objects.get(internal_name=name)


def uploaded(document: Any) -> SimpleUploadedFile:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return SimpleUploadedFile("report.json", content, "application/json")


def test_a_workflow_is_made_and_leads_to_its_structure(admin_client: Client) -> None:
    answer = admin_client.post(NEW, {"internal_name": "mine", "label": "Mine"})

    assert answer["Location"] == "/workflows/mine/structure/"
    assert admin_client.get(answer["Location"], headers=HTML).status_code == 200
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id) == ("workflows.workflow.created", "mine")


def test_a_workflow_that_was_made_has_its_page_and_row(admin_client: Client) -> None:
    own(admin_client)

    listed = admin_client.get("/workflows/", headers=HTML).content.decode()
    shown = admin_client.get("/workflows/mine/", headers=HTML)

    assert 'href="/workflows/mine/"' in listed
    assert shown.status_code == 200
    assert "No package" in shown.content.decode()


@pytest.mark.parametrize("name", ["", "1st", "with space"])
def test_a_name_that_is_none_is_told_at_its_field(
    admin_client: Client, name: str
) -> None:
    answer = admin_client.post(NEW, {"internal_name": name}, headers=HTML)

    assert answer.status_code == 422
    assert answer.context["form"].errors["internal_name"]
    assert not Workflow.objects.filter(own_label="Mine").exists()


def test_a_taken_name_is_told_at_its_field(admin_client: Client) -> None:
    own(admin_client)

    answer = admin_client.post(NEW, {"internal_name": "MINE"}, headers=HTML)

    assert "taken" in str(answer.context["form"].errors["internal_name"])


def test_a_copy_is_detached_and_not_started(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("cleanup")

    answer = admin_client.post(
        "/workflows/cleanup/duplicate/", {"new_name": "mine"}, headers=HTML
    )

    copy = Workflow.objects.get(internal_name="mine")
    assert answer["Location"] == "/workflows/mine/"
    assert (copy.state, copy.package, copy.is_technical) == (State.EDITED, "", False)
    assert copy.structure is not None
    assert len(copy.structure.activities) == 4


def test_the_preview_of_an_import_changes_nothing(admin_client: Client) -> None:
    answer = admin_client.post(
        IMPORT, {"do": "preview", "file": uploaded(DOCUMENT)}, headers=HTML
    )

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "A workflow report of 2 activities is made; nothing starts." in page
    assert not Workflow.objects.filter(internal_name="report").exists()
    assert json.loads(answer.context["form"]["text"].value()) == DOCUMENT


def test_a_previewed_document_is_imported(admin_client: Client) -> None:
    answer = admin_client.post(
        IMPORT,
        {"do": "import", "text": json.dumps(DOCUMENT), "comment": "from staging"},
        headers=HTML,
    )

    made = Workflow.objects.get(internal_name="report")
    assert answer["Location"] == "/workflows/report/"
    assert (made.label, made.structure.comment) == ("Report", "from staging")


def test_importing_over_a_workflow_needs_its_tick(admin_client: Client) -> None:
    own(admin_client, "report")
    given = {"do": "import", "text": json.dumps(DOCUMENT)}

    refused = admin_client.post(IMPORT, given, headers=HTML)
    done = admin_client.post(IMPORT, {**given, "is_new_version": "on"}, headers=HTML)

    assert refused.status_code == 422
    assert "There is a workflow report already" in refused.content.decode()
    assert done["Location"] == "/workflows/report/"
    assert Workflow.objects.get(internal_name="report").structure.number == 2


def test_problems_of_a_document_are_named_by_place(admin_client: Client) -> None:
    broken = {**DOCUMENT, "structure": {"activities": [{"name": "go"}]}}

    answer = admin_client.post(
        IMPORT, {"do": "preview", "file": uploaded(broken)}, headers=HTML
    )

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "structure.activities.0.type" in page


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"{not json", "JSON"), (b"\xff\xfe\x00", "UTF-8"), (b"", "empty")],
)
def test_a_file_that_is_no_document_is_told_at_its_field(
    admin_client: Client, content: bytes, words: str
) -> None:
    answer = admin_client.post(
        IMPORT, {"do": "preview", "file": uploaded(content)}, headers=HTML
    )

    assert answer.status_code == 422
    assert words in str(answer.context["form"].errors["file"])


def test_nothing_to_import_is_told(admin_client: Client) -> None:
    answer = admin_client.post(IMPORT, {"do": "preview"}, headers=HTML)

    assert answer.status_code == 422
    assert "Choose a file" in str(answer.context["form"].errors["file"])


def test_what_was_exported_can_be_imported(admin_client: Client) -> None:
    own(admin_client)
    exported = admin_client.get("/workflows/mine/export/").content.decode()

    admin_client.post(
        IMPORT, {"do": "import", "text": exported, "internal_name": "twin"}
    )

    assert Workflow.objects.get(internal_name="twin").label == "Mine"


def test_deleting_is_previewed_and_then_done(admin_client: Client) -> None:
    own(admin_client)

    asked = admin_client.get("/workflows/mine/delete/", headers=HTML)
    assert "deleted for good" in asked.content.decode()
    assert Workflow.objects.filter(internal_name="mine").exists()
    done = admin_client.post(
        "/workflows/mine/delete/", {"version": "1", "reason": "no use"}, headers=HTML
    )

    assert done["Location"] == "/workflows/"
    assert not Workflow.objects.filter(internal_name="mine").exists()
    assert admin_client.get("/workflows/mine/", headers=HTML).status_code == 404
    entry = AuditEntry.objects.get(action="workflows.workflow.deleted")
    assert entry.reason == "no use"


def test_a_started_workflow_cannot_be_deleted_and_says_why(
    admin_client: Client,
) -> None:
    own(admin_client)
    Workflow.objects.filter(internal_name="mine").update(state=State.STARTED)

    asked = admin_client.get("/workflows/mine/delete/", headers=HTML)
    refused = admin_client.post("/workflows/mine/delete/", {}, headers=HTML)

    assert "stop it first" in asked.content.decode()
    assert refused.status_code == 409
    assert Workflow.objects.filter(internal_name="mine").exists()


def test_a_changed_workflow_is_not_deleted_unseen(admin_client: Client) -> None:
    own(admin_client)

    answer = admin_client.post(
        "/workflows/mine/delete/", {"version": "7"}, headers=HTML
    )

    assert answer.status_code == 412
    assert Workflow.objects.filter(internal_name="mine").exists()


@pytest.mark.parametrize(
    "address",
    [NEW, IMPORT, "/workflows/one/duplicate/", "/workflows/one/delete/"],
)
def test_who_may_only_look_sees_why_and_changes_nothing(
    viewer_client: Client, make_workflow: MakeWorkflow, address: str
) -> None:
    make_workflow("one", state=State.EDITED)
    given = {
        "internal_name": "mine",
        "new_name": "mine",
        "do": "import",
        "text": json.dumps(DOCUMENT),
    }

    page = viewer_client.get(address, headers=HTML).content.decode()
    answer = viewer_client.post(address, given, headers=HTML)

    assert "You lack the right workflows.edit_structure." in page
    assert answer.status_code == 403
    assert list(Workflow.objects.values_list("internal_name", flat=True)) == ["one"]


@pytest.mark.parametrize("verb", ["duplicate", "delete"])
def test_a_missing_workflow_is_not_found(admin_client: Client, verb: str) -> None:
    answer = admin_client.get(f"/workflows/nobody/{verb}/", headers=HTML)

    assert answer.status_code == 404
