"""Going back to a structure version, and to the built-in one."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest

from campaign.access.models import Operator
from tests.workflows.samples import START, sample_workflow, three_rows
from workflows.actions import (
    compare_versions,
    factory_diff,
    reset_to_factory,
    restore_version,
    save_structure,
)
from workflows.exceptions import (
    CommandRefused,
    NotFound,
    PermissionRefused,
    StaleVersion,
)
from workflows.models import AuditEntry, Source, State, Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def edited(administrator: Operator) -> Iterator[Workflow]:
    """A workflow with a built-in version 1 and two edited ones."""
    with sample_workflow(three_rows) as workflow:
        graph = copy.deepcopy(workflow.structure.graph)
        for number, label in enumerate(("First", "Second"), start=1):
            graph["activities"][0]["label"] = label
            save_structure(
                internal_name="sample",
                graph=graph,
                expected_version=number,
                acting_operator=administrator,
                source=Source.CONSOLE,
                at=START,
            )
        workflow.refresh_from_db()
        yield workflow


def restore(operator: Operator, number: int, expected: int | None = 3) -> int:
    return restore_version(
        internal_name="sample",
        number=number,
        expected_version=expected,
        acting_operator=operator,
        source=Source.CONSOLE,
        at=START,
    ).number


def reset(operator: Operator) -> int:
    return reset_to_factory(
        internal_name="sample",
        expected_version=None,
        acting_operator=operator,
        source=Source.CONSOLE,
        at=START,
    ).number


def test_restored_version_is_a_new_one_equal_to_the_old(
    edited: Workflow, administrator: Operator
) -> None:
    assert restore(administrator, 2) == 4

    edited.refresh_from_db()
    assert edited.structure.graph == edited.versions.get(number=2).graph
    assert edited.structure.comment == "Version 2 restored"
    assert edited.versions.count() == 4


def test_restoring_is_audited_with_the_difference(
    edited: Workflow, administrator: Operator
) -> None:
    restore(administrator, 2)

    entry = AuditEntry.objects.get(action="workflows.workflow.structure_restored")
    assert entry.changes["scheduler.label"] == ["Second", "First"]


def test_version_that_does_not_exist_is_not_found(
    edited: Workflow, administrator: Operator
) -> None:
    with pytest.raises(NotFound, match="9"):
        restore(administrator, 9)


def test_restoring_from_a_stale_page_is_refused(
    edited: Workflow, administrator: Operator
) -> None:
    with pytest.raises(StaleVersion):
        restore(administrator, 1, expected=2)


def test_restoring_while_a_command_takes_effect_is_refused(
    edited: Workflow, administrator: Operator
) -> None:
    Workflow.objects.filter(pk=edited.pk).update(state=State.STOP_REQUESTED)

    with pytest.raises(CommandRefused):
        restore(administrator, 1)


@pytest.mark.parametrize("act", [lambda o: restore(o, 1), reset])
def test_going_back_needs_the_right(
    edited: Workflow, outsider: Operator, act: object
) -> None:
    with pytest.raises(PermissionRefused):
        act(outsider)  # type: ignore[operator]


def test_reset_puts_the_built_in_structure_in_force(
    edited: Workflow, administrator: Operator
) -> None:
    assert reset(administrator) == 4

    edited.refresh_from_db()
    assert edited.structure.is_factory
    assert edited.structure.graph == edited.versions.get(number=1).graph
    assert AuditEntry.objects.filter(
        action="workflows.workflow.structure_reset"
    ).exists()


def test_what_a_reset_changes_is_known_before(edited: Workflow) -> None:
    difference = factory_diff(edited)

    assert difference is not None
    assert difference.sentences() == [
        "scheduler: label changes from Second to Scheduler."
    ]


def test_versions_are_compared_in_either_direction(edited: Workflow) -> None:
    (forth,) = compare_versions(edited, 1, 3).changed
    (back,) = compare_versions(edited, 3, 1).changed

    assert (forth.before, forth.after) == ("Scheduler", "Second")
    assert (back.before, back.after) == ("Second", "Scheduler")


def test_workflow_without_a_package_has_nothing_to_be_reset_to(
    edited: Workflow, administrator: Operator
) -> None:
    edited.versions.update(is_factory=False)

    assert factory_diff(edited) is None
    with pytest.raises(NotFound, match="package"):
        reset(administrator)
