from __future__ import annotations

from typing import Any

import pytest

from campaign.access.models import Operator
from tests.workflows.samples import START, orders, sample_workflow, three_rows
from workflows.actions import allowed_commands, issue_command
from workflows.exceptions import (
    CommandRefused,
    InvalidInput,
    NotFound,
    PermissionRefused,
    StaleState,
)
from workflows.models import Command, CommandName, CommandStatus, Source, State

pytestmark = pytest.mark.django_db


def order(name: str, operator: Any, **more: Any) -> Any:
    return issue_command(
        internal_name=more.pop("workflow", "sample"),
        name=name,
        acting_operator=operator,
        source=Source.CONSOLE,
        at=START,
        **more,
    )


def test_command_is_a_ledger_row_with_author_and_reason(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow:
        order("pause", administrator, reason="maintenance")

        row = workflow.commands.get(name="pause")
        assert row.status == CommandStatus.APPLIED
        assert (row.author, row.reason, row.source) == (
            "administrator",
            "maintenance",
            "console",
        )
        assert (row.state_before, row.state_after) == ("started", "paused")


def test_refused_command_leaves_a_row_and_the_state(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        order("stop", administrator)

        with pytest.raises(CommandRefused) as refused:
            order("pause", administrator)

        workflow.refresh_from_db()
        row = workflow.commands.get(name="pause")
        assert row.status == CommandStatus.REFUSED
        assert workflow.state == State.FINISHED
        assert refused.value.fields["allowed"] == [
            "start",
            "restart",
            "restart_task",
            "simulate",
            "purge",
        ]


def test_repeated_stop_is_harmless(administrator: Operator) -> None:
    with sample_workflow(three_rows):
        order("stop", administrator)

        assert order("stop", administrator).noop


def test_command_without_the_right_is_refused_and_recorded(outsider: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        with pytest.raises(PermissionRefused):
            order("pause", outsider)

        assert workflow.commands.get(name="pause").status == CommandStatus.REFUSED


def test_unconditional_stop_needs_its_own_right(supervisor: Operator) -> None:
    supervisor.user_permissions.remove(
        *supervisor.user_permissions.filter(codename="kill")
    )

    with sample_workflow(three_rows), pytest.raises(PermissionRefused):
        order("kill", supervisor)


def test_command_for_another_state_than_shown_is_refused(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow:
        order("pause", administrator)

        with pytest.raises(StaleState):
            order("stop", administrator, expected_state="started")

        workflow.refresh_from_db()
        assert workflow.state == State.PAUSED


def test_unknown_command_is_named(administrator: Operator) -> None:
    with sample_workflow(three_rows), pytest.raises(InvalidInput, match="explode"):
        order("explode", administrator)


def test_unknown_workflow_is_named(administrator: Operator) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        order("pause", administrator, workflow="nowhere")


def test_start_of_a_broken_structure_is_refused_with_its_faults(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow:
        order("stop", administrator)
        version = workflow.structure
        version.graph["activities"][2]["parameters"]["handler"] = "sample.gone"
        version.save()

        with pytest.raises(InvalidInput) as refused:
            order("start", administrator)

        workflow.refresh_from_db()
        assert [fault.field for fault in refused.value.faults] == ["process.handler"]
        assert workflow.state == State.FINISHED
        assert Command.objects.get(name="start", author="administrator").status == (
            CommandStatus.REFUSED
        )


def test_start_clears_instance_variables_and_restart_keeps_them(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow:
        workflow.variables = {"kept": 1}
        workflow.save()

        order("restart", administrator)
        workflow.refresh_from_db()
        assert workflow.variables == {"kept": 1}

        order("stop", administrator)
        order("start", administrator)
        workflow.refresh_from_db()
        assert workflow.variables == {}


def test_refused_command_enqueues_nothing(administrator: Operator) -> None:
    with sample_workflow(three_rows):
        order("stop", administrator)
        before = orders("workflows")

        with pytest.raises(CommandRefused):
            order("wake", administrator)

        assert orders("workflows") == before


def test_allowed_commands_give_a_reason_for_each_refusal(supervisor: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        reasons = allowed_commands(workflow, supervisor)

        assert reasons[CommandName.PAUSE] == ""
        assert reasons[CommandName.START] != ""
