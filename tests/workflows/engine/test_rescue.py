"""A worker that dies is seen by its free lock; its task is taken over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from tests.workflows.samples import START, sample_workflow, three_rows, tick, work_off
from workflows import conf
from workflows.engine import claiming, executor, locks, rescue
from workflows.models import Task, Workflow

pytestmark = pytest.mark.django_db
FIRED = START + timedelta(minutes=1)


@pytest.fixture
def elsewhere() -> Iterator[psycopg.Connection]:
    """A database session of another worker."""
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    with psycopg.connect(**parameters, autocommit=True) as other:
        yield other


def claimed() -> Task:
    """Claim the queued task as a worker that dies at once does."""
    task = claiming.claim(queue_name="workflows")
    assert task is not None
    locks.unlock(task.pk)
    return task


def test_task_of_a_dead_worker_is_executed_again() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)
        first = claimed()

        assert rescue.take_over_orphans(FIRED) == 1
        work_off()

        task = workflow.tasks.get(activity="process")
        assert task.status == "completed"
        assert task.epoch > first.epoch


def test_task_whose_worker_lives_is_left_alone(elsewhere: psycopg.Connection) -> None:
    with sample_workflow(three_rows):
        tick(FIRED)
        task = claimed()
        elsewhere.execute("SELECT pg_advisory_lock(%s)", [locks.lock_key(task.pk)])

        assert rescue.take_over_orphans(FIRED) == 0


def test_task_that_may_not_be_repeated_fails() -> None:
    with sample_workflow(three_rows, is_idempotent=False) as workflow:
        tick(FIRED)
        claimed()

        rescue.take_over_orphans(FIRED)

        workflow.refresh_from_db()
        assert workflow.failed
        assert "was lost" in workflow.tasks.get(activity="process").error


def test_task_that_kills_every_worker_fails_in_the_end() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)
        for _ in range(conf.MAX_ATTEMPTS):
            claimed()
            rescue.take_over_orphans(FIRED)

        workflow.refresh_from_db()
        assert workflow.failed


def test_stop_that_waited_for_a_dead_worker_is_completed() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)
        claimed()
        Workflow.objects.filter(pk=workflow.pk).update(state="stop_requested")

        rescue.take_over_orphans(FIRED)

        workflow.refresh_from_db()
        assert workflow.state == "finished"


def test_result_of_a_task_taken_over_is_refused() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)
        stale = claimed()
        rescue.take_over_orphans(FIRED)

        executor.execute(stale, deadline=0.0)

        assert workflow.runs.get().written_count == 0
        assert workflow.journal.filter(message__startswith="A late result").exists()


def test_worker_holds_the_lock_of_its_task_once_by_another_plan_too() -> None:
    with sample_workflow(three_rows):
        tick(FIRED)
        work_off()
        tick(FIRED + timedelta(minutes=1))
        with connection.cursor() as cursor:
            for way in ("hashjoin", "mergejoin", "indexscan", "bitmapscan"):
                cursor.execute(f"SET LOCAL enable_{way} = off")

        task = claimed()

        assert task.activity == "process"
        assert task.pk not in held_locks()


def held_locks() -> list[int]:
    """Return the advisory locks of tasks that this session holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory'"
            " AND pid = pg_backend_pid() AND classid = %s",
            [locks.LOCK_CLASS >> 32],
        )
        return [number for (number,) in cursor.fetchall()]
