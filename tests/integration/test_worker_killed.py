"""A worker is killed at every step of a task job (workflow-engine.md §10.5)."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from bench.torture import effects, failpoints
from bench.torture.failpoints import Way
from tests.live import wait_until
from tests.workflows.samples import EVERY_MINUTE, entry
from workflows.actions import issue_command
from workflows.actions.sync import sync_workflows
from workflows.engine import clock, executor, rescue
from workflows.engine.claiming import LOCK_CLASS
from workflows.engine.following import EVERY_OUTPUT
from workflows.models import CommandName, RunStatus, Source, State, Task, Workflow
from workflows.registry import QUEUES, Done, RunContext, activity, temporary_workflow

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "killed"
STEPS = ["first", "second", "third"]
LAST = ("the run is about to be closed", "the run is closed")
IN_THE_HANDLER = (failpoints.EFFECT_NEXT, failpoints.EFFECT_DONE)
# The second time a point is reached lies amid the chain, work before and behind it.
EVERY_STEP = [
    *((way, point, 2) for way in (Way.SHORT, Way.LONG) for point in IN_THE_HANDLER),
    *(
        (way, hook.point, 1 if hook.point in LAST else 2)
        for way in (Way.SHORT, Way.LONG)
        for hook in failpoints.HOOKS
        if hook.way in (Way.EITHER, way)
    ),
    (Way.SHORT, "a transaction is about to be committed", 3),
    (Way.SHORT, "a transaction is committed", 3),
]


@pytest.fixture(autouse=True)
def _effects() -> Iterator[None]:
    effects.prepare()
    yield
    effects.session().execute("DROP SCHEMA torture CASCADE")
    effects.close()


def do_kept(run: RunContext, step: str, way: Way = Way.SHORT) -> Done:
    """Have an effect that may be repeated."""
    return _do(run, step, way, lambda: effects.keep(run, step))


def do_once(run: RunContext, step: str, way: Way = Way.SHORT) -> Done:
    """Have an effect that must not be repeated."""
    return _do(run, step, way, lambda: effects.have_once(run, step))


def _do(run: RunContext, step: str, way: Way, have: Callable[[], None]) -> Done:
    """Have the effect; the result makes the engine take the way to write it."""
    effects.attempt(run, step)
    failpoints.reach(failpoints.EFFECT_NEXT)
    have()
    failpoints.reach(failpoints.EFFECT_DONE)
    output = EVERY_OUTPUT if way is Way.LONG else "ok"
    return Done(count=1, written=1, output=output)


@contextmanager
def fired_chain(
    work: Callable[[RunContext, str], Any], *, is_idempotent: bool
) -> Iterator[tuple[Workflow, datetime]]:
    """Install three activities in a row whose run is due and queued."""

    class Chain:
        @activity(after="scheduler", is_idempotent=is_idempotent)
        def first(self, run: RunContext) -> Any:
            return work(run, "first")

        @activity(after="first", is_idempotent=is_idempotent)
        def second(self, run: RunContext) -> Any:
            return work(run, "second")

        @activity(after="second", is_idempotent=is_idempotent)
        def third(self, run: RunContext) -> Any:
            return work(run, "third")

    given = entry(NAME, schedule=EVERY_MINUTE, signals=())
    with temporary_workflow(Chain, NAME, given):
        sync_workflows(at=timezone.now())
        workflow = Workflow.objects.get(internal_name=NAME)
        planned = workflow.tasks.get(activity="scheduler").process_at
        assert planned is not None
        clock.tick(planned)
        yield workflow, planned


def worker_killed_at(point: str, times: int = 1) -> None:
    """Let a worker process work until it kills itself at the point."""
    worker_killed(lambda: failpoints.die_at(point, times=times))


def worker_killed(arm: Callable[[], None]) -> None:
    """Let a worker process work until it kills itself, as it was armed to."""
    effects.close()
    connections.close_all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks and threads
        pid = os.fork()
    if pid == 0:
        try:
            arm()
            work_off()
        finally:
            os._exit(0)
    _pid, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), "the worker never came to the point"
    assert os.WTERMSIG(status) == signal.SIGKILL
    wait_until(lambda: not held_locks(), seconds=10)


def held_locks() -> int:
    """Return how many tasks the server believes to be in some worker's hands."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            " AND classid = %s AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK_CLASS >> 32],
        )
        return int(cursor.fetchone()[0])


