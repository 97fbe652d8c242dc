"""The advisory lock that a worker holds while it executes a task.

It belongs to the worker's database session: the server drops it with the connection,
so that the death of a worker is seen at once (``rescue``).
"""

from __future__ import annotations

from django.db import connection

LOCK_CLASS = 0x57 << 48
#: Taken while a claim counts the running tasks, if their limit binds.
LIMIT_LOCK = LOCK_CLASS - 1


def lock_key(task_id: int) -> int:
    """Return the advisory lock key of a task."""
    return LOCK_CLASS + task_id


def unlock(task_id: int) -> None:
    """Give back the advisory lock of a task."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [lock_key(task_id)])
