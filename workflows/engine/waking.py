"""Executing pending tasks now: the planned instants stay as they are.

The caller holds the workflow's row.
"""

from __future__ import annotations

from datetime import datetime

from workflows import queue
from workflows.engine import journal, runs
from workflows.engine.following import announce, wake
from workflows.engine.structures import graph_of
from workflows.models import (
    Level,
    OverlapPolicy,
    RunTrigger,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)


def wake_pending(workflow: Workflow, at: datetime, *, activity: str | None) -> int:
    """Fire the schedulers and make the timed tasks due, all or of one activity.

    The regular next instant is kept, and the extra firing is no iteration (our
    choice). With a live run nothing more begins, unless runs may go side by side.
    Returns how many tasks that concerned.
    """
    pending = workflow.tasks.filter(status=TaskStatus.ACTIVE, substate=Substate.PENDING)
    if activity:
        pending = pending.filter(activity=activity)
    woken = 0
    for task in pending.select_related("run"):
        woken += 1
        if task.activity_type != "scheduler":
            call_again(task, at)
        elif (
            workflow.overlap_policy != OverlapPolicy.PARALLEL
            and (live := runs.live_run(workflow)) is not None
        ):
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
    return woken


def call_again(task: Task, at: datetime) -> None:
    """Have a task that waits for its time or for a call executed once more now."""
    if task.substate not in (Substate.PENDING, Substate.WAITING) or task.run is None:
        return
    task.substate = Substate.QUEUED
    task.process_at = task.enqueued_at = at
    task.save(update_fields=["substate", "process_at", "enqueued_at"])
    announce(task, graph_of(task.run.structure_id))


def announce_queued(workflow: Workflow) -> None:
    """Wake the workers for every queued task of the workflow."""
    if workflow.state == State.PAUSED:
        return
    waiting = workflow.tasks.filter(status=TaskStatus.ACTIVE, substate=Substate.QUEUED)
    for name in set(waiting.values_list("queue", flat=True)):
        wake(name, waiting.filter(queue=name).count())
