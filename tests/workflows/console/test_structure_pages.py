"""The structure as a list of forms, its drawing's data, and its versions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from campaign.access.models import Operator
from workflows.models import AuditEntry, StructureDraft, Workflow

HTML = {"accept": "text/html"}
BASE = "/workflows/made/"
STRUCTURE = f"{BASE}structure/"


@pytest.fixture
def made(db: None) -> Workflow:
    """A technical workflow without a structure, never started."""
    return Workflow.objects.create(internal_name="made", own_label="Made by hand")


def step(client: Client, do: str, **values: str) -> Any:
    """Make one step of the draft."""
    answer = client.post(f"{STRUCTURE}edit/{do}/", values, headers=HTML)
    assert answer.status_code == 302, answer.content
    return answer


def built(client: Client) -> None:
    """Draw start → wait → end by the forms."""
    step(client, "add", type="start", label="Begin")
    step(client, "add", type="wait", label="Rest", after="Begin ok")
    step(client, "add", type="end", label="Finish", after="Rest ok")
    client.post(
        f"{STRUCTURE}activities/Rest/",
        {"label": "Rest", "parameters.duration": "90s"},
        headers=HTML,
    )


def graph() -> dict[str, Any]:
    """Return the graph of the only draft."""
    return dict(StructureDraft.objects.get().graph)


def page(client: Client, address: str = STRUCTURE) -> str:
    answer = client.get(address, headers=HTML)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_first_step_begins_a_draft(admin_client: Client, made: Workflow) -> None:
    step(admin_client, "add", type="start", label="Begin")

    draft = StructureDraft.objects.get()
    assert [one["name"] for one in draft.graph["activities"]] == ["Begin"]
    made.refresh_from_db()
    assert made.structure is None or made.structure.number == draft.base


def test_an_activity_is_put_into_a_transition(
    admin_client: Client, made: Workflow
) -> None:
    step(admin_client, "add", type="start", label="Begin")
    step(admin_client, "add", type="end", label="Finish", after="Begin ok")

    step(admin_client, "add", type="wait", label="Rest", after="Begin ok")

    ways = [(one["source"], one["destination"]) for one in graph()["transitions"]]
    assert ways == [("Begin", "Rest"), ("Rest", "Finish")]


def test_removing_closes_the_way_up(admin_client: Client, made: Workflow) -> None:
    built(admin_client)

    step(admin_client, "remove", activity="Rest")

    ways = [(one["source"], one["destination"]) for one in graph()["transitions"]]
    assert ways == [("Begin", "Finish")]


def test_connecting_and_disconnecting(admin_client: Client, made: Workflow) -> None:
    step(admin_client, "add", type="start", label="Begin")
    step(admin_client, "add", type="end", label="Finish")
    way = {"source": "Begin", "output": "ok", "destination": "Finish"}

    step(admin_client, "connect", **way)
    connected = graph()["transitions"]
    step(admin_client, "disconnect", **way)

    assert connected == [way]
    assert graph()["transitions"] == []


def test_an_unknown_output_is_refused_by_name(
    admin_client: Client, made: Workflow
) -> None:
    step(admin_client, "add", type="start", label="Begin")
    step(admin_client, "add", type="end", label="Finish")

    answer = admin_client.post(
        f"{STRUCTURE}edit/connect/",
        {"source": "Begin", "output": "left", "destination": "Finish"},
        headers=HTML,
    )

    assert answer.status_code == 400
    assert graph()["transitions"] == []


def test_undo_and_redo(admin_client: Client, made: Workflow) -> None:
    built(admin_client)
    whole = graph()

    step(admin_client, "undo")
    before = graph()
    step(admin_client, "redo")

    assert before != whole
    assert graph() == whole


def test_the_form_keeps_parameters_in_the_draft(
    admin_client: Client, made: Workflow
) -> None:
    built(admin_client)

    rest = next(one for one in graph()["activities"] if one["name"] == "Rest")
    assert rest["parameters"] == {"duration": "90s"}


def test_a_wrong_value_is_told_at_its_field(
    admin_client: Client, made: Workflow
) -> None:
    built(admin_client)
    before = graph()

    answer = admin_client.post(
        f"{STRUCTURE}activities/Rest/",
        {"label": "Rest", "parameters.duration": "soon"},
        headers=HTML,
    )

    assert answer.status_code == 422
    assert "Write it like 90s" in answer.content.decode()
    assert graph() == before


def test_what_is_missing_may_come_later(admin_client: Client, made: Workflow) -> None:
    built(admin_client)

    admin_client.post(f"{STRUCTURE}activities/Rest/", {"label": "Pause"}, headers=HTML)

    rest = next(one for one in graph()["activities"] if one["name"] == "Rest")
    assert rest["label"] == "Pause"
    assert "Not configured" in page(admin_client) or "Faulty" in page(admin_client)


def test_a_list_of_rows_grows_without_script(
    admin_client: Client, made: Workflow
) -> None:
    step(admin_client, "add", type="fork", label="Both")

    answer = admin_client.post(
        f"{STRUCTURE}activities/Both/",
        {
            "label": "Both",
            "parameters.branches.0.name": "left",
            "more": "parameters.branches",
        },
        headers=HTML,
    )

    text = answer.content.decode()
    assert 'name="parameters.branches.1.name"' in text
    assert 'value="left"' in text


def test_saving_makes_a_version(admin_client: Client, made: Workflow) -> None:
    built(admin_client)

    answer = admin_client.post(f"{STRUCTURE}review/", {"comment": "First"})

    made.refresh_from_db()
    assert answer.status_code == 302
    assert made.structure is not None
    assert made.structure.comment == "First"
    assert not StructureDraft.objects.exists()
    assert AuditEntry.objects.filter(
        action="workflows.workflow.structure_changed"
    ).exists()


def test_the_review_shows_what_changes(admin_client: Client, made: Workflow) -> None:
    built(admin_client)

    text = page(admin_client, f"{STRUCTURE}review/")

    assert "Rest.ok → Finish" in text
    assert "becomes current" in text


def test_a_faulty_draft_is_kept_and_not_saved(
    admin_client: Client, made: Workflow
) -> None:
    step(admin_client, "add", type="start", label="Begin")
    step(admin_client, "add", type="scheduler", label="Plan", after="Begin ok")

    answer = admin_client.post(f"{STRUCTURE}review/", {}, headers=HTML)

    assert answer.status_code == 422
    assert StructureDraft.objects.exists()


def test_a_draft_over_an_older_version_is_told(
    admin_client: Client, made: Workflow, supervisor: Operator
) -> None:
    built(admin_client)
    other = StructureDraft.objects.get()
    other.pk, other.operator = None, supervisor
    other.save()
    admin_client.post(f"{STRUCTURE}review/", {"comment": "First"})
    admin_client.force_login(supervisor)

    answer = admin_client.post(f"{STRUCTURE}review/", {}, headers=HTML)

    assert answer.status_code == 409
    assert "Changed meanwhile by administrator" in answer.content.decode()
    assert StructureDraft.objects.filter(operator=supervisor).exists()


def test_a_draft_can_be_kept_over_a_newer_version(
    admin_client: Client, made: Workflow, administrator: Operator
) -> None:
    built(admin_client)
    StructureDraft.objects.update(base=7)

    step(admin_client, "rebase")
    answer = admin_client.post(f"{STRUCTURE}review/", {})

    assert answer.status_code == 302
    assert not StructureDraft.objects.exists()


def test_throwing_the_draft_away(admin_client: Client, made: Workflow) -> None:
    built(admin_client)

    step(admin_client, "discard")

    assert not StructureDraft.objects.exists()


def test_who_may_only_look_sees_the_reason(
    viewer_client: Client, made: Workflow
) -> None:
    text = page(viewer_client)

    assert "workflows.edit_structure" in text
    assert "disabled" in text


def test_who_may_only_look_changes_nothing(
    viewer_client: Client, made: Workflow
) -> None:
    answer = viewer_client.post(
        f"{STRUCTURE}edit/add/", {"type": "start"}, headers=HTML
    )

    assert answer.status_code == 403
    assert not StructureDraft.objects.exists()


def test_a_missing_activity_says_so(admin_client: Client, made: Workflow) -> None:
    answer = admin_client.get(f"{STRUCTURE}activities/nothing/", headers=HTML)

    assert answer.status_code == 404


def test_the_drawing_gets_the_draft(admin_client: Client, made: Workflow) -> None:
    built(admin_client)

    body = admin_client.get(f"{STRUCTURE}drawing/draft/").json()

    assert [one["name"] for one in body["activities"]] == ["Begin", "Rest", "Finish"]
    assert body["can_undo"] is True


def test_the_drawing_replaces_the_draft(admin_client: Client, made: Workflow) -> None:
    built(admin_client)
    changed = graph()
    changed["activities"][0]["position"] = {"x": 10, "y": 20}

    answer = admin_client.put(
        f"{STRUCTURE}drawing/draft/", json.dumps(changed), "application/json"
    )

    assert answer.status_code == 200
    assert graph()["activities"][0]["position"] == {"x": 10, "y": 20}


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"activities": 1}', "nonsense"])
def test_the_drawing_refuses_what_is_no_structure(
    admin_client: Client, made: Workflow, body: str
) -> None:
    answer = admin_client.put(f"{STRUCTURE}drawing/draft/", body, "application/json")

    assert answer.status_code == 400
    assert answer.json()["message"]


def test_only_the_drawing_allows_inline_styles(
    admin_client: Client, made: Workflow
) -> None:
    drawing = admin_client.get(f"{STRUCTURE}drawing/")
    listing = admin_client.get(STRUCTURE)

    assert "'unsafe-inline'" in drawing["Content-Security-Policy"]
    assert "'unsafe-inline'" not in listing["Content-Security-Policy"]
    assert "script-src" not in drawing["Content-Security-Policy"]


def test_versions_can_be_compared(admin_client: Client, made: Workflow) -> None:
    versions(admin_client)
    made.refresh_from_db()
    newest = made.structure.number  # type: ignore[union-attr]

    text = page(admin_client, f"{BASE}versions/compare/?from={newest - 1}&to={newest}")

    assert "Rest" in text
    assert "removed" in text


def test_a_version_can_be_restored(admin_client: Client, made: Workflow) -> None:
    versions(admin_client)
    made.refresh_from_db()
    newest = made.structure.number  # type: ignore[union-attr]

    shown = page(admin_client, f"{BASE}versions/{newest - 1}/restore/")
    answer = admin_client.post(f"{BASE}versions/{newest - 1}/restore/", {})

    made.refresh_from_db()
    assert "added" in shown
    assert answer.status_code == 302
    assert made.structure.number == newest + 1  # type: ignore[union-attr]


@pytest.mark.parametrize("version", ["99", "nothing"])
def test_restoring_a_missing_version_says_so(
    admin_client: Client, made: Workflow, version: str
) -> None:
    answer = admin_client.get(f"{BASE}versions/{version}/restore/", headers=HTML)

    assert answer.status_code == 404


def test_the_list_of_versions_says_which_is_in_force(
    admin_client: Client, made: Workflow
) -> None:
    versions(admin_client)

    assert page(admin_client, f"{BASE}versions/").count("in force</span>") == 1


def test_the_workflow_can_be_exported(admin_client: Client, made: Workflow) -> None:
    versions(admin_client)

    answer = admin_client.get(f"{BASE}export/")

    assert answer.json()["internal_name"] == "made"
    assert "attachment" in answer["Content-Disposition"]


@pytest.mark.parametrize("address", ["", "drawing/", "activities/Rest/", "review/"])
def test_every_page_costs_ten_queries_at_most(
    admin_client: Client,
    made: Workflow,
    address: str,
    django_assert_max_num_queries: Any,
) -> None:
    built(admin_client)
    most = 40 if address == "review/" else 10  # it rehearses the saving

    with django_assert_max_num_queries(most):
        admin_client.get(f"{STRUCTURE}{address}")


def versions(client: Client) -> None:
    """Save two versions; the second lacks an activity of the first."""
    built(client)
    client.post(f"{STRUCTURE}review/", {})
    step(client, "remove", activity="Rest")
    client.post(f"{STRUCTURE}review/", {})
