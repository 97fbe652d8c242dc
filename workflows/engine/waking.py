"""Executing pending tasks now: the planned instants stay as they are."""

from __future__ import annotations

from datetime import datetime

from workflows import queue
from workflows.engine import journal, runs
from workflows.models import (
    Level,
    RunTrigger,
    Substate,
    TaskStatus,
    Workflow,
)


def wake_pending(workflow: Workflow, at: datetime, *, activity: str | None) -> None:
    """Fire the schedulers and make the deferred tasks due, all or of one activity.

    The regular next instant is kept, and the extra firing is no iteration (our
    choice). With a live run nothing more begins. The caller holds the workflow.
    """
    pending = workflow.tasks.filter(status=TaskStatus.ACTIVE, substate=Substate.PENDING)
    if activity:
        pending = pending.filter(activity=activity)
    for task in pending:
        if task.activity_type != "scheduler":
            task.process_at = at
            task.save(update_fields=["process_at"])
        elif (live := runs.live_run(workflow)) is not None:
            journal.write(
                workflow,
                "Run %(live)s is still running; no further one begins.",
                at=at,
                level=Level.WARNING,
                task=task,
                live=live.pk,
            )
        else:
            runs.begin(
                workflow,
                trigger=RunTrigger.COMMAND,
                activity=task.activity,
                at=at,
                variables={"firedAt": at.isoformat()},
            )
    queue.wake_clock()