def work_off() -> None:
    """Do everything that is queued."""
    for name in QUEUES:
        executor.drain(name)


def recover(at: datetime) -> None:
    """Let the clock find what the dead left, and a second worker go on."""
    rescue.take_over_orphans(at)
    rescue.announce_lost(timezone.now() + timedelta(hours=1))
    work_off()


def effects_in(table: str) -> list[str]:
    """Return the steps that had their effect, in order."""
    statement = f"SELECT step FROM torture.{table} ORDER BY step"  # noqa: S608 (ours)
    return [step for (step,) in effects.session().execute(statement).fetchall()]


@pytest.mark.parametrize(("way", "point", "times"), EVERY_STEP)
def test_scenario_23_no_event_is_lost(way: Way, point: str, times: int) -> None:
    work = partial(do_kept, way=way)
    with fired_chain(work, is_idempotent=True) as (workflow, planned):
        worker_killed_at(point, times)

        recover(planned)

        run = workflow.runs.get()
        assert run.status == RunStatus.FINISHED
        assert effects_in("kept") == STEPS
        assert workflow.occurrences.get().outcome in ("ran", "ran_late")
        assert held_locks() == 0


@pytest.mark.parametrize(("way", "point", "times"), EVERY_STEP)
def test_scenario_23_no_effect_is_doubled(way: Way, point: str, times: int) -> None:
    work = partial(do_once, way=way)
    with fired_chain(work, is_idempotent=False) as (workflow, planned):
        worker_killed_at(point, times)

        recover(planned)

        run = workflow.runs.get()
        done = effects_in("once")
        assert done == STEPS[: len(done)]
        lost = [task.activity for task in failed_tasks(workflow)]
        if run.status == RunStatus.FINISHED:
            assert (done, lost) == (STEPS, [])
        else:
            # The lost one had its effect last, or is the first that had none.
            assert run.status == RunStatus.FAILED
            assert lost in [[step] for step in STEPS[max(0, len(done) - 1) :][:2]]
        assert all("was lost" in task.error for task in failed_tasks(workflow))


def failed_tasks(workflow: Workflow) -> list[Task]:
    """Return the tasks in error."""
    return list(workflow.tasks.filter(status="failed"))


def ordering(name: CommandName, point: str) -> Callable[[RunContext, str], Done]:
    """Return a handler in whose worker, soon to be killed, an order arrives."""
    here = os.getpid()

    def work(run: RunContext, step: str) -> Done:
        if os.getpid() != here:
            issue_command(
                internal_name=NAME,
                name=name,
                acting_operator=None,
                source=Source.CLI,
                at=timezone.now(),
            )
            failpoints.die_at(point)
        return do_kept(run, step)

    return work


@pytest.mark.parametrize("point", [failpoints.EFFECT_DONE, failpoints.SETTLED])
@pytest.mark.parametrize(
    ("name", "state"),
    [
        (CommandName.PAUSE, State.PAUSED),
        (CommandName.STOP, State.FINISHED),
        (CommandName.RESTART, State.STARTED),
    ],
)
def test_scenario_23_an_order_that_waited_for_the_dead_is_completed(
    name: CommandName, state: State, point: str
) -> None:
    work = ordering(name, point)
    with fired_chain(work, is_idempotent=True) as (workflow, planned):
        worker_killed(lambda: None)

        recover(planned)

        workflow.refresh_from_db()
        assert workflow.state == state
        assert workflow.commands.get(name=name).status == "applied"
        assert effects_in("kept") == ["first"]
