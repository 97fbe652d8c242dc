"""A workflow that is being deleted is in no list any more."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from workflows.actions import create_workflow
from workflows.engine import deletion
from workflows.models import Source, Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def leaving() -> Workflow:
    """A workflow whose history a worker is about to delete."""
    workflow = create_workflow(
        internal_name="spent",
        acting_operator=None,
        source=Source.CLI,
        at=timezone.now(),
    )
    deletion.mark(workflow)
    return workflow


def test_api_does_not_list_it(administrator, workflow, leaving):
    names = [
        row["internal_name"]
        for row in administrator.get("/api/v1/workflows").json()["items"]
    ]

    assert "testsCount" in names
    assert leaving.internal_name not in names


def test_api_does_not_find_it(administrator, workflow, leaving):
    answer = administrator.get(f"/api/v1/workflows/{leaving.internal_name}")

    assert answer.status_code == 404


def test_command_line_does_not_list_it(workflow, leaving):
    out = StringIO()

    call_command("workflow", "list", "--json", stdout=out)

    names = [row["internal_name"] for row in json.loads(out.getvalue())]
    assert "testsCount" in names
    assert leaving.internal_name not in names


def test_command_line_does_not_show_it(leaving):
    with pytest.raises(CommandError) as refused:
        call_command("workflow", "show", leaving.internal_name)

    assert refused.value.returncode == 3
