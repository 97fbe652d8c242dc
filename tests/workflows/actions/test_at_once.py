"""Two operators order at the same moment: one after the other, whoever comes first."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connection
from django.utils import timezone

from tests.workflows.samples import sample_workflow, three_rows
from workflows.actions import issue_command
from workflows.exceptions import AppError, StaleState
from workflows.models import Source, Workflow

pytestmark = pytest.mark.django_db(transaction=True)
OPERATORS = 4


def order_at_once(name: str, *, expected_state: str = "") -> Counter[str]:
    """Give the same order from several sessions at once; return what became of it."""
    outcomes: Counter[str] = Counter()
    barrier = threading.Barrier(OPERATORS)

    def order() -> None:
        barrier.wait()
        try:
            result = issue_command(
                internal_name="sample",
                name=name,
                acting_operator=None,
                source=Source.API,
                at=timezone.now(),
                expected_state=expected_state,
            )
            outcomes[result.command.status] += 1
        except AppError as error:
            outcomes[error.code] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=order) for _ in range(OPERATORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_pause_is_applied_once_and_harmless_after() -> None:
    with sample_workflow(three_rows):
        assert order_at_once("pause") == {"applied": 1, "noop": OPERATORS - 1}

        workflow = Workflow.objects.get(internal_name="sample")
        assert workflow.commands.filter(name="pause").count() == OPERATORS


def test_order_for_the_state_shown_is_taken_once() -> None:
    with sample_workflow(three_rows):
        outcomes = order_at_once("stop", expected_state="started")

    assert outcomes == {"applied": 1, StaleState.code: OPERATORS - 1}
