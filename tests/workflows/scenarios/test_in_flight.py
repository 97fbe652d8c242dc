"""Scenarios 3, 4, 5 and 6: orders that meet work in flight, or its ruins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from campaign.access.models import Operator
from tests.workflows.callers import client_of, post
from tests.workflows.drawn import command, draw, lines
from tests.workflows.handlers import handlers, script
from tests.workflows.in_state import execute
from tests.workflows.samples import START, tick, work_off
from tests.workflows.workers import executing, until
from workflows.actions import issue_command
from workflows.engine import claiming, locks
from workflows.models import RunStatus, Source, State, Task, Workflow
from workflows.registry import Done, RunContext

MINUTE = timedelta(minutes=1)
COMMANDS = "/api/v1/workflows/drawn/commands"
TEN_MINUTES = "select pg_sleep(600)"


def two_steps(first: Any = None) -> Workflow:
    """Return a started workflow of two scripts one after the other."""
    draw(
        {
            "begin": "start",
            "first": first or script("first"),
            "second": script("second"),
            "end": "end",
        },
        "begin.ok>first first.ok>second second.ok>end",
    )
    return command("start")


def claimed() -> Task:
    """Claim the queued task as a worker that dies at once does."""
    task = claiming.claim(queue_name="workflows")
    assert task is not None
    locks.unlock(task.pk)
    return task


class Calls:
    """Two handlers; the first gives an order while it works."""

    def __init__(self, *verbs: str) -> None:
        self.verbs = verbs
        self.made: list[str] = []
        self.states: list[str] = []

    def first(self, _run: RunContext) -> Done:
        self.made.append("first")
        for verb in self.verbs:
            self.states.append(command(verb).state)
        return Done(count=1, variables={"rows": 7})

    def second(self, run: RunContext) -> Done:
        self.made.append(f"second {run.variables['vars']['rows']}")
        return Done(count=1)

    def registered(self) -> Any:
        return handlers(first=self.first, second=self.second)


@pytest.mark.django_db
def test_scenario_03_handler_that_runs_finishes_and_its_event_waits() -> None:
    calls = Calls("pause")
    with calls.registered():
        workflow = two_steps()

        work_off()

        workflow.refresh_from_db()
        assert (calls.made, calls.states) == (["first"], [State.PAUSE_REQUESTED])
        assert workflow.state == State.PAUSED
        assert workflow.tasks.get(activity="first").status == "completed"
        assert workflow.tasks.get(activity="second").substate == "queued"


@pytest.mark.django_db
def test_scenario_03_resume_continues_and_nothing_runs_twice() -> None:
    calls = Calls("pause")
    with calls.registered():
        workflow = two_steps()
        work_off()

        command("resume", at=START + MINUTE)
        work_off(START + MINUTE)

        workflow.refresh_from_db()
        assert calls.made == ["first", "second 7"]
        assert workflow.state == State.FINISHED
        assert workflow.runs.get().status == RunStatus.FINISHED


@pytest.mark.django_db
def test_scenario_03_pause_taken_back_while_the_handler_runs_stops_nothing() -> None:
    calls = Calls("pause", "resume")
    with calls.registered():
        workflow = two_steps()

        work_off()

        workflow.refresh_from_db()
        assert calls.states == [State.PAUSE_REQUESTED, State.STARTED]
        assert calls.made == ["first", "second 7"]
        assert workflow.commands.get(name="pause").status == "superseded"


def sleep_in_the_database(_run: RunContext) -> Done:
    with connection.cursor() as cursor:
        cursor.execute(TEN_MINUTES)
    return Done(count=1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "first",
    [
        pytest.param(("sql", {"code": TEN_MINUTES}), id="sql-activity"),
        pytest.param(script("first"), id="sql-of-a-handler"),
    ],
)
def test_scenario_04_stop_cancels_sql_of_ten_minutes_within_five_seconds(
    first: Any,
) -> None:
    with handlers(first=sleep_in_the_database, second=sleep_in_the_database):
        workflow = two_steps(first)
        task = workflow.tasks.get(activity="first")
        with executing(task):
            until(sleeps)
            command("stop", at=timezone.now())
            seconds = until(lambda: is_finished(workflow))

    task.refresh_from_db()
    assert seconds < 5
    assert task.status == "cancelled"
    assert not workflow.tasks.filter(activity="second").exists()
    assert workflow.runs.get().status == RunStatus.CANCELLED
    assert not sleeps()


@pytest.mark.django_db(transaction=True)
def test_scenario_04_stop_waits_for_the_checkpoint_of_what_may_not_be_repeated() -> (
    None
):
    """A statement whose half-done work would be lost is not cancelled."""
    reached = []

    def send(run: RunContext) -> Done:
        with connection.cursor() as cursor:
            cursor.execute("select pg_sleep(3)")
        reached.append("after the statement")
        run.checkpoint()
        reached.append("after the checkpoint")
        return Done(count=1)

    with handlers(first=(send, {"is_idempotent": False}), second=send):
        workflow = two_steps()
        with executing(workflow.tasks.get(activity="first")):
            until(sleeps)
            command("stop", at=timezone.now())
            until(lambda: is_finished(workflow))

    assert reached == ["after the statement"]
    assert workflow.tasks.get(activity="first").status == "cancelled"


def sleeps() -> bool:
    """Return whether a session of the server sleeps in a statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select 1 from pg_stat_activity where wait_event = 'PgSleep'"
            " and datname = current_database()"
        )
        return cursor.fetchone() is not None


