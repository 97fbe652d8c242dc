from __future__ import annotations

import pytest

from tests.workflows.samples import START, sample_workflow, three_rows
from workflows.actions import (
    issue_command,
    raise_signal,
)
from workflows.exceptions import (
    CommandRefused,
    NotFound,
)
from workflows.models import Source

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
