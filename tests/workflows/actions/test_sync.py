"""Bringing the database in line with the declared workflows."""

from __future__ import annotations

import pytest

from campaign.access.models import Operator
from tests.workflows.samples import (
    EVERY_MINUTE,
    START,
    entry,
    sample_workflow,
    three_rows,
)
from workflows.actions import save_schedule, schedule_of
from workflows.actions.sync import sync_workflows
from workflows.exceptions import ConfigurationError
from workflows.models import Severity, Source, Workflow
from workflows.registry import (
    Done,
    RunContext,
    activity,
    catalogue_entry,
    temporary_workflow,
)

pytestmark = pytest.mark.django_db
DAILY = {"kind": "daily", "time": "04:00"}


def outcome_of_sync() -> str:
    return next(
        s.outcome for s in sync_workflows(at=START) if s.internal_name == "sample"
    )


def edit_schedule(operator: Operator) -> None:
    save_schedule(
        internal_name="sample",
        schedule=DAILY,
        expected_version=1,
        acting_operator=operator,
        source=Source.CONSOLE,
        at=START,
    )


class Renewed:
    """The sample with one more activity, as a new version would bring it."""

    @activity(after=("scheduler", "signal"))
    def process(self, run: RunContext) -> Done:
        return Done()

    @activity(after="process")
    def report(self, run: RunContext) -> Done:
        return Done()


def test_new_workflow_is_production_and_has_supervisors() -> None:
    with sample_workflow(three_rows) as workflow:
        assert workflow.severity == Severity.PRODUCTION
        assert [g.name for g in workflow.supervisors.all()] == ["Workflow supervisors"]


def test_second_sync_changes_nothing() -> None:
    with sample_workflow(three_rows) as workflow:
        assert outcome_of_sync() == "unchanged"
        assert workflow.versions.count() == 1
        assert workflow.commands.count() == 1


def test_edited_schedule_is_never_overwritten(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        edit_schedule(administrator)

        assert outcome_of_sync() == "edited by an operator"
        workflow.refresh_from_db()
        assert schedule_of(workflow)["time"] == "04:00"


def test_new_built_in_structure_is_taken_over_where_nobody_edited() -> None:
    with sample_workflow(three_rows) as workflow:
        given = catalogue_entry("sample")
    with temporary_workflow(Renewed, "sample", given):
        assert outcome_of_sync() == "renewed"

    workflow.refresh_from_db()
    assert "report" in {a["name"] for a in workflow.structure.activities}


def test_new_built_in_structure_beside_an_edited_one_is_reported(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow:
        given = catalogue_entry("sample")
        edit_schedule(administrator)
    with temporary_workflow(Renewed, "sample", given):
        assert "has changed" in outcome_of_sync()

    workflow.refresh_from_db()
    assert not workflow.structure.is_factory
    assert workflow.versions.filter(is_factory=True).count() == 2


def test_workflow_that_the_catalogue_lacks_is_refused() -> None:
    with (
        temporary_workflow(Renewed, "sample"),
        pytest.raises(ConfigurationError, match="sample"),
    ):
        sync_workflows(at=START)


def test_workflow_that_does_not_start_with_its_package_waits() -> None:
    given = entry("sample", schedule=EVERY_MINUTE, signals=())
    stopped = type(given)(
        **{
            name: getattr(given, name)
            for name in given.__slots__
            if name != "starts_with_package"
        },
        starts_with_package=False,
    )
    with temporary_workflow(Renewed, "sample", stopped):
        sync_workflows(at=START)

    assert Workflow.objects.get(internal_name="sample").state == "edited"
