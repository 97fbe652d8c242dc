"""Taking queued tasks: one worker each, weightiest first, within the limits.

The workflow's row is held against commands without ever waiting for one, and the
worker takes the session advisory lock of the task before anybody can see the task
running: the server drops the lock with the worker's connection (``rescue``).
"""

from __future__ import annotations

import json
import os
import socket
from typing import Any

from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from workflows.engine import lifecycle, limits
from workflows.engine.locks import LIMIT_LOCK, LOCK_CLASS, unlock
from workflows.engine.prepared import fetch_one
from workflows.engine.states import EXECUTING
from workflows.models import (
    Run,
    Severity,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)


def _columns(model: type[Model], wanted: str) -> list[str]:
    """Return the wanted columns in the order of the model, as ``from_db`` asks."""
    names = wanted.split()
    return [f.attname for f in model._meta.concrete_fields if f.attname in names]


_TASK = _columns(
    Task,
    "id workflow_id run_id activity activity_type queue epoch attempt started_at"
    " variables own_variables busy_seconds retries is_simulated record_count"
    " is_exclusive",
)
_WORKFLOW = _columns(
    Workflow,
    "id internal_name state variables parallel_branches run_as_id simulation affinity",
)
_RUN = _columns(
    Run,
    "id workflow_id structure_id scheduled_for trigger parent_task_id is_simulation",
)
_EXCLUDES = """
        AND NOT EXISTS (SELECT 1 FROM workflows_task other
            WHERE other.status = 'active' AND other.substate = 'running'
            AND other.workflow_id = t.workflow_id AND other.id <> t.id
            AND ((other.run_id = t.run_id AND NOT w.parallel_branches)
                OR (t.is_exclusive AND other.activity = t.activity)))
"""
_CLAIM = f"""
WITH picked AS (
    SELECT t.id FROM workflows_task t
    JOIN workflows_workflow w ON w.id = t.workflow_id
    WHERE t.status = 'active' AND t.substate = 'queued' AND {{which}}
        AND w.state IN ('start_asap', 'start_pending', 'started')
        AND NOT EXISTS (SELECT 1 FROM workflows_freeze f WHERE f.ended_at IS NULL)
        AND (SELECT count(*) FROM workflows_task r
            WHERE r.status = 'active' AND r.substate = 'running')
            < CASE WHEN w.severity >= {Severity.PRODUCTION.value}
                THEN %(limit)s ELSE greatest(%(limit)s - 1, 1) END
        {_EXCLUDES}
    ORDER BY w.severity DESC, t.process_at, t.id
    LIMIT 1 FOR NO KEY UPDATE OF t, w SKIP LOCKED
), locked AS MATERIALIZED (
    SELECT id FROM picked WHERE pg_try_advisory_lock(%(lock)s + id)
), claimed AS (
    UPDATE workflows_task t SET substate = 'running', epoch = t.epoch + 1,
        attempt = t.attempt + 1, started_at = %(at)s, heartbeat_at = %(at)s,
        claimed_by = %(claimer)s, host = %(host)s, pid = %(pid)s,
        backend_pid = pg_backend_pid()
    FROM locked WHERE t.id = locked.id
    RETURNING {", ".join(f"t.{name}" for name in _TASK)}
), begun AS (
    UPDATE workflows_run r SET status = 'running',
        started_at = coalesce(r.started_at, %(at)s)
    FROM claimed WHERE r.id = claimed.run_id AND r.status = 'queued'
), started AS (
    UPDATE workflows_workflow w SET state = 'started'
    FROM claimed WHERE w.id = claimed.workflow_id AND w.state <> 'started'
)
SELECT {", ".join(f"c.{name}" for name in _TASK)},
    {", ".join(f"w.{name}" for name in _WORKFLOW)},
    {", ".join(f"r.{name}" for name in _RUN)},
    c.is_exclusive OR EXISTS (SELECT 1 FROM workflows_task o WHERE o.run_id = c.run_id
        AND o.status = 'active' AND o.id <> c.id)
FROM claimed c JOIN workflows_workflow w ON w.id = c.workflow_id
JOIN workflows_run r ON r.id = c.run_id
"""  # noqa: S608 (constants of this module)
_CLAIM_NEXT = _CLAIM.format(which="t.queue = %(queue)s")
_CLAIM_ONE = _CLAIM.format(which="t.id = %(task)s")
_STILL_ALONE = f"""
SELECT 1 FROM workflows_task t JOIN workflows_workflow w ON w.id = t.workflow_id
WHERE t.id = %s {_EXCLUDES}
"""  # noqa: S608 (constants of this module)


