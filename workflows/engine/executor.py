"""Executing tasks: claim, do the work, and have its result written."""

from __future__ import annotations

import time
import traceback

from django.contrib.auth import get_user_model
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils import timezone
from psycopg.errors import (
    DeadlockDetected,
    LockNotAvailable,
    SerializationFailure,
)

from workflows import conf, queue
from workflows.activities import find_type
from workflows.engine import conclusion, plain
from workflows.engine.claiming import claim, has_queued
from workflows.engine.conclusion import Outcome
from workflows.engine.context import TaskContext
from workflows.engine.failing import Failure
from workflows.engine.following import wake
from workflows.engine.locks import unlock
from workflows.engine.structures import graph_of
from workflows.exceptions import (
    AppError,
    ConfigurationError,
    RuntimeFault,
    TaskCancelled,
)
from workflows.models import Task
from workflows.registry import Done

IDLE_RETRY_SECONDS = 0.005
LEAST_SECONDS = 1.0
#: What is queued may have to wait: for another task, the limit, a freeze.
MOST_LOOKS = 40
#: How often a result is written that other transactions get in the way of.
MOST_WRITES = 5
_CONFLICTS = (DeadlockDetected, SerializationFailure, LockNotAvailable)
#: What may pass by itself: files, the network, the database, time (§ 8.1).
_PASSING = (RuntimeFault, OSError, DatabaseError, TimeoutError)


def drain(queue_name: str) -> None:
    """Execute queued tasks of a queue until none is left or the time is up.

    A queue task. Two drains of one queue share its tasks.
    """
    deadline = time.monotonic() + conf.BUDGET_SECONDS
    misses = 0
    while deadline - time.monotonic() > LEAST_SECONDS and not queue.is_stopping():
        task = claim(queue_name=queue_name)
        if task is not None:
            misses = 0
            execute(task, deadline=deadline)
        elif misses < MOST_LOOKS and has_queued(queue_name):
            misses += 1
            time.sleep(IDLE_RETRY_SECONDS)  # locked by somebody for a moment
        else:
            return
    if has_queued(queue_name):
        wake(queue_name)


def run_task(task_id: int) -> None:
    """Execute one queued task that is long or waited for its turn.

    A queue task. Does nothing for a task that is over, running or held.
    """
    task = claim(task_id=task_id)
    if task is not None:
        budget = queue.time_limit(task.queue) * 0.8
        execute(task, deadline=time.monotonic() + budget)


def execute(task: Task, *, deadline: float) -> None:
    """Execute a claimed task and write what came of it."""
    try:
        outcome, context = _perform(task, deadline)
        _conclude(task, outcome, context)
    except (DatabaseError, InterfaceError):
        # Without the connection the lock is gone too: the clock sees the task
        # orphaned and decides. Nothing can be written from here.
        if connection.is_usable():
            unlock(task.pk)
        connection.close()
        raise
    except BaseException:
        unlock(task.pk)  # orphaned as well
        raise


def _conclude(task: Task, outcome: Outcome, context: TaskContext | None) -> None:
    """Write the outcome; once more when the server chose us to end a deadlock.

    The work is done and the lock is held: nothing has to be repeated but the writing.
    """
    for left in reversed(range(MOST_WRITES)):
        try:
            if not plain.conclude(task, outcome, context):
                conclusion.conclude(task, outcome, context)
                unlock(task.pk)
        except OperationalError as error:
            if not left or not isinstance(error.__cause__, _CONFLICTS):
                raise
        else:
            return


def _perform(task: Task, deadline: float) -> tuple[Outcome, TaskContext | None]:
    """Call the activity; None stands for a cancelled one."""
    run = task.run
    if run is None:
        raise LookupError(f"The task {task.pk} belongs to no run")
    context: TaskContext | None = None
    try:
        node = graph_of(run.structure_id).by_name[task.activity]
        _require_account(task)
        context = TaskContext(
            task.workflow, run, node, task, deadline=deadline, at=timezone.now()
        )
        if task.is_simulated:
            return _estimate(task, context), context
        return find_type(node.type).execute(context), context
    except TaskCancelled:
        return None, context
    except Exception as error:
        if not connection.is_usable():
            raise
        return _failure(error), context


def _estimate(task: Task, context: TaskContext) -> Done:
    """Tell what an activity with effect would do; its branch ends there."""
    would = find_type(task.activity_type).would_do(context)
    if would is None:
        context.info(
            "%(name)s was not executed: it has an effect, and cannot tell which.",
            name=task.activity,
        )
        return Done(output="")
    if would.message:
        context.info(would.message, **would.parameters)
    context.info(
        "%(name)s was not executed: it would treat %(count)s.",
        name=task.activity,
        count=would.count,
    )
    return Done(output="", count=would.count)


def _require_account(task: Task) -> None:
    """Refuse to work for an execution account that is disabled."""
    account = task.workflow.run_as_id
    if account is None:
        return
    if not get_user_model().objects.filter(pk=account, is_active=True).exists():
        raise ConfigurationError(
            "The execution account of the workflow is disabled; enable it or choose"
            " another one, then resume."
        )


def _failure(error: Exception) -> Failure:
    message = (
        error.message
        if isinstance(error, AppError)
        else f"{type(error).__name__}: {error}"
    )
    return Failure(message, traceback.format_exc(), isinstance(error, _PASSING))
