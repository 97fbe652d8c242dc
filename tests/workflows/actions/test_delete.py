"""Deleting a workflow with all that it did."""

from __future__ import annotations

import pytest

from campaign.access.models import Operator
from tests.workflows.samples import START, orders, sample_workflow, three_rows
from workflows.actions import create_workflow, delete_workflow
from workflows.actions.delete import StillNeeded
from workflows.engine import deletion
from workflows.exceptions import (
    CommandRefused,
    NotFound,
    PermissionRefused,
    StaleVersion,
)
from workflows.models import (
    Approval,
    ApprovalReply,
    AuditEntry,
    Command,
    Event,
    JournalEntry,
    Occurrence,
    Run,
    RunStatus,
    Signal,
    Source,
    State,
    StructureVersion,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

pytestmark = pytest.mark.django_db
HISTORY = (
    Approval,
    ApprovalReply,
    Command,
    Event,
    JournalEntry,
    Occurrence,
    Run,
    Signal,
    StructureVersion,
    Task,
)


def make(name: str = "spent", state: State = State.FINISHED) -> Workflow:
    workflow = create_workflow(
        internal_name=name, acting_operator=None, source=Source.CLI, at=START
    )
    workflow.state = state
    workflow.save()
    return workflow


def with_history(workflow: Workflow, operator: Operator) -> Workflow:
    """Give the workflow at least one row of everything that may belong to it."""
    run = Run.objects.create(
        workflow=workflow,
        structure=workflow.structure,
        trigger="command",
        status=RunStatus.FINISHED,
        created_at=START,
    )
    task = Task.objects.create(
        workflow=workflow,
        run=run,
        activity="start",
        activity_type="start",
        status=TaskStatus.COMPLETED,
        substate=Substate.NONE,
        created_at=START,
    )
    child = Run.objects.create(
        workflow=workflow,
        structure=workflow.structure,
        trigger="parent",
        status=RunStatus.FINISHED,
        created_at=START,
        parent_task=task,
        origin_task=task,
    )
    approval = Approval.objects.create(task=task, title="Go on?", opened_at=START)
    ApprovalReply.objects.create(
        approval=approval, operator=operator, choice="yes", answered_at=START
    )
    Event.objects.create(
        run=run, source="start", output="ok", destination="end", created_at=START
    )
    Occurrence.objects.create(
        workflow=workflow,
        activity="plan",
        scheduled_for=START,
        last_scheduled_for=START,
        outcome="ran",
        run=child,
        recorded_at=START,
    )
    Signal.objects.create(
        workflow=workflow, activity="hear", source="shop", created_at=START, run=run
    )
    Command.objects.create(
        workflow=workflow,
        name="start",
        status="applied",
        source=Source.CLI,
        requested_at=START,
    )
    JournalEntry.objects.create(
        workflow=workflow, run=run, task=task, message="Done.", at=START
    )
    return workflow


def delete(operator: Operator | None, name: str = "spent", version: int = 1) -> None:
    delete_workflow(
        internal_name=name,
        expected_version=version,
        acting_operator=operator,
        source=Source.CONSOLE,
        at=START,
        reason="no longer needed",
    )


def test_scenario_22_deletion_of_a_workflow_with_logs_works(
    administrator: Operator,
) -> None:
    workflow = with_history(make(), administrator)

    delete(administrator)
    gone = deletion.delete_marked()

    assert gone == 1
    assert not Workflow.objects.filter(pk=workflow.pk).exists()
    assert [model.__name__ for model in HISTORY if model.objects.exists()] == []


def test_everything_that_points_at_a_workflow_is_deleted_in_chunks() -> None:
    owned = {
        relation.related_model._meta.db_table
        for model in (Workflow, Run, Task)
        for relation in model._meta.related_objects
        if relation.one_to_many or relation.one_to_one
    }

    assert owned - {StructureVersion._meta.db_table, Workflow._meta.db_table} == {
        *deletion.OF_WORKFLOW,
        deletion.OF_TASK,
        deletion.OF_RUN,
        "workflows_run",
        "workflows_task",
    }


def test_name_is_free_at_once_and_the_work_is_ordered(administrator: Operator) -> None:
    make()
    before = orders("workflows")

    delete(administrator)

    assert not Workflow.objects.filter(internal_name="spent").exists()
    assert orders("workflows") == before + 1
    assert make().internal_name == "spent"


def test_workflow_that_is_being_deleted_is_not_found_any_more(
    administrator: Operator,
) -> None:
    workflow = make()
    delete(administrator)
    workflow.refresh_from_db()

    with pytest.raises(NotFound):
        delete(administrator, workflow.internal_name)

    assert not Workflow.objects.visible().filter(pk=workflow.pk).exists()


def test_history_longer_than_a_chunk_goes_too(
    administrator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "CHUNK", 2)
    workflow = make()
    JournalEntry.objects.bulk_create(
        JournalEntry(workflow=workflow, message="Line.", at=START) for _ in range(7)
    )
    delete(administrator)

    deletion.delete_marked()

    assert not JournalEntry.objects.exists()


def test_audit_trail_survives(administrator: Operator) -> None:
    make()

    delete(administrator)
    deletion.delete_marked()

    entry = AuditEntry.objects.get(action="workflows.workflow.deleted")
    assert (entry.object_id, entry.reason) == ("spent", "no longer needed")


def test_other_workflows_keep_their_history(administrator: Operator) -> None:
    kept = with_history(make("kept"), administrator)
    make()
    delete(administrator)

    deletion.delete_marked()

    assert kept.runs.count() == 2
    assert kept.journal.exists()


@pytest.mark.parametrize(
    "state",
    [
        state
        for state in State
        if state not in (State.EDITED, State.FINISHED, State.PAUSED)
    ],
)
def test_workflow_at_work_is_not_deleted(administrator: Operator, state: State) -> None:
    make(state=state)

    with pytest.raises(CommandRefused, match="stop it first"):
        delete(administrator)


def test_being_edited_is_a_state_to_delete_in(administrator: Operator) -> None:
    make(state=State.EDITED)

    delete(administrator)

    assert deletion.delete_marked() == 1


def test_stale_version_is_not_deleted(administrator: Operator) -> None:
    make()

    with pytest.raises(StaleVersion):
        delete(administrator, version=2)


def test_deleting_needs_the_right(outsider: Operator) -> None:
    make()

    with pytest.raises(PermissionRefused):
        delete(outsider)


def test_workflow_that_others_call_is_still_needed(administrator: Operator) -> None:
    make()
    caller = make("caller")
    StructureVersion.objects.filter(pk=caller.structure_id).update(
        graph={
            "activities": [
                {
                    "name": "call",
                    "type": "sub_workflow",
                    "parameters": {"workflow": "spent"},
                }
            ],
            "transitions": [],
        }
    )

    with pytest.raises(StillNeeded, match="caller"):
        delete(administrator)


def test_structure_that_runs_of_others_show_is_still_needed(
    administrator: Operator,
) -> None:
    workflow = make()
    Run.objects.create(
        workflow=make("caller"),
        structure=workflow.structure,
        trigger="parent",
        status=RunStatus.FINISHED,
        created_at=START,
    )

    with pytest.raises(StillNeeded, match="caller"):
        delete(administrator)


def test_workflow_of_a_package_is_still_needed(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        Workflow.objects.filter(pk=workflow.pk).update(state=State.FINISHED)

        with pytest.raises(StillNeeded, match="package"):
            delete(administrator, "sample")