def claim(*, queue_name: str = "", task_id: int | None = None) -> Task | None:
    """Take the next queued task, or the given one, for this worker.

    Returns None when there is none to take now: none is queued, or its workflow is
    not executing, the instance is frozen, the limit of running tasks is reached
    (its last place is kept for workflows of severity Production and above), or
    another task of its run or of its exclusive activity runs. The task comes with
    those fields of its workflow and run that an execution reads. One statement.
    """
    if limits.limit_binds():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LIMIT_LOCK])
            row = _claim(queue_name, task_id)
    else:
        row = _claim(queue_name, task_id)
    if row is None:
        return None
    task = _from_row(row)
    if row[-1] and not _keeps(task):
        return None
    return task


def _claim(queue_name: str, task_id: int | None) -> tuple[Any, ...] | None:
    host, pid = socket.gethostname(), os.getpid()
    which = {"queue": queue_name} if task_id is None else {"task": task_id}
    return fetch_one(
        _CLAIM_NEXT if task_id is None else _CLAIM_ONE,
        {
            **which,
            "lock": LOCK_CLASS,
            "limit": limits.max_active(),
            "at": timezone.now(),
            "claimer": f"{host}:{pid}",
            "host": host,
            "pid": pid,
        },
    )


def _from_row(row: tuple[Any, ...]) -> Task:
    """Return the claimed task with its workflow and run, each partly loaded."""
    first, second = len(_TASK), len(_TASK) + len(_WORKFLOW)
    task = Task.from_db("default", _TASK, row[:first])
    task.workflow = Workflow.from_db("default", _WORKFLOW, row[first:second])
    task.workflow.state = State.STARTED
    # Documents come as text to a plain cursor.
    task.variables = json.loads(task.variables)
    task.own_variables = json.loads(task.own_variables)
    task.workflow.variables = json.loads(task.workflow.variables)
    task.run = Run.from_db("default", _RUN, row[second : second + len(_RUN)])
    return task


def _keeps(task: Task) -> bool:
    """Look again for a task that ours excludes; give ours back if there is one.

    Two workers that claim at the same moment do not see each other's claim.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STILL_ALONE, [task.pk])
        if cursor.fetchone():
            return True
    give_back(task)
    return False


def give_back(task: Task) -> None:
    """Queue a claimed task again; it counts as not attempted.

    A command that came meanwhile takes effect: it saw the task running.
    """
    at = timezone.now()
    with transaction.atomic():
        workflow = Workflow.objects.select_for_update().get(pk=task.workflow_id)
        ours = Task.objects.filter(
            pk=task.pk, epoch=task.epoch, substate=Substate.RUNNING
        )
        if not ours.filter(cancel_asked_at=None).update(
            substate=Substate.QUEUED, attempt=task.attempt - 1
        ):
            ours.update(
                status=TaskStatus.CANCELLED, substate=Substate.NONE, completed_at=at
            )
        lifecycle.settle(workflow, at)
    unlock(task.pk)


def has_queued(queue_name: str) -> bool:
    """Return whether a task of a workflow that executes is queued there."""
    return Task.objects.filter(
        status=TaskStatus.ACTIVE,
        substate=Substate.QUEUED,
        queue=queue_name,
        workflow__state__in=EXECUTING,
    ).exists()
