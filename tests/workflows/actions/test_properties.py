"""Changing properties: what may be changed when, by whom, with which trace."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission

from campaign.access.models import Operator
from tests.workflows.samples import START, sample_workflow, three_rows
from workflows.actions import property_warnings, save_properties
from workflows.exceptions import InvalidInput, PermissionRefused
from workflows.models import AuditEntry, Source, State, Workflow

pytestmark = pytest.mark.django_db
NIGHT = {
    "name": "night",
    "weekdays": [],
    "from": "22:00",
    "until": "06:00",
    "policy": "skip",
}


def save(operator: Operator | None, **values: Any) -> Workflow:
    return save_properties(
        internal_name="sample",
        values=values,
        acting_operator=operator,
        source=Source.CONSOLE,
        at=START,
    )


def refused_fields(**values: Any) -> set[str]:
    with pytest.raises(InvalidInput) as refused:
        save(None, **values)
    return {fault.field for fault in refused.value.faults}


def test_change_is_audited_with_before_and_after(administrator: Operator) -> None:
    with sample_workflow(three_rows):
        saved = save(administrator, history_days=7)

        entry = AuditEntry.objects.get(action="workflows.workflow.properties_changed")
        assert entry.changes == {"history_days": [30, 7]}
        assert saved.modified_by == administrator


def test_every_fault_is_named_at_once() -> None:
    with sample_workflow(three_rows):
        assert refused_fields(
            time_zone="Mars/Olympus",
            state="started",
            affinity="a, b",
            blackouts=[{**NIGHT, "from": "25:00"}],
        ) == {"time_zone", "state", "affinity", "blackouts.0.from"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("own_label", "x" * 129),
        ("severity", 9),
        ("error_policy", "hope"),
        ("overlap_policy", "later"),
        ("expected_seconds", -1),
        ("backlog_max_rows", "many"),
        ("history_days", None),
    ],
)
def test_value_that_no_column_takes_is_a_fault_of_its_field(
    name: str, value: Any
) -> None:
    with sample_workflow(three_rows):
        assert refused_fields(**{name: value}) == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_consecutive_errors", 3),
        ("auto_restart", True),
        ("overlap_policy", "queue"),
        ("parallel_branches", True),
        ("blackouts", [NIGHT]),
        ("affinity", "bulk"),
        ("expected_seconds", 60),
        ("deadline_seconds", 600),
        ("backlog_max_rows", 1000),
        ("backlog_max_seconds", 3600),
    ],
)
def test_property_can_be_changed_while_started(name: str, value: Any) -> None:
    with sample_workflow(three_rows) as workflow:
        save(None, **{name: value})

        workflow.refresh_from_db()
        assert getattr(workflow, name) == value


def test_only_the_description_changes_while_a_command_takes_effect() -> None:
    with sample_workflow(three_rows) as workflow:
        Workflow.objects.filter(pk=workflow.pk).update(state=State.STOP_REQUESTED)

        save(None, description="Counts rows.", history_days=30)

        assert refused_fields(description="Counts.", history_days=7) == {"history_days"}


def test_supervisors_are_audited_by_name() -> None:
    with sample_workflow(three_rows):
        save(None, supervisors=[Group.objects.create(name="Night watch")])

        entry = AuditEntry.objects.get(action="workflows.workflow.properties_changed")
        assert entry.changes == {
            "supervisors": [["Workflow supervisors"], ["Night watch"]]
        }


def test_execution_account_needs_its_own_right(supervisor: Operator) -> None:
    supervisor.user_permissions.remove(Permission.objects.get(codename="change_run_as"))
    supervisor = Operator.objects.get(pk=supervisor.pk)
    with sample_workflow(three_rows), pytest.raises(PermissionRefused) as refused:
        save(supervisor, run_as=supervisor)

    assert refused.value.fields["permission"] == "workflows.change_run_as"


def test_execution_account_is_kept_and_audited_by_name(
    administrator: Operator, supervisor: Operator
) -> None:
    with sample_workflow(three_rows) as workflow:
        save(administrator, run_as=supervisor)

        workflow.refresh_from_db()
        entry = AuditEntry.objects.get(action="workflows.workflow.properties_changed")
        assert workflow.run_as == supervisor
        assert entry.changes == {"run_as": ["", "supervisor"]}


def test_properties_need_their_right(outsider: Operator) -> None:
    with sample_workflow(three_rows), pytest.raises(PermissionRefused):
        save(outsider, history_days=7)


def test_affinity_that_nobody_serves_is_a_warning() -> None:
    with sample_workflow(three_rows):
        (warning,) = property_warnings(save(None, affinity="moon"), START)

    assert "moon" in warning.message