def is_finished(workflow: Workflow) -> bool:
    """Let the clock look, then tell whether the workflow has ended."""
    tick(timezone.now())
    workflow.refresh_from_db()
    return workflow.state == State.FINISHED


@pytest.mark.django_db
def test_scenario_05_second_stop_while_stopping_has_no_second_effect() -> None:
    calls = Calls("stop", "stop", "stop")
    with calls.registered():
        workflow = two_steps()

        work_off()

        workflow.refresh_from_db()
        statuses = workflow.commands.filter(name="stop").order_by("id")
        assert calls.states == [State.STOP_REQUESTED] * 3
        assert [row.status for row in statuses] == ["applied", "noop", "noop"]
        assert lines(workflow).count("Stop ordered.") == 1
        assert lines(workflow).count("Workflow finished.") == 1
        assert workflow.state == State.FINISHED


@pytest.mark.django_db
def test_scenario_05_stop_after_the_stop_is_harmless_too() -> None:
    with handlers(first=one_row, second=one_row):
        workflow = two_steps()
        command("stop")

        command("stop")

        statuses = workflow.commands.filter(name="stop").order_by("id")
        assert [row.status for row in statuses] == ["applied", "noop"]


@pytest.mark.django_db
def test_scenario_05_stop_of_a_second_operator_leaves_its_row(
    administrator: Operator, supervisor: Operator
) -> None:
    with handlers(first=one_row, second=one_row):
        workflow = two_steps()
        claimed()

        for operator in (supervisor, administrator):
            issue_command(
                internal_name="drawn",
                name="stop",
                acting_operator=operator,
                source=Source.CONSOLE,
                at=START,
            )

        rows = workflow.commands.filter(name="stop").order_by("id")
        assert [(row.author, row.status) for row in rows] == [
            ("supervisor", "requested"),
            ("administrator", "noop"),
        ]


def one_row(_run: RunContext) -> Done:
    return Done(count=1, written=1)


def kill_by(client: Client) -> int:
    return post(client, COMMANDS, {"command": "kill"}).status_code


@pytest.mark.django_db
@pytest.mark.parametrize(
    "group", ["Workflow supervisors", "Workflow execution", "Standard Users"]
)
def test_scenario_06_unconditional_stop_by_others_is_403(group: str) -> None:
    with handlers(first=one_row, second=one_row):
        workflow = two_steps()

        assert kill_by(client_of(group)) == 403

        workflow.refresh_from_db()
        assert workflow.state == State.START_PENDING
        assert workflow.commands.get(name="kill").status == "refused"


@pytest.mark.django_db
def test_scenario_06_administrator_ends_what_a_dead_worker_left() -> None:
    with handlers(first=one_row, second=one_row):
        workflow = two_steps()
        claimed()
        command("stop")

        assert kill_by(client_of("Administrators")) == 202

        workflow.refresh_from_db()
        assert workflow.state == State.FINISHED
        assert workflow.tasks.get(activity="first").status == "cancelled"
        assert workflow.runs.get().status == RunStatus.CANCELLED
        assert workflow.commands.get(name="stop").status == "superseded"


@pytest.mark.django_db
def test_scenario_06_late_result_is_refused_by_the_fence() -> None:
    with handlers(first=one_row, second=one_row):
        workflow = two_steps()
        late = claimed()
        command("kill")

        execute(late)

        run = workflow.runs.get()
        assert workflow.tasks.get(activity="first").status == "cancelled"
        assert (run.status, run.written_count) == (RunStatus.CANCELLED, 0)
        assert not workflow.tasks.filter(activity="second").exists()
        assert any("late result of first" in line for line in lines(workflow))


@pytest.mark.django_db
def test_scenario_06_late_result_does_not_touch_the_next_life() -> None:
    with handlers(first=one_row, second=one_row):
        workflow = two_steps()
        late = claimed()
        command("kill")
        command("start", at=START + MINUTE)

        execute(late)

        workflow.refresh_from_db()
        begun = workflow.runs.latest("id")
        assert workflow.state == State.START_PENDING
        assert list(begun.tasks.filter(status="active").values_list("activity")) == [
            ("first",)
        ]
