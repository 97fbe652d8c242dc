"""One workflow in any state, brought there by real orders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from tests.workflows.drawn import command, draw
from tests.workflows.handlers import handlers, script
from tests.workflows.samples import START
from workflows.engine import claiming, executor
from workflows.models import State, Task, Workflow
from workflows.registry import Done, RunContext

DAILY = ("scheduler", {"schedule": {"kind": "daily", "time": "04:00"}})
#: Those in which a worker holds a task.
AT_WORK = (State.PAUSE_REQUESTED, State.STOP_REQUESTED, State.RESTART_REQUESTED)
_ORDERS = {
    State.PAUSED: "pause",
    State.PAUSE_REQUESTED: "pause",
    State.STOP_REQUESTED: "stop",
    State.RESTART_REQUESTED: "restart",
    State.FINISHED: "stop",
}


def one_row(_run: RunContext) -> Done:
    """Treat one row."""
    return Done(count=1, written=1)


@contextmanager
def workflow_in(state: str) -> Iterator[Workflow]:
    """Return a workflow in ``state``: a schedule, a start, a script, an end.

    One run of it came to its end, and the next one is under way. Its script is
    claimed by a worker where the state needs one, queued otherwise.
    """
    with handlers(work=one_row):
        drawn = draw(
            {
                "plan": DAILY,
                "begin": "start",
                "work": script("work"),
                "end": "end",
            },
            "plan.ok>work begin.ok>work work.ok>end",
            overlap_policy="parallel",
        )
        if state != State.EDITED:
            _bring(drawn, State(state))
        yield Workflow.objects.get(pk=drawn.pk)


def _bring(workflow: Workflow, state: State) -> None:
    # The first run leaves history behind, the second is under way.
    command("start", name=workflow.internal_name)
    execute(_claimed())
    if state in (State.START_ASAP, State.START_PENDING):
        command("stop", name=workflow.internal_name)
        command("start", name=workflow.internal_name)
        Workflow.objects.filter(pk=workflow.pk).update(state=state)
        return
    command("wake", name=workflow.internal_name)
    if state in AT_WORK:
        _claimed()
    if state in _ORDERS:
        command(_ORDERS[state], name=workflow.internal_name, at=later())


def later() -> object:
    """Return an instant after all that the helper did."""
    return START + timedelta(seconds=20)


def _claimed() -> Task:
    task = claiming.claim(queue_name="workflows")
    if task is None:
        raise LookupError("No task could be claimed")
    return task


def execute(task: Task) -> None:
    """Execute a claimed task as its worker does."""
    executor.execute(task, deadline=float("inf"))
