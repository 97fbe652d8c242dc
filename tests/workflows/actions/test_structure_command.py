"""``manage.py workflow_structure``: thin, with meaningful exit statuses."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from campaign.access.models import Operator
from tests.workflows.samples import START, sample_workflow, three_rows
from workflows.actions import save_structure
from workflows.engine import exchange
from workflows.models import AuditEntry, Source, Workflow

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("workflow_structure", *arguments, stdout=out)
    return out.getvalue()


def exit_status(*arguments: str) -> int:
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    return refused.value.returncode


@pytest.fixture
def edited(administrator: Operator) -> Iterator[Workflow]:
    with sample_workflow(three_rows) as workflow:
        graph = copy.deepcopy(workflow.structure.graph)
        graph["activities"][0]["label"] = "Every minute"
        save_structure(
            internal_name="sample",
            graph=graph,
            expected_version=1,
            acting_operator=administrator,
            source=Source.CONSOLE,
            at=START,
            comment="clearer",
        )
        yield workflow


def test_document_goes_to_a_file_and_comes_back(edited: Any, tmp_path: Path) -> None:
    file = tmp_path / "sample.json"
    run("export", "sample", "--output", str(file))
    document = json.loads(file.read_text())
    del document["checksum"]
    document["structure"]["activities"][0]["label"] = "Again"
    file.write_text(json.dumps(document))

    told = run("import", str(file), "--new-version", "--comment", "from a file")

    assert "scheduler: label changes from Every minute to Again." in told
    assert "Version 3 is in force." in told
    assert edited.versions.get(number=3).comment == "from a file"


def test_import_is_previewed(edited: Any, tmp_path: Path) -> None:
    file = tmp_path / "sample.json"
    file.write_text(run("export", "sample", "--version-number", "1"))

    told = run("import", str(file), "--new-version", "--preview")

    assert "label changes from Every minute to Scheduler" in told
    assert edited.versions.count() == 2


def test_versions_are_listed(edited: Any) -> None:
    first, second = run("versions", "sample").splitlines()

    assert first.startswith("*    2")
    assert "administrator" in first
    assert "built-in" in second


def test_difference_to_the_built_in_structure(edited: Any) -> None:
    assert run("diff", "sample") == (
        "scheduler: label changes from Every minute to Scheduler.\n"
    )


def test_difference_of_two_versions_as_json(edited: Any) -> None:
    (change,) = json.loads(run("diff", "sample", "1", "2", "--json"))["activities"][
        "changed"
    ]

    assert change["after"] == "Every minute"


@pytest.mark.parametrize("verb", [("restore", "sample", "1"), ("reset", "sample")])
def test_going_back_is_previewed_then_done(edited: Any, verb: tuple[str, ...]) -> None:
    preview = run(*verb, "--preview")
    kept = edited.versions.count()
    told = run(*verb)

    assert "Version 3 of the structure becomes current." in preview
    assert kept == 2
    assert "Version 3 is in force." in told


def test_copy_is_made_on_behalf_of_an_operator(
    edited: Any, administrator: Operator
) -> None:
    told = run("duplicate", "sample", "twin", "--operator", "administrator")

    assert "twin is made" in told
    assert Workflow.objects.get(internal_name="twin").created_by == administrator


def test_workflow_is_made_and_deleted(edited: Any) -> None:
    run("create", "fresh", "--label", "Fresh")
    told = run("delete", "fresh", "--preview")
    run("delete", "fresh", "--reason", "a trial")

    assert "fresh is deleted for good" in told
    assert not Workflow.objects.filter(internal_name="fresh").exists()
    assert AuditEntry.objects.get(action="workflows.workflow.deleted").source == "cli"


def test_schema_is_printed(db: None) -> None:
    assert json.loads(run("schema")) == json.loads(json.dumps(exchange.schema()))


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("versions", "nothing"), 3),
        (("restore", "sample", "9"), 3),
        (("delete", "sample"), 4),
        (("duplicate", "sample", "sample"), 4),
        (("reset", "sample", "--operator", "outsider"), 5),
        (("reset", "sample", "--operator", "nobody"), 3),
        (("import", "/nowhere.json"), 2),
    ],
)
def test_exit_status_says_why(
    edited: Any, outsider: Operator, arguments: tuple[str, ...], status: int
) -> None:
    assert exit_status(*arguments) == status
