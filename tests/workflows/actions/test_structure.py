"""Saving a structure: what may be changed when, and what becomes of live work."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from campaign.access.models import Operator
from tests.workflows.samples import START, sample_workflow, three_rows, tick, work_off
from workflows.actions import issue_command, save_structure
from workflows.actions.structure import SavedStructure
from workflows.exceptions import (
    CommandRefused,
    InvalidInput,
    PermissionRefused,
    StaleVersion,
)
from workflows.models import (
    AuditEntry,
    RunStatus,
    Source,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

pytestmark = pytest.mark.django_db
DUE = START.replace(minute=1, second=0)


def save_graph(
    graph: dict[str, Any], operator: Operator, version: int | None = 1, **options: Any
) -> SavedStructure:
    return save_structure(
        internal_name="sample",
        graph=graph,
        expected_version=version,
        acting_operator=operator,
        source=Source.API,
        at=START,
        **options,
    )


def order(name: str) -> None:
    issue_command(
        internal_name="sample",
        name=name,
        acting_operator=None,
        source=Source.CLI,
        at=START,
    )


def structure_of(workflow: Workflow) -> dict[str, Any]:
    return copy.deepcopy(workflow.structure.graph)


def relabelled(workflow: Workflow, label: str = "Work") -> dict[str, Any]:
    graph = structure_of(workflow)
    next(a for a in graph["activities"] if a["name"] == "process")["label"] = label
    return graph


def without_process(workflow: Workflow) -> dict[str, Any]:
    graph = structure_of(workflow)
    graph["activities"] = [a for a in graph["activities"] if a["name"] != "process"]
    graph["transitions"] = [
        {"source": "scheduler", "output": "ok", "destination": "end"},
        {"source": "signal", "output": "ok", "destination": "end"},
    ]
    return graph


def with_alert(workflow: Workflow, **parameters: Any) -> dict[str, Any]:
    graph = structure_of(workflow)
    graph["activities"].append(
        {"name": "tell", "type": "alert", "label": "Tell", "parameters": parameters}
    )
    for way in graph["transitions"]:
        if way["source"] == "process":
            way["destination"] = "tell"
    graph["transitions"].append(
        {"source": "tell", "output": "ok", "destination": "end"}
    )
    return graph


def test_new_structure_is_a_version_with_author_and_comment(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow:
        saved = save_graph(relabelled(workflow), administrator, comment="clearer")

        workflow.refresh_from_db()
        assert saved.number == 2
        assert workflow.structure == saved.version
        assert saved.version.author == administrator
        assert saved.version.comment == "clearer"
        assert workflow.modified_by == administrator


def test_audit_entry_keeps_the_difference(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        save_graph(relabelled(workflow), administrator, comment="clearer")

        entry = AuditEntry.objects.get(action="workflows.workflow.structure_changed")
        assert entry.changes == {
            "version": [1, 2],
            "process.label": ["Process", "Work"],
        }
        assert entry.author == "administrator"
        assert entry.reason == "clearer"


def test_saving_the_same_structure_again_is_no_version(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        saved = save_graph(structure_of(workflow), administrator)

        assert saved.number == 1
        assert saved.diff.is_empty
        assert not AuditEntry.objects.exists()


def test_stale_version_is_refused(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        save_graph(relabelled(workflow), administrator)

        with pytest.raises(StaleVersion):
            save_graph(relabelled(workflow, "Other"), administrator)


def test_structure_needs_its_right(outsider: Operator) -> None:
    with sample_workflow(three_rows) as workflow, pytest.raises(PermissionRefused):
        save_graph(relabelled(workflow), outsider)


def test_faults_refuse_everything_and_leave_no_trace(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        graph = relabelled(workflow)
        graph["transitions"].append(
            {"source": "process", "output": "nowhere", "destination": "end"}
        )

        with pytest.raises(InvalidInput) as refused:
            save_graph(graph, administrator)

        assert [fault.field for fault in refused.value.faults] == ["process"]
        assert workflow.versions.count() == 1
        assert not AuditEntry.objects.exists()


def test_warnings_are_told_and_do_not_refuse(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        graph = relabelled(workflow)
        graph["transitions"] = [
            way for way in graph["transitions"] if way["source"] != "process"
        ]

        saved = save_graph(graph, administrator)

        assert saved.number == 2
        assert [w.place for w in saved.warnings] == ["process"]


def test_activity_that_is_not_configured_is_saved_at_rest(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow:
        order("stop")

        saved = save_graph(with_alert(workflow), administrator)

        assert [w.place for w in saved.warnings] == ["tell.title"]
        with pytest.raises(InvalidInput) as refused:
            order("start")
        assert [fault.field for fault in refused.value.faults] == ["tell.title"]


def test_activity_that_is_not_configured_is_refused_while_started(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow, pytest.raises(InvalidInput):
        save_graph(with_alert(workflow), administrator)


@pytest.mark.parametrize(
    "state",
    [
        State.START_PENDING,
        State.PAUSE_REQUESTED,
        State.STOP_REQUESTED,
        State.RESTART_REQUESTED,
    ],
)
def test_structure_rests_while_a_command_takes_effect(
    administrator: Operator, state: State
) -> None:
    with sample_workflow(three_rows) as workflow:
        Workflow.objects.filter(pk=workflow.pk).update(state=state)

        with pytest.raises(CommandRefused) as refused:
            save_graph(relabelled(workflow), administrator)

        assert refused.value.fields["state"] == state


def test_live_run_of_a_started_workflow_finishes_on_its_version(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow:
        tick(DUE)
        save_graph(without_process(workflow), administrator)

        work_off(DUE)

        run = workflow.runs.get()
        assert run.structure.number == 1
        assert run.status == RunStatus.FINISHED
        assert run.tasks.get(activity="process").status == TaskStatus.COMPLETED


def test_next_run_uses_the_new_version(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        save_graph(without_process(workflow), administrator)
        tick(DUE)
        work_off(DUE)

        assert workflow.runs.get().structure.number == 2
        assert not Task.objects.filter(activity="process").exists()


def test_saving_triggers_no_run(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        save_graph(relabelled(workflow), administrator)

        assert not workflow.runs.exists()


def test_paused_workflow_does_not_lose_an_activity_with_a_live_task(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow:
        tick(DUE)
        order("pause")

        with pytest.raises(InvalidInput) as refused:
            save_graph(without_process(workflow), administrator)

        assert [fault.field for fault in refused.value.faults] == ["process"]
        assert workflow.tasks.get(activity="process").status == TaskStatus.ACTIVE


def test_paused_workflow_loses_it_when_its_task_is_to_be_cancelled(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow:
        tick(DUE)
        order("pause")

        save_graph(without_process(workflow), administrator, removed_tasks="cancel")

        task = workflow.tasks.get(activity="process")
        assert (task.status, task.substate) == (TaskStatus.CANCELLED, Substate.NONE)
        assert task.run is not None
        assert task.run.status == RunStatus.CANCELLED


def test_activity_set_back_to_normal_releases_its_held_task(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow:
        graph = structure_of(workflow)
        held = next(a for a in graph["activities"] if a["name"] == "process")
        held["execution"] = "hold"
        save_graph(graph, administrator)
        tick(DUE)
        workflow.tasks.filter(activity="process").update(substate=Substate.HELD)
        del held["execution"]

        save_graph(graph, administrator, version=2)

        assert workflow.tasks.get(activity="process").substate == Substate.QUEUED


def test_what_was_changed_is_stored_in_one_form(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        graph = structure_of(workflow)
        changed = next(a for a in graph["activities"] if a["name"] == "process")
        changed["max_seconds"] = "1m 30s"

        saved = save_graph(graph, administrator)

        assert saved.diff.as_changes() == {"process.max_seconds": [None, 90]}


def test_editing_back_to_the_built_in_structure_is_no_edit_any_more(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow:
        before = structure_of(workflow)
        edited = save_graph(relabelled(workflow), administrator)

        back = save_graph(before, administrator, version=2)

        assert not edited.version.is_factory
        assert back.version.is_factory


def test_activity_type_with_a_right_of_its_own_asks_for_it(
    supervisor: Operator,
) -> None:
    supervisor.user_permissions.remove(
        *supervisor.user_permissions.filter(codename="sql")
    )
    with sample_workflow(three_rows) as workflow:
        order("stop")
        graph = structure_of(workflow)
        graph["activities"].append({"name": "query", "type": "sql"})
        graph["transitions"].append(
            {"source": "signal", "output": "ok", "destination": "query"}
        )

        with pytest.raises(PermissionRefused) as refused:
            save_graph(graph, supervisor)

        assert refused.value.fields["permission"] == "workflows.sql"
