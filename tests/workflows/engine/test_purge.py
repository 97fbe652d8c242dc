from __future__ import annotations

from datetime import timedelta

import pytest

from tests.workflows.samples import START, sample_workflow, three_rows, tick, work_off
from workflows.engine.purge import purge_history
from workflows.models import JournalEntry, Workflow

pytestmark = pytest.mark.django_db
FIRED = START.replace(minute=1, second=0)


def test_expired_history_is_deleted_and_live_tasks_stay() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)
        work_off(FIRED)

        purge_history(FIRED + timedelta(days=31))

        assert not workflow.runs.exists()
        assert not JournalEntry.objects.filter(workflow=workflow).exists()
        assert set(workflow.tasks.values_list("activity", flat=True)) == {
            "scheduler",
            "signal",
        }


def test_history_within_its_days_stays() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)
        work_off(FIRED)

        purge_history(FIRED + timedelta(days=29))

        assert workflow.runs.count() == 1


def test_zero_days_keep_the_history_for_ever() -> None:
    with sample_workflow(three_rows) as workflow:
        Workflow.objects.filter(pk=workflow.pk).update(history_days=0)
        tick(FIRED)
        work_off(FIRED)

        purge_history(FIRED + timedelta(days=4000))

        assert workflow.runs.count() == 1


def test_live_run_is_never_deleted() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)

        purge_history(FIRED + timedelta(days=400))

        assert workflow.runs.count() == 1
