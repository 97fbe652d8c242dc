from __future__ import annotations

import pytest

from campaign.access.models import Operator
from tests.workflows.samples import START, sample_workflow, three_rows
from workflows.actions import (
    issue_command,
    raise_signal,
    save_properties,
)
from workflows.exceptions import (
    CommandRefused,
    InvalidInput,
    NotFound,
)
from workflows.models import AuditEntry, Source

pytestmark = pytest.mark.django_db


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
