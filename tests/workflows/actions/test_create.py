"""Making workflows: empty ones and copies."""

from __future__ import annotations

import pytest

from campaign.access.models import Operator
from tests.workflows.samples import START, sample_workflow, three_rows
from workflows.actions import create_workflow, duplicate_workflow, issue_command
from workflows.exceptions import InvalidInput, NotFound, PermissionRefused
from workflows.models import AuditEntry, Severity, Source, State, Workflow

pytestmark = pytest.mark.django_db


def create(operator: Operator | None, name: str = "fresh") -> Workflow:
    return create_workflow(
        internal_name=name,
        label="Fresh",
        acting_operator=operator,
        source=Source.CONSOLE,
        at=START,
    )


def duplicate(
    operator: Operator | None, new_name: str = "twin", name: str = "sample"
) -> Workflow:
    return duplicate_workflow(
        internal_name=name,
        new_name=new_name,
        acting_operator=operator,
        source=Source.CONSOLE,
        at=START,
    )


def test_empty_workflow_has_a_start_and_an_end(administrator: Operator) -> None:
    workflow = create(administrator)

    assert workflow.state == State.EDITED
    assert [a["type"] for a in workflow.structure.activities] == ["start", "end"]
    assert workflow.created_by == administrator
    assert AuditEntry.objects.filter(
        action="workflows.workflow.created", object_id="fresh"
    ).exists()


def test_empty_workflow_can_be_started(administrator: Operator) -> None:
    create(administrator)

    result = issue_command(
        internal_name="fresh",
        name="start",
        acting_operator=administrator,
        source=Source.CONSOLE,
        at=START,
    )

    assert result.workflow.state == State.FINISHED


@pytest.mark.parametrize("name", ["", "1st", "a b", "a-b", "x" * 65, "cleanup"])
def test_name_has_to_be_one_and_free(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        create(None, name)

    assert [fault.field for fault in refused.value.faults] == ["internal_name"]


def test_name_that_differs_only_in_case_is_taken() -> None:
    create(None)

    with pytest.raises(InvalidInput):
        create(None, "Fresh")


def test_creating_needs_the_right(outsider: Operator) -> None:
    with pytest.raises(PermissionRefused):
        create(outsider)


def test_copy_is_detached_and_rests(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        copy = duplicate(administrator)

        assert copy.state == State.EDITED
        assert not copy.is_technical
        assert copy.package == ""
        assert copy.severity == Severity.NORMAL
        assert copy.label == f"Copy of {workflow.label}"
        assert copy.structure.graph == workflow.structure.graph
        assert not copy.structure.is_factory
        assert not copy.tasks.exists()


def test_copy_has_properties_and_supervisors_of_the_original() -> None:
    with sample_workflow(three_rows) as workflow:
        workflow.history_days = 3
        workflow.save()

        copy = duplicate(None)

        assert copy.history_days == 3
        assert set(copy.supervisors.all()) == set(workflow.supervisors.all())


def test_copy_is_audited_with_its_origin(administrator: Operator) -> None:
    with sample_workflow(three_rows):
        duplicate(administrator)

    entry = AuditEntry.objects.get(action="workflows.workflow.duplicated")
    assert (entry.object_id, entry.changes) == ("twin", {"copy_of": ["", "sample"]})


def test_copy_needs_a_name_that_is_free() -> None:
    with sample_workflow(three_rows), pytest.raises(InvalidInput) as refused:
        duplicate(None, new_name="sample")

    assert [fault.field for fault in refused.value.faults] == ["new_name"]


def test_workflow_that_does_not_exist_is_not_copied() -> None:
    with pytest.raises(NotFound):
        duplicate(None, name="nothing")


def test_copying_needs_the_right(outsider: Operator) -> None:
    with sample_workflow(three_rows), pytest.raises(PermissionRefused):
        duplicate(outsider)
