"""Ending work that runs: ask, cancel its SQL, force.

A stop asks at once, and cancels the SQL of what does not end by itself. A worker
proves that a backend still works for a task by the advisory lock that it holds.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from workflows.engine import runs
from workflows.engine.locks import LOCK_CLASS
from workflows.models import Run, Substate, TaskStatus

#: How long an activity may take to see at its next checkpoint that it must end.
GRACE_SECONDS = 1.5

_HOLDS = """
    JOIN pg_locks l ON l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
        AND l.classid = ((%(lock)s + t.id) >> 32)::bigint::oid
        AND l.objid = ((%(lock)s + t.id) & 4294967295)::bigint::oid
        AND l.database = (SELECT oid FROM pg_database
            WHERE datname = current_database())
"""
_ASKED = "t.status = 'active' AND t.substate = 'running' AND t.cancel_asked_at"
_CANCEL = f"""
SELECT t.id, pg_cancel_backend(l.pid) FROM workflows_task t {_HOLDS}
WHERE {_ASKED} < %(before)s AND t.is_cancellable
"""  # noqa: S608 (constants of this module)
_CANCEL_ONE = f"""
SELECT t.id, pg_cancel_backend(l.pid) FROM workflows_task t {_HOLDS}
WHERE t.id = %(task)s
"""  # noqa: S608 (constants of this module)
_LEAVE_ONE = _CANCEL_ONE.replace("pg_cancel_backend", "pg_terminate_backend")


def cancel_run(run: Run, at: datetime, *, reason: str) -> None:
    """Cancel a run; what runs of it is asked to end, and closes it then.

    The caller holds the workflow's row.
    """
    run.tasks.filter(status=TaskStatus.ACTIVE).exclude(
        substate=Substate.RUNNING
    ).update(status=TaskStatus.CANCELLED, substate=Substate.NONE, completed_at=at)
    running = run.tasks.filter(status=TaskStatus.ACTIVE, cancel_asked_at=None)
    for child in Run.objects.live().filter(parent_task__run=run):
        cancel_run(child, at, reason=reason)
    if running.update(cancel_asked_at=at):
        run.skip_reason = reason[:64]
        run.save(update_fields=["skip_reason"])
    elif not runs.has_active_task(run):
        runs.cancel(run, at, reason=reason[:64])


def cancel_statements(at: datetime) -> bool:
    """Cancel the SQL of tasks that were asked to end a while ago and still run.

    Those whose half-done work would be lost are left to their next checkpoint.
    Returns whether any task is still to end. Two statements on a partial index.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM workflows_task t WHERE {_ASKED} IS NOT NULL")  # noqa: S608
        if cursor.fetchone() is None:
            return False
        before = at - timedelta(seconds=GRACE_SECONDS)
        cursor.execute(_CANCEL, {"lock": LOCK_CLASS, "before": before})
    return True


def cancel_statement(task_id: int) -> bool:
    """Cancel the SQL that a running task executes; return whether there was one."""
    return _signal(_CANCEL_ONE, task_id)


def leave_behind(task_id: int) -> bool:
    """End the connection of whoever still works on a task that was taken away."""
    return _signal(_LEAVE_ONE, task_id)


def _signal(statement: str, task_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"lock": LOCK_CLASS, "task": task_id})
        return bool(cursor.fetchall())
