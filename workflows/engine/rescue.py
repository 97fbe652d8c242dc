"""Taking over what dead workers left, and announcing what was lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workflows import conf
from workflows.activities import find_type
from workflows.engine import (
    cancelling,
    failing,
    journal,
    lifecycle,
    notifications,
    runs,
)
from workflows.engine.failing import Failure
from workflows.engine.following import announce
from workflows.engine.locks import lock_key
from workflows.engine.states import EXECUTING
from workflows.engine.structures import graph_of
from workflows.models import (
    Level,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

LOST = gettext_noop("The worker %(worker)s was lost while it executed %(name)s.")


def take_over_orphans(at: datetime) -> int:
    """Decide on every running task whose worker is gone; return how many.

    Its advisory lock is free: the server drops it with the worker's connection.
    """
    taken = 0
    for task_id in Task.objects.filter(
        status=TaskStatus.ACTIVE, substate=Substate.RUNNING
    ).values_list("pk", flat=True):
        with transaction.atomic():
            taken += _take_over(task_id, at)
    return taken


def _take_over(task_id: int, at: datetime) -> bool:
    owner = Task.objects.filter(pk=task_id).values_list("workflow_id", flat=True)
    workflow = Workflow.objects.select_for_update().filter(pk__in=owner).first()
    task = (
        Task.objects.select_for_update(of=("self",))
        .select_related("run")
        .filter(pk=task_id, status=TaskStatus.ACTIVE, substate=Substate.RUNNING)
        .first()
    )
    if workflow is None or task is None or not _lock_is_free(task_id):
        return False
    journal.write(
        workflow,
        LOST,
        at=at,
        level=Level.WARNING,
        run=task.run,
        task=task,
        worker=task.claimed_by,
        name=task.activity,
    )
    task.epoch += 1
    task.save(update_fields=["epoch"])
    if (
        workflow.state in (State.STOP_REQUESTED, State.RESTART_REQUESTED)
        or task.cancel_asked_at is not None
    ):
        _close_cancelled(workflow, task, at)
    elif _may_repeat(task):
        task.substate = Substate.QUEUED
        task.process_at = task.enqueued_at = at
        task.save()
        if task.run is not None:
            announce(task, graph_of(task.run.structure_id))
    else:
        message = LOST % {"worker": task.claimed_by, "name": task.activity}
        failing.fail_task(workflow, task, Failure(message, ""), at)
    lifecycle.settle(workflow, at)
    return True


def _close_cancelled(workflow: Workflow, task: Task, at: datetime) -> None:
    """Close a task that was asked to end, and its run with the last of them."""
    task.status = TaskStatus.CANCELLED
    task.substate = Substate.NONE
    task.completed_at = at
    task.save()
    run = task.run
    stopping = workflow.state in (State.STOP_REQUESTED, State.RESTART_REQUESTED)
    if run is not None and not stopping and not runs.has_active_task(run):
        runs.cancel(run, at, reason=run.skip_reason or "cancelled")
        lifecycle.after_run(workflow, run, at)


def _lock_is_free(task_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock_key(task_id)])
        return bool(cursor.fetchone()[0])


def _may_repeat(task: Task) -> bool:
    if task.run is None or task.attempt >= conf.MAX_ATTEMPTS:
        return False
    node = graph_of(task.run.structure_id).by_name[task.activity]
    return find_type(node.type).is_idempotent(node.parameters)


def end_overdrawn(at: datetime) -> int:
    """End running tasks that worked longer than their limit; return how many.

    Their connection is ended too, so that a hung worker comes free.
    """
    overdrawn = Task.objects.filter(
        status=TaskStatus.ACTIVE,
        substate=Substate.RUNNING,
        limit_seconds__isnull=False,
        started_at__lt=at
        - (F("limit_seconds") - F("busy_seconds")) * timedelta(seconds=1),
    ).values_list("pk", "workflow_id")
    ended = [_end_overdrawn(pk, owner, at) for pk, owner in overdrawn]
    return sum(ended)


def _end_overdrawn(task_id: int, workflow_id: int, at: datetime) -> bool:
    with transaction.atomic():
        workflow = Workflow.objects.select_for_update().get(pk=workflow_id)
        task = (
            Task.objects.select_for_update(of=("self",))
            .select_related("run")
            .filter(pk=task_id, status=TaskStatus.ACTIVE, substate=Substate.RUNNING)
            .first()
        )
        if task is None:
            return False
        task.epoch += 1
        message = _("%(name)s was ended: it worked longer than %(limit)s s.") % {
            "name": task.activity,
            "limit": task.limit_seconds,
        }
        failing.fail_task(workflow, task, Failure(message, ""), at)
        notifications.task_hung(workflow, task, at)
        lifecycle.settle(workflow, at)
    cancelling.leave_behind(task_id)
    return True


def announce_lost(at: datetime) -> int:
    """Announce queued tasks that no worker took, and signals nobody heard.

    Covers a queue message that was lost with its worker.
    """
    stale = Task.objects.filter(
        status=TaskStatus.ACTIVE,
        substate=Substate.QUEUED,
        workflow__state__in=EXECUTING,
        enqueued_at__lt=at - timedelta(seconds=conf.UNCLAIMED_SECONDS),
    ).select_related("run")
    for task in stale:
        if task.run is None:
            continue
        with transaction.atomic():
            Task.objects.filter(pk=task.pk).update(enqueued_at=at)
            announce(task, graph_of(task.run.structure_id))
    return len(stale)
