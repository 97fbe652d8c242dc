"""Drafts that are not in order yet never lock their operator out of the pages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from workflows.models import State, StructureDraft, Workflow

HTML = {"accept": "text/html"}
STRUCTURE = "/workflows/made/structure/"
DRAFT = f"{STRUCTURE}drawing/draft/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> Workflow:
    """A technical workflow without a structure, never started."""
    return Workflow.objects.create(internal_name="made", own_label="Made by hand")


def sent(client: Client, *activities: dict[str, Any]) -> Any:
    """Put a whole draft as the drawing does."""
    graph = {"activities": list(activities), "transitions": []}
    return client.put(DRAFT, json.dumps(graph), content_type="application/json")


@pytest.mark.parametrize(
    ("activity", "field"),
    [
        ({"name": "one", "type": "no_such_type"}, "one"),
        ({"name": "one", "type": "wait", "execution": "bogus"}, "one.execution"),
        ({"name": "one", "type": "wait", "retries": "many"}, "one.retries"),
        ({"name": "one", "type": "wait", "init": "vars.x"}, "one.init"),
        ({"name": "a/b", "type": "wait"}, "a/b.name"),
        ({"name": "one", "type": "approval", "parameters": {"choices": 5}}, "one.ch"),
    ],
)
def test_the_drawing_cannot_put_what_no_page_could_show(
    admin_client: Client, made: Workflow, activity: dict[str, Any], field: str
) -> None:
    answer = sent(admin_client, activity)

    assert answer.status_code == 400
    assert answer.json()["faults"][0]["field"].startswith(field)
    assert not StructureDraft.objects.exists()
    assert admin_client.get(STRUCTURE, headers=HTML).status_code == 200


def test_an_output_without_a_name_is_told_and_the_pages_stay_open(
    admin_client: Client, made: Workflow
) -> None:
    answer = admin_client.post(
        f"{STRUCTURE}edit/add/", {"type": "approval", "label": "Ask"}, headers=HTML
    )
    admin_client.post(
        answer["Location"],
        {"label": "Ask", "parameters.choices.0.label": "Yes"},
        headers=HTML,
    )

    for address in (STRUCTURE, DRAFT, f"{STRUCTURE}drawing/", f"{STRUCTURE}review/"):
        assert admin_client.get(address, headers=HTML).status_code == 200, address
    told = admin_client.get(STRUCTURE, headers=HTML).content.decode()
    assert "Not configured" in told or "Faulty" in told


def test_an_initialization_without_an_expression_is_told_and_the_pages_stay_open(
    admin_client: Client, made: Workflow
) -> None:
    answer = sent(
        admin_client, {"name": "one", "type": "wait", "init": [{"name": "vars.x"}]}
    )

    assert answer.status_code == 200
    findings = answer.json()["activities"][0]["findings"]
    assert "error" in [finding["level"] for finding in findings]
    assert admin_client.get(STRUCTURE, headers=HTML).status_code == 200


def test_a_draft_waits_while_a_command_takes_effect(
    admin_client: Client, made: Workflow
) -> None:
    sent(admin_client, {"name": "begin", "type": "start"})
    Workflow.objects.update(state=State.STOP_REQUESTED)

    answer = admin_client.post(f"{STRUCTURE}review/", {"comment": "kept"}, headers=HTML)

    assert answer.status_code == 409
    assert "wait until the command has taken effect" in answer.content.decode()
    assert StructureDraft.objects.exists()
    made.refresh_from_db()
    assert made.structure is None


def test_two_activities_of_one_name_are_told(
    admin_client: Client, made: Workflow
) -> None:
    one = {"name": "one", "type": "start"}

    answer = sent(admin_client, one, one)

    assert answer.status_code in (200, 400)
    assert admin_client.get(STRUCTURE, headers=HTML).status_code == 200
