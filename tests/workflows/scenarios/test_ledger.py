"""Scenario 27: every command is a row of the ledger, refused ones included."""

from __future__ import annotations

from typing import Any

import pytest

from campaign.access.models import Operator
from tests.workflows.in_state import later, workflow_in
from workflows.actions import issue_command
from workflows.engine.states import Verdict, cell
from workflows.exceptions import AppError, PermissionRefused, StaleState
from workflows.models import (
    Command,
    CommandName,
    CommandStatus,
    Source,
    State,
    Workflow,
)

pytestmark = pytest.mark.django_db
#: What makes a command possible where the table allows it.
PARAMETERS: dict[str, dict[str, Any]] = {"restart_task": {"activities": ["work"]}}
FINAL = {
    Verdict.REFUSE: {CommandStatus.REFUSED},
    Verdict.NOOP: {CommandStatus.NOOP},
    Verdict.ACCEPT: {CommandStatus.APPLIED, CommandStatus.REQUESTED},
}


def parameters_of(name: str, workflow: Workflow) -> dict[str, Any]:
    if name == "cancel_task":
        running = workflow.tasks.filter(substate="running").first()
        return {"task": running.pk if running else 0}
    return PARAMETERS.get(name, {})


def order(workflow: Workflow, name: str, operator: Any, **more: Any) -> AppError | None:
    """Give an order; return why it was refused, if so."""
    try:
        issue_command(
            internal_name=workflow.internal_name,
            name=name,
            acting_operator=operator,
            source=Source.CONSOLE,
            at=later(),
            parameters=parameters_of(name, workflow),
            reason="because",
            **more,
        )
    except AppError as error:
        return error
    return None


def rows_after(number: int) -> list[Command]:
    return list(Command.objects.filter(pk__gt=number).order_by("id"))


@pytest.mark.parametrize("name", CommandName.values)
@pytest.mark.parametrize("state", State.values)
def test_scenario_27_each_command_in_each_state_is_one_row(
    state: str, name: str, administrator: Operator
) -> None:
    with workflow_in(state) as workflow:
        expected = expected_verdict(workflow, name)
        newest = Command.objects.latest("id").pk if state != "edited" else 0

        refusal = order(workflow, name, administrator)

        [row] = rows_after(newest)
        workflow.refresh_from_db()
        assert (row.name, row.author, row.reason) == (name, "administrator", "because")
        assert (row.source, row.requested_at) == (Source.CONSOLE, later())
        assert row.state_before == state
        assert row.state_after == workflow.state
        assert_status(row, expected, refusal)


def expected_verdict(workflow: Workflow, name: str) -> Verdict:
    """Return what the table says; there may be no running task to cancel."""
    if name == "cancel_task" and not parameters_of(name, workflow)["task"]:
        return Verdict.REFUSE
    return cell(workflow.state, name).verdict


def assert_status(row: Command, expected: Verdict, refusal: AppError | None) -> None:
    """A refused row tells why; all others tell when they were applied, if they were."""
    if refusal is not None:
        assert (row.status, row.message) == (CommandStatus.REFUSED, refusal.message)
    assert row.status in FINAL[expected]
    assert (row.applied_at is not None) == (row.status == CommandStatus.APPLIED)


@pytest.mark.parametrize("name", CommandName.values)
def test_scenario_27_command_without_the_right_is_a_row(
    name: str, outsider: Operator
) -> None:
    with workflow_in("started") as workflow:
        newest = Command.objects.latest("id").pk

        refusal = order(workflow, name, outsider)

        [row] = rows_after(newest)
        assert isinstance(refusal, PermissionRefused)
        assert (row.author, row.status) == ("outsider", CommandStatus.REFUSED)
        assert row.message == refusal.message


@pytest.mark.parametrize("name", CommandName.values)
def test_scenario_27_command_for_another_state_is_a_row(
    name: str, administrator: Operator
) -> None:
    with workflow_in("paused") as workflow:
        newest = Command.objects.latest("id").pk

        refusal = order(workflow, name, administrator, expected_state="started")

        [row] = rows_after(newest)
        assert isinstance(refusal, StaleState)
        assert (row.status, row.expected_state) == (CommandStatus.REFUSED, "started")
