"""How much may run at once, and for how long."""

from __future__ import annotations

from workflows import conf, queue
from workflows.models import Substate, Task, TaskStatus
from workflows.registry import QUEUES


def hard_limit() -> int:
    """Return after how many seconds of work the engine ends a task."""
    return int(conf.option("WORKFLOW_TASK_HARD_LIMIT"))


def max_active() -> int:
    """Return how many tasks may run at once: the option, else workers times two."""
    wanted = conf.option("WORKFLOW_MAX_ACTIVE")
    return max(1, int(wanted)) if wanted else _workers() * 2


def limit_binds() -> bool:
    """Return whether the workers of one host could exceed the limit."""
    return max_active() <= _workers()


def is_full() -> bool:
    """Return whether as many tasks run as may run at once."""
    running = Task.objects.filter(status=TaskStatus.ACTIVE, substate=Substate.RUNNING)
    return running.count() >= max_active()


def _workers() -> int:
    return sum(queue.worker_count(name) for name in QUEUES)
