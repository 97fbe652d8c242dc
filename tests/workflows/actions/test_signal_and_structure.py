from __future__ import annotations

from typing import Any

import pytest

from campaign.access.models import Operator
from tests.workflows.samples import START, sample_workflow, three_rows, tick
from workflows.actions import (
    issue_command,
    raise_signal,
    save_properties,
    save_structure,
)
from workflows.exceptions import (
    CommandRefused,
    InvalidInput,
    NotFound,
    PermissionRefused,
    StaleVersion,
)
from workflows.models import AuditEntry, Source

pytestmark = pytest.mark.django_db


def save_graph(graph: dict[str, Any], operator: Operator, version: int = 1) -> Any:
    return save_structure(
        internal_name="sample",
        graph=graph,
        expected_version=version,
        acting_operator=operator,
        source=Source.API,
        at=START,
    )


def test_signal_to_a_workflow_that_is_not_started_is_refused_and_told() -> None:
    with sample_workflow(three_rows) as workflow:
        issue_command(
            internal_name="sample",
            name="stop",
            acting_operator=None,
            source=Source.CLI,
            at=START,
        )

        with pytest.raises(CommandRefused):
            raise_signal(internal_name="sample", source="shop", at=START)

        line = workflow.journal.get(message__startswith="A signal from")
        assert line.parameters == {"source": "shop"}


def test_equal_signals_coalesce_and_those_with_variables_do_not() -> None:
    with sample_workflow(three_rows) as workflow:
        for _ in range(3):
            raise_signal(internal_name="sample", source="a", at=START)
        for number in range(2):
            raise_signal(
                internal_name="sample", source="a", at=START, variables={"n": number}
            )

        assert workflow.signals.count() == 3


def test_signal_needs_an_external_signal() -> None:
    with sample_workflow(three_rows, signals=()), pytest.raises(NotFound):
        raise_signal(internal_name="sample", source="a", at=START)


def test_new_structure_is_a_version_with_an_audit_entry(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows) as workflow:
        graph = workflow.structure.graph
        graph["activities"][2]["label"] = "Work"

        assert save_graph(graph, administrator).number == 2
        assert AuditEntry.objects.filter(
            action="workflows.workflow.structure_changed", object_id="sample"
        ).exists()


def test_stale_structure_is_refused(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        save_graph(workflow.structure.graph, administrator)

        with pytest.raises(StaleVersion):
            save_graph(workflow.structure.graph, administrator)


def test_activity_with_a_live_task_cannot_be_removed(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        tick(START.replace(minute=1, second=0))
        graph = workflow.structure.graph
        graph["activities"] = [a for a in graph["activities"] if a["name"] != "process"]
        graph["transitions"] = [
            {"source": "scheduler", "output": "ok", "destination": "end"},
            {"source": "signal", "output": "ok", "destination": "end"},
        ]

        with pytest.raises(InvalidInput) as refused:
            save_graph(graph, administrator)

        assert [fault.field for fault in refused.value.faults] == ["process"]


def test_structure_needs_its_right(outsider: Operator) -> None:
    with sample_workflow(three_rows) as workflow, pytest.raises(PermissionRefused):
        save_graph(workflow.structure.graph, outsider)


def test_properties_are_audited_with_before_and_after(administrator: Operator) -> None:
    with sample_workflow(three_rows):
        save_properties(
            internal_name="sample",
            values={"history_days": 7},
            acting_operator=administrator,
            source=Source.CONSOLE,
            at=START,
        )

        entry = AuditEntry.objects.get(
            action="workflows.workflow.properties_changed", object_id="sample"
        )
        assert entry.changes == {"history_days": [30, 7]}


def test_unknown_zone_and_unknown_property_are_both_named(
    administrator: Operator,
) -> None:
    with sample_workflow(three_rows), pytest.raises(InvalidInput) as refused:
        save_properties(
            internal_name="sample",
            values={"time_zone": "Mars/Olympus", "state": "started"},
            acting_operator=administrator,
            source=Source.CONSOLE,
            at=START,
        )

    assert {fault.field for fault in refused.value.faults} == {"time_zone", "state"}
