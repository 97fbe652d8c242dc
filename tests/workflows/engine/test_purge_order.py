from __future__ import annotations

from datetime import timedelta

import pytest

from tests.workflows.history import (
    LATELY,
    check_links,
    left,
    make_run,
    make_task,
    make_workflow,
)
from tests.workflows.samples import START
from workflows import queue
from workflows.engine import purge
from workflows.models import JournalEntry, Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow() -> Workflow:
    """A workflow that keeps its history for 30 days, with a run of today."""
    return make_workflow()


def test_order_deletes_all_that_is_over(workflow: Workflow) -> None:
    other = make_workflow("other")
    for each in (workflow, other):
        make_run(each, LATELY)
        make_run(each, START)

    deleted = purge.purge_workflow(workflow.pk, START + timedelta(seconds=1))
    check_links()

    assert set(left(workflow).values()) == {0}
    assert set(left(other).values()) == {2}
    assert deleted["runs"] == 2


def test_order_leaves_what_is_live(workflow: Workflow) -> None:
    live = make_run(workflow, None)
    active = make_task(workflow, live, None)
    waiting = make_task(workflow, None, None, activity="scheduler")

    purge.purge_workflow(workflow.pk, START)

    assert workflow.runs.get() == live
    assert set(workflow.tasks.all()) == {active, waiting}


def test_ordered_purge_is_told_in_the_journal(workflow: Workflow) -> None:
    make_run(workflow, LATELY)

    purge.purge_ordered(workflow.pk)

    line = workflow.journal.get()
    assert line.text == (
        "History purged: 1 runs, 0 tasks, 1 journal lines, 1 planned instants,"
        " 1 signals."
    )


def test_order_for_a_workflow_that_is_gone_does_nothing(db: None) -> None:
    purge.purge_ordered(0)

    assert not JournalEntry.objects.exists()


def test_order_that_takes_long_hands_over(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.conf.BUDGET_SECONDS", -1.0)
    make_run(workflow, LATELY)

    purge.purge_ordered(workflow.pk)

    assert queue.depth("workflows") == 1
    assert workflow.runs.exists()
