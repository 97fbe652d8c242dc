"""Scenario 26: who may do what (§ 8.5), every cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from campaign.access.models import Operator
from tests.workflows.callers import client_of, operator_of
from tests.workflows.drawn import command, draw
from tests.workflows.samples import START, sample_workflow, three_rows
from workflows.actions import (
    create_workflow,
    delete_workflow,
    freeze_instance,
    issue_command,
    keep_paused,
    reset_to_factory,
    save_properties,
    save_schedule,
    save_structure,
)
from workflows.exceptions import AppError, PermissionRefused
from workflows.models import CommandName, Source, Workflow

pytestmark = pytest.mark.django_db
A, S, E, U = (
    "Administrators",
    "Workflow supervisors",
    "Workflow execution",
    "Standard Users",
)
GROUPS = (A, S, E, U)
KINDS = ("technical", "other")
DAILY = {"kind": "daily", "time": "04:00"}
BY = {"source": Source.CONSOLE, "at": START}

#: Which groups hold each right from the start.
HOLDERS = {
    "workflows.view": {A, S, E, U},
    "workflows.execute": {A, S, E},
    "workflows.operate_technical": {A, S},
    "workflows.change_technical": {A},
    "workflows.edit_structure": {A},
    "workflows.kill": {A},
    "workflows.change_run_as": {A},
    "workflows.answer": {A, E},
    "workflows.sql": {A},
    "workflows.command": {A},
    "workflows.view_audit": {A},
    "workflows.freeze": {A},
    "platform.change_option": {A},
}
OPERATING: dict[str, set[str]] = {"technical": {A, S}, "other": {A, S, E}}
ADMINISTRATORS = {kind: {A} for kind in KINDS}

Act = Callable[[Workflow, Operator], Any]


def ordering(name: str, **parameters: Any) -> Act:
    """Return the act of ordering a command."""

    def act(workflow: Workflow, operator: Operator) -> None:
        issue_command(
            internal_name=workflow.internal_name,
            name=name,
            acting_operator=operator,
            parameters=parameters,
            **BY,
        )

    return act


def properties(**values: Any) -> Act:
    def act(workflow: Workflow, operator: Operator) -> None:
        given = {k: operator if v == "oneself" else v for k, v in values.items()}
        save_properties(
            internal_name=workflow.internal_name,
            values=given,
            acting_operator=operator,
            **BY,
        )

    return act


def schedule(workflow: Workflow, operator: Operator) -> None:
    save_schedule(
        internal_name=workflow.internal_name,
        schedule=DAILY,
        expected_version=None,
        acting_operator=operator,
        **BY,
    )


def structure(*more: dict[str, Any]) -> Act:
    """Return the act of saving the structure with more activities."""

    def act(workflow: Workflow, operator: Operator) -> None:
        graph = workflow.structure.graph
        save_structure(
            internal_name=workflow.internal_name,
            graph={**graph, "activities": [*graph["activities"], *more]},
            expected_version=None,
            acting_operator=operator,
            **BY,
        )

    return act


def named(action: Callable[..., Any], **more: Any) -> Act:
    def act(workflow: Workflow, operator: Operator) -> None:
        action(
            internal_name=workflow.internal_name, acting_operator=operator, **more, **BY
        )

    return act


def create(_workflow: Workflow, operator: Operator) -> None:
    create_workflow(internal_name="new", acting_operator=operator, **BY)


def freeze(_workflow: Workflow, operator: Operator) -> None:
    freeze_instance(reason="upgrade", acting_operator=operator, **BY)


SQL = {
    "name": "count",
    "type": "sql",
    "label": "Count",
    "parameters": {"code": "select 1"},
}
COMMANDS: dict[str, Act] = {name.value: ordering(name.value) for name in CommandName}
ACTS: dict[str, Act] = {
    **COMMANDS,
    "cancel_task by force": ordering("cancel_task", task=0, grade="force"),
    "keep paused": named(keep_paused, until=START),
    "edit properties": properties(description="New"),
    "edit schedule": schedule,
    "edit structure": structure(),
    "edit SQL": structure(SQL),
    "change execution account": properties(run_as="oneself"),
    "reset to factory": named(reset_to_factory, expected_version=None),
    "delete": named(delete_workflow, expected_version=None),
    "create": create,
    "freeze": freeze,
}
#: Who may do what to which kind of workflow.
ALLOWED: dict[str, dict[str, set[str]]] = {
    **{name.value: OPERATING for name in CommandName},
    "kill": ADMINISTRATORS,
    "cancel_task by force": ADMINISTRATORS,
    "keep paused": OPERATING,
    **dict.fromkeys(ACTS.keys() - COMMANDS.keys() - {"keep paused"}, ADMINISTRATORS),
}


@contextmanager
def workflow_of(kind: str) -> Iterator[Workflow]:
    """Return a started workflow, built in or made by users."""
    if kind == "technical":
        with sample_workflow(three_rows) as built_in:
            yield built_in
        return
    draw(
        {"scheduler": ("scheduler", {"schedule": DAILY}), "end": "end"},
        "scheduler.ok>end",
    )
    yield command("start")


def may(act: Act, workflow: Workflow, operator: Operator) -> bool:
    """Return whether the right to do it was there; nothing of it stays."""
    with transaction.atomic():
        try:
            act(workflow, operator)
        except PermissionRefused:
            return False
        except AppError:
            pass  # the right was there; the state or the input was not
        finally:
            transaction.set_rollback(True)
    return True


@pytest.mark.parametrize("right", HOLDERS)
@pytest.mark.parametrize("group", GROUPS)
def test_scenario_26_group_holds_the_right(group: str, right: str) -> None:
    assert operator_of(group).has_perm(right) == (group in HOLDERS[right])


def test_scenario_26_every_right_of_workflows_is_a_row_of_the_matrix() -> None:
    known = Permission.objects.filter(content_type__app_label="workflows")

    codes = set(known.values_list("codename", flat=True))

    assert codes == {
        right.removeprefix("workflows.")
        for right in HOLDERS
        if right.startswith("workflows.")
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("group", GROUPS)
def test_scenario_26_acts_of_a_group(group: str, kind: str) -> None:
    operator = operator_of(group)
    with workflow_of(kind) as workflow:
        found = {name: may(act, workflow, operator) for name, act in ACTS.items()}

    assert found == {name: group in ALLOWED[name][kind] for name in ACTS}


@pytest.mark.parametrize("name", COMMANDS)
def test_scenario_26_right_for_other_workflows_does_not_open_technical_ones(
    name: str,
) -> None:
    operator = Operator.objects.create_user("narrow")
    operator.user_permissions.add(
        Permission.objects.get(content_type__app_label="workflows", codename="execute")
    )
    with workflow_of("technical") as workflow:
        assert not may(COMMANDS[name], workflow, operator)


def test_scenario_26_account_needs_both_rights() -> None:
    operator = Operator.objects.create_user("editor")
    operator.user_permissions.add(
        Permission.objects.get(
            content_type__app_label="workflows", codename="change_technical"
        )
    )
    with workflow_of("technical") as workflow:
        assert may(ACTS["edit properties"], workflow, operator)
        assert not may(ACTS["change execution account"], workflow, operator)


def test_scenario_26_operator_without_group_sees_nothing() -> None:
    Group.objects.create(name="Nobody")
    client = client_of("Nobody")

    assert client.get("/api/v1/workflows").status_code == 403


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/workflows", {A, S, E, U}),
        ("/api/v1/workflows/sample/logs", {A, S, E, U}),
        ("/api/v1/audit", {A}),
        ("/api/v1/options", {A}),
    ],
)
def test_scenario_26_pages_of_a_group(group: str, path: str, allowed: set[str]) -> None:
    with workflow_of("technical"):
        answer = client_of(group).get(path)

    assert answer.status_code == (200 if group in allowed else 403)
