"""Workflows as documents: out, and in again."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from campaign.access.models import Operator
from tests.workflows.samples import START, sample_workflow, three_rows
from workflows.actions import export_workflow, import_workflow
from workflows.actions.exchange import AlreadyExists
from workflows.actions.structure import SavedStructure
from workflows.engine import exchange
from workflows.exceptions import InvalidInput, NotFound, PermissionRefused
from workflows.models import AuditEntry, Source, State, Workflow

pytestmark = pytest.mark.django_db
DOCUMENT: dict[str, Any] = {
    "format": 1,
    "internal_name": "report",
    "label": "Report",
    "description": "Tells the night's figures.",
    "properties": {"severity": "production", "history_days": 7},
    "structure": {
        "activities": [
            {
                "name": "plan",
                "type": "scheduler",
                "label": "Plan",
                "parameters": {"schedule": {"kind": "daily", "time": "04:00"}},
            },
            {"name": "end", "type": "end", "label": "End", "parameters": {}},
        ],
        "transitions": [{"source": "plan", "output": "ok", "destination": "end"}],
    },
}


def changed(**parts: Any) -> dict[str, Any]:
    return {**copy.deepcopy(DOCUMENT), **parts}


def take(
    operator: Operator | None, document: Any = DOCUMENT, **options: Any
) -> SavedStructure:
    return import_workflow(
        internal_name=options.pop("internal_name", ""),
        document=document,
        acting_operator=operator,
        source=Source.CLI,
        at=START,
        **options,
    )


def refused_fields(document: Any) -> set[str]:
    with pytest.raises(InvalidInput) as refused:
        take(None, document)
    return {fault.field for fault in refused.value.faults}


def test_import_makes_a_workflow_that_rests(administrator: Operator) -> None:
    saved = take(administrator)

    workflow = Workflow.objects.get(internal_name="report")
    assert workflow.state == State.EDITED
    assert not workflow.is_technical
    assert workflow.structure == saved.version
    assert workflow.structure.graph == DOCUMENT["structure"]
    assert (workflow.label, workflow.severity, workflow.history_days) == (
        "Report",
        1,
        7,
    )
    assert workflow.created_by == workflow.modified_by == administrator
    assert not workflow.tasks.exists()


def test_import_is_audited(administrator: Operator) -> None:
    take(administrator, comment="from test")

    entry = AuditEntry.objects.get(action="workflows.workflow.imported")
    assert entry.object_id == "report"
    assert entry.changes["version"] == [0, 1]
    assert entry.reason == "from test"


def test_what_is_exported_can_be_imported_and_exports_the_same() -> None:
    take(None)
    first = export_workflow(Workflow.objects.get(internal_name="report"))

    take(None, first, internal_name="again")

    second = export_workflow(Workflow.objects.get(internal_name="again"))
    assert {**second, "internal_name": "report"} | {"checksum": ""} == {
        **first,
        "checksum": "",
    }


def test_export_holds_no_variables_and_no_history() -> None:
    with sample_workflow(three_rows) as workflow:
        workflow.variables = {"password": "hidden-9"}
        workflow.save()

        assert "hidden-9" not in json.dumps(export_workflow(workflow))


def test_export_of_an_earlier_version() -> None:
    with sample_workflow(three_rows) as workflow:
        assert export_workflow(workflow, 1)["structure"] == workflow.structure.graph
        with pytest.raises(NotFound):
            export_workflow(workflow, 2)


def test_existing_workflow_needs_a_confirmation() -> None:
    take(None)

    with pytest.raises(AlreadyExists, match="report"):
        take(None)


def test_confirmed_import_is_a_new_version_of_the_existing_one() -> None:
    take(None)
    document = changed(label="Figures")
    document["structure"]["activities"][0]["parameters"]["schedule"]["time"] = "05:00"

    saved = take(None, document, if_exists="new_version")

    workflow = Workflow.objects.get(internal_name="report")
    assert saved.number == 2
    assert workflow.label == "Figures"
    assert [(c.before, c.after) for c in saved.diff.changed] == [("04:00", "05:00")]


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ([], {""}),
        (changed(format=2), {"format"}),
        (changed(internal_name="2nd"), {"internal_name"}),
        (changed(internal_name=None), {"internal_name"}),
        (changed(state="started"), {"state"}),
        (changed(label=7), {"label"}),
        (changed(label="x" * 200), {"properties.own_label"}),
        (changed(checksum="sha256:0"), {"checksum"}),
        (changed(properties=[]), {"properties"}),
        (
            changed(properties={"severity": "mild", "secret": 1, "history_days": "7"}),
            {"properties.severity", "properties.secret", "properties.history_days"},
        ),
        (changed(properties={"time_zone": "Mars"}), {"properties.time_zone"}),
        (changed(structure=None), {"structure.activities", "structure.transitions"}),
        (
            changed(structure={"activities": [{"name": "a"}], "transitions": []}),
            {"structure.activities.0.type"},
        ),
        (
            changed(
                structure={
                    "activities": [{"name": "a", "type": "odd"}],
                    "transitions": [],
                }
            ),
            {"a"},
        ),
    ],
)
def test_every_fault_names_its_place_and_nothing_is_kept(
    document: Any, fields: set[str]
) -> None:
    assert refused_fields(document) == fields
    assert not Workflow.objects.filter(internal_name="report").exists()


def test_changed_document_without_checksum_is_taken() -> None:
    take(None)
    document = export_workflow(Workflow.objects.get(internal_name="report"))
    del document["checksum"]
    document["label"] = "Changed by hand"

    take(None, document, if_exists="new_version")

    assert Workflow.objects.get(internal_name="report").label == "Changed by hand"


def test_interval_of_an_imported_workflow_is_limited() -> None:
    document = changed()
    document["structure"]["activities"][0]["parameters"]["schedule"] = {
        "kind": "several_times_a_day",
        "every": "PT1M",
        "from": "00:00",
    }

    assert refused_fields(document) == {"plan.schedule.every"}


def test_name_of_a_built_in_workflow_is_not_free() -> None:
    assert refused_fields(changed(internal_name="forecasting")) == {"internal_name"}


def test_import_needs_the_right(outsider: Operator) -> None:
    with pytest.raises(PermissionRefused):
        take(outsider)


def test_schema_of_the_documentation_is_the_one_of_the_code() -> None:
    path = Path(settings.BASE_DIR) / "docs" / "workflow.schema.json"

    assert json.loads(path.read_text()) == exchange.schema()
