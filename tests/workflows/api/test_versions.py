"""Versions, documents, copies and deletions through the API."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from workflows.models import AuditEntry, State, StructureVersion, Workflow

ALL = "/api/v1/workflows"
ONE = f"{ALL}/testsCount"
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


def relabel(administrator: Any, label: str = "Every morning", version: int = 1) -> Any:
    body = administrator.get(f"{ONE}/structure").json()
    body["activities"][0]["label"] = label
    return administrator.put(f"{ONE}/structure", body, if_match=str(version))


def send(caller: Any, method: str, path: str, body: Any = None, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller.client.generic(
        method,
        path,
        json.dumps({} if body is None else body),
        content_type="application/json",
        headers=named,
    )


@pytest.fixture
def edited(administrator: Any, workflow: Workflow) -> Workflow:
    """The workflow with a built-in version and an edited one."""
    assert relabel(administrator).status_code == 200
    return workflow


def test_saving_tells_difference_and_warnings(administrator, workflow):
    body = administrator.get(f"{ONE}/structure").json()
    body["transitions"] = [t for t in body["transitions"] if t["source"] != "count"]

    answer = administrator.put(f"{ONE}/structure", body, if_match="1").json()

    assert answer["diff"]["sentences"] == ["Transition count.ok → end is removed."]
    assert [(w["activity"], w["level"]) for w in answer["warnings"]] == [
        ("count", "warning")
    ]


def test_preview_of_a_structure_changes_nothing(administrator, workflow):
    body = administrator.get(f"{ONE}/structure").json()
    body["activities"][0]["label"] = "Every morning"

    answer = administrator.put(f"{ONE}/structure?preview=1", body, if_match="1")

    told = answer.json()
    assert answer.status_code == 200
    assert "version" in {effect["code"] for effect in told["effects"]}
    assert "scheduler" in told["diff"]["sentences"][0]
    assert StructureVersion.objects.filter(workflow=workflow).count() == 1
    assert not AuditEntry.objects.filter(
        action="workflows.workflow.structure_changed"
    ).exists()


def test_preview_refuses_what_the_order_would(administrator, workflow):
    body = administrator.get(f"{ONE}/structure").json()

    stale = administrator.put(f"{ONE}/structure?preview=1", body, if_match="7")

    assert stale.status_code == 412


def test_preview_of_a_schedule_changes_nothing(administrator, workflow):
    hourly = {"kind": "several_times_a_day", "every": "PT1H", "from": "00:00"}

    answer = administrator.put(f"{ONE}/schedule?preview=1", hourly, if_match="1")

    codes = {effect["code"] for effect in answer.json()["effects"]}
    assert "instants_planned" in codes
    assert administrator.get(f"{ONE}/schedule").json()["kind"] == "daily"


def test_versions_are_listed_newest_first(reader, edited):
    items = reader.get(f"{ONE}/versions").json()["items"]

    assert [(i["version"], i["is_current"], i["is_factory"]) for i in items] == [
        (2, True, False),
        (1, False, True),
    ]
    assert items[0]["author"] == "boss"


def test_versions_are_paged(reader, edited):
    first = reader.get(f"{ONE}/versions", limit=1).json()
    second = reader.get(f"{ONE}/versions", limit=1, cursor=first["next"]).json()

    assert [first["items"][0]["version"], second["items"][0]["version"]] == [2, 1]


def test_one_version_is_shown(reader, edited):
    shown = reader.get(f"{ONE}/versions/1").json()

    assert shown["activities"][0]["label"] == "Scheduler"
    assert reader.get(f"{ONE}/versions/9").status_code == 404


def test_versions_are_compared(reader, edited):
    answer = reader.get(f"{ONE}/versions/compare", **{"from": 1, "to": 2}).json()

    assert answer["activities"]["changed"] == [
        {
            "activity": "scheduler",
            "field": "label",
            "before": "Scheduler",
            "after": "Every morning",
        }
    ]


def test_version_is_restored(administrator, edited):
    answer = send(administrator, "POST", f"{ONE}/versions/1/restore", if_match='"2"')

    assert answer.status_code == 200
    assert answer["ETag"] == '"3"'
    assert answer.json()["activities"][0]["label"] == "Scheduler"


def test_restoring_is_previewed(administrator, edited):
    answer = send(
        administrator, "POST", f"{ONE}/versions/1/restore?preview=1", if_match="2"
    )

    assert answer.json()["diff"]["activities"]["changed"][0]["after"] == "Scheduler"
    assert edited.versions.count() == 2


@pytest.mark.parametrize("path", ["versions/1/restore", "structure/reset"])
def test_going_back_needs_the_version_that_was_seen(administrator, edited, path):
    assert send(administrator, "POST", f"{ONE}/{path}").status_code == 428
    assert send(administrator, "POST", f"{ONE}/{path}", if_match="1").status_code == 412


def test_structure_is_reset(administrator, edited):
    told = send(administrator, "POST", f"{ONE}/structure/reset?preview=1", if_match="2")
    answer = send(administrator, "POST", f"{ONE}/structure/reset", if_match="2")

    assert told.json()["diff"] == answer.json()["diff"]
    assert answer.json()["is_factory"] is True


def test_document_goes_out_and_in_again(administrator, workflow):
    document = administrator.get(f"{ONE}/export").json()
    document["structure"]["activities"][0]["label"] = "Changed"
    del document["checksum"]

    answer = administrator.post(
        f"{ALL}/import",
        {"document": document, "if_exists": "new_version", "comment": "moved"},
    )

    assert answer.status_code == 200
    assert answer.json()["version"] == 2
    assert answer.json()["comment"] == "moved"


def test_import_makes_a_workflow(administrator, workflow):
    answer = administrator.post(f"{ALL}/import", {"document": DOCUMENT})

    assert answer.status_code == 201
    assert administrator.get(f"{ALL}/report").json()["state"] == "edited"


def test_import_is_previewed(administrator, workflow):
    answer = administrator.post(f"{ALL}/import?preview=1", {"document": DOCUMENT})

    assert [effect["code"] for effect in answer.json()["effects"]] == ["created"]
    assert not Workflow.objects.filter(internal_name="report").exists()


def test_import_over_an_existing_one_is_a_conflict(administrator, workflow):
    administrator.post(f"{ALL}/import", {"document": DOCUMENT})

    answer = administrator.post(f"{ALL}/import", {"document": DOCUMENT})

    assert answer.status_code == 409
    assert answer.json()["error_code"] == "already_exists"


def test_import_over_an_existing_one_is_previewed_with_its_difference(
    administrator, workflow
):
    administrator.post(f"{ALL}/import", {"document": DOCUMENT})
    document = copy.deepcopy(DOCUMENT)
    document["structure"]["activities"][0]["label"] = "Begin"

    answer = administrator.post(
        f"{ALL}/import?preview=1",
        {"document": document, "if_exists": "new_version"},
    )

    assert answer.json()["diff"]["sentences"] == ["go: label changes from Go to Begin."]
    assert (
        StructureVersion.objects.filter(workflow__internal_name="report").count() == 1
    )


def test_faults_of_a_document_name_their_places(administrator, workflow):
    answer = administrator.post(
        f"{ALL}/import", {"document": {**DOCUMENT, "format": 9, "label": 1}}
    )

    assert answer.status_code == 400
    assert {e["field"] for e in answer.json()["errors"]} == {"format", "label"}


def test_empty_workflow_is_made(administrator, workflow):
    answer = administrator.post(ALL, {"internal_name": "fresh", "label": "Fresh"})

    assert answer.status_code == 201
    assert answer.json()["label"] == "Fresh"
    assert administrator.get(ALL).status_code == 200


def test_copy_is_made(administrator, workflow):
    answer = administrator.post(f"{ONE}/duplicate", {"new_name": "twin"})

    assert answer.status_code == 201
    assert answer.json()["internal_name"] == "twin"
    assert answer.json()["is_technical"] is False


def test_workflow_is_deleted(administrator, workflow):
    administrator.post(f"{ALL}/import", {"document": DOCUMENT})

    told = send(administrator, "DELETE", f"{ALL}/report?preview=1", if_match="1")
    kept = administrator.get(f"{ALL}/report").status_code
    answer = send(administrator, "DELETE", f"{ALL}/report", if_match="1")

    assert [effect["code"] for effect in told.json()["effects"]] == [
        "deleted",
        "history_deleted",
    ]
    assert kept == 200
    assert answer.status_code == 204
    assert administrator.get(f"{ALL}/report").status_code == 404


def test_workflow_at_work_is_not_deleted(administrator, workflow):
    answer = send(administrator, "DELETE", ONE, if_match="1")

    assert answer.status_code == 409
    assert answer.json()["state"] == State.STARTED


def test_deleting_needs_the_version_that_was_seen(administrator, workflow):
    assert send(administrator, "DELETE", ONE).status_code == 428


WRITING = [
    ("POST", f"{ALL}/import", {"document": DOCUMENT}),
    ("POST", ALL, {"internal_name": "fresh"}),
    ("POST", f"{ONE}/duplicate", {"new_name": "twin"}),
    ("POST", f"{ONE}/versions/1/restore", {}),
    ("POST", f"{ONE}/structure/reset", {}),
    ("DELETE", ONE, {}),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITING)
def test_writing_needs_the_scope(supervisor, workflow, method, path, body):
    answer = send(supervisor, method, path, body, if_match="1")

    assert answer.status_code == 403


@pytest.mark.parametrize(("method", "path", "body"), WRITING)
def test_writing_needs_the_right(outsider, workflow, method, path, body):
    answer = send(outsider, method, path, body, if_match="1")

    assert answer.status_code == 403
    assert answer.json()["permission"] == "workflows.edit_structure"


@pytest.mark.parametrize(
    "path", ["versions", "versions/1", "versions/compare?from=1&to=1", "export"]
)
def test_reading_needs_the_right(outsider, reader, workflow, path):
    assert outsider.get(f"{ONE}/{path}").status_code == 403
    assert reader.get(f"{ONE}/{path}").status_code == 200
