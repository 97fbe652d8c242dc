"""Ending one running task: ask, cancel its SQL, force; and the hard limit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.workflows.drawn import command, draw, lines
from tests.workflows.handlers import handlers, script
from tests.workflows.in_state import execute, one_row
from tests.workflows.samples import START, work_off
from tests.workflows.workers import executing, until
from workflows.engine import claiming, rescue
from workflows.exceptions import InvalidInput
from workflows.models import RunStatus, State, Task, Workflow
from workflows.registry import Done, RunContext

SECOND = timedelta(seconds=1)


def asks_to_go_on(run: RunContext) -> Done:
    """Work in batches for ten minutes."""
    for _ in range(6000):
        time.sleep(0.1)
        run.checkpoint()
    return Done(count=1)


def sleeps(_run: RunContext) -> Done:
    with connection.cursor() as cursor:
        cursor.execute("select pg_sleep(600)")
    return Done(count=1)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    with handlers(
        batches=asks_to_go_on,
        sleeps=sleeps,
        row=one_row,
        limited=(one_row, {"time_limit": timedelta(seconds=40)}),
    ):
        yield


def begun(handler: str) -> Task:
    """Return the queued task of a started workflow of two scripts."""
    draw(
        {
            "begin": "start",
            "work": script(handler),
            "after": script("row"),
            "end": "end",
        },
        "begin.ok>work work.ok>after after.ok>end",
    )
    return command("start").tasks.get(activity="work")


def cancel(task: Task, grade: str, at: Any = None) -> Workflow:
    return command(
        "cancel_task",
        at=at or timezone.now(),
        parameters={"task": task.pk, "grade": grade},
    )


def is_over(task: Task) -> bool:
    task.refresh_from_db()
    return task.status != "active"


@pytest.mark.django_db(transaction=True)
def test_task_that_is_asked_ends_at_its_checkpoint() -> None:
    task = begun("batches")
    with executing(task):
        cancel(task, "ask")
        seconds = until(lambda: is_over(task))

    workflow = Workflow.objects.get(internal_name="drawn")
    assert seconds < 2
    assert task.status == "cancelled"
    assert not workflow.tasks.filter(activity="after").exists()
    assert workflow.runs.get().status == RunStatus.CANCELLED


@pytest.mark.django_db(transaction=True)
def test_sql_of_a_task_is_cancelled_at_once() -> None:
    task = begun("sleeps")
    with executing(task):
        until(in_the_database)
        cancel(task, "sql")
        seconds = until(lambda: is_over(task))

    assert seconds < 2
    assert task.status == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_force_takes_the_task_from_its_worker() -> None:
    task = begun("sleeps")
    with executing(task):
        until(in_the_database)
        cancel(task, "force")
        until(lambda: not in_the_database())

    task.refresh_from_db()
    workflow = Workflow.objects.get(internal_name="drawn")
    assert (task.status, task.error) == ("failed", "Ended by force by cli.")
    assert (workflow.state, workflow.failed) == (State.PAUSED, True)


def in_the_database() -> bool:
    """Return whether another session sleeps in a statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select 1 from pg_stat_activity where wait_event = 'PgSleep'"
            " and datname = current_database()"
        )
        return cursor.fetchone() is not None


def claimed(task: Task) -> Task:
    found = claiming.claim(task_id=task.pk)
    assert found is not None
    return found


@pytest.mark.django_db
def test_late_result_after_force_is_refused() -> None:
    late = claimed(begun("row"))
    claiming.unlock(late.pk)
    workflow = cancel(late, "force", at=START)

    execute(late)

    workflow.refresh_from_db()
    assert workflow.tasks.get(activity="work").status == "failed"
    assert workflow.runs.get().written_count == 0
    assert any("late result of work" in line for line in lines(workflow))


@pytest.mark.django_db
def test_force_follows_the_policy_for_errors() -> None:
    late = claimed(begun("row"))
    claiming.unlock(late.pk)
    Workflow.objects.update(error_policy="ignore")

    workflow = cancel(late, "force", at=START)

    assert (workflow.state, workflow.failed) == (State.FINISHED, False)
    assert workflow.runs.get().status == RunStatus.FINISHED_WITH_ERRORS


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"task": 0}, "parameters.task"),
        ({}, "parameters.task"),
        ({"task": 0, "grade": "shout"}, "parameters.grade"),
    ],
)
def test_fault_of_the_order_is_named(parameters: dict[str, Any], field: str) -> None:
    task = begun("row")
    claimed(task)

    with pytest.raises(InvalidInput) as refused:
        command("cancel_task", parameters=parameters)

    assert [fault.field for fault in refused.value.faults] == [field]


@pytest.mark.django_db
def test_resume_after_force_executes_the_task_once_more() -> None:
    late = claimed(begun("row"))
    claiming.unlock(late.pk)
    cancel(late, "force", at=START)

    command("resume", at=START + SECOND)
    work_off(START + SECOND)

    workflow = Workflow.objects.get(internal_name="drawn")
    assert workflow.runs.get().status == RunStatus.FINISHED
    assert workflow.state == State.FINISHED


@pytest.mark.django_db
def test_task_within_its_limit_is_left_alone() -> None:
    task = claimed(begun("limited"))

    assert rescue.end_overdrawn(task.started_at + 39 * SECOND) == 0


@pytest.mark.django_db
def test_task_beyond_its_limit_fails() -> None:
    task = claimed(begun("limited"))
    claiming.unlock(task.pk)

    ended = rescue.end_overdrawn(task.started_at + 41 * SECOND)

    task.refresh_from_db()
    workflow = Workflow.objects.get(internal_name="drawn")
    assert ended == 1
    assert task.error == "work was ended: it worked longer than 40 s."
    assert (workflow.state, workflow.failed) == (State.PAUSED, True)


@pytest.mark.django_db
def test_limit_is_for_all_slices_together() -> None:
    task = claimed(begun("limited"))
    claiming.unlock(task.pk)
    Task.objects.filter(pk=task.pk).update(busy_seconds=30)

    assert rescue.end_overdrawn(task.started_at + 9 * SECOND) == 0
    assert rescue.end_overdrawn(task.started_at + 11 * SECOND) == 1


@pytest.mark.django_db
def test_late_result_after_the_limit_is_refused() -> None:
    late = claimed(begun("limited"))
    claiming.unlock(late.pk)
    rescue.end_overdrawn(late.started_at + 41 * SECOND)

    execute(late)

    workflow = Workflow.objects.get(internal_name="drawn")
    assert workflow.tasks.get(activity="work").status == "failed"
    assert not workflow.tasks.filter(activity="after").exists()


@pytest.mark.django_db(transaction=True)
def test_connection_of_a_hung_worker_is_ended_with_its_task() -> None:
    task = begun("sleeps")
    with executing(task):
        until(in_the_database)
        Task.objects.filter(pk=task.pk).update(limit_seconds=1)
        rescue.end_overdrawn(timezone.now() + 5 * SECOND)
        seconds = until(lambda: not in_the_database())

    assert seconds < 2
    task.refresh_from_db()
    assert task.status == "failed"
