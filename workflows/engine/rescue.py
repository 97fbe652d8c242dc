"""Taking over what dead workers left, and announcing what was lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext_noop

from workflows import conf
from workflows.activities import find_type
from workflows.engine import executor, journal, lifecycle
from workflows.engine.graph import Graph
from workflows.engine.states import EXECUTING
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
        .select_related("run__structure")
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
    if workflow.state in (State.STOP_REQUESTED, State.RESTART_REQUESTED):
        task.status = TaskStatus.CANCELLED
        task.substate = Substate.NONE
        task.completed_at = at
        task.save()
    elif _may_repeat(task):
        task.substate = Substate.QUEUED
        task.process_at = task.enqueued_at = at
        task.save()
        executor.announce(task)
    else:
        message = LOST % {"worker": task.claimed_by, "name": task.activity}
        executor.fail_task(workflow, task, executor.Failure(message, ""), at)
    lifecycle.settle(workflow, at)
    return True


def _lock_is_free(task_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s)", [executor.lock_key(task_id)]
        )
        return bool(cursor.fetchone()[0])


def _may_repeat(task: Task) -> bool:
    if task.run is None or task.attempt >= conf.MAX_ATTEMPTS:
        return False
    node = Graph.of(task.run.structure.graph).by_name[task.activity]
    return find_type(node.type).is_idempotent(node.parameters)


def announce_lost(at: datetime) -> int:
    """Announce queued tasks that no worker took, and signals nobody heard.

    Covers a queue message that was lost with its worker.
    """
    stale = Task.objects.filter(
        status=TaskStatus.ACTIVE,
        substate=Substate.QUEUED,
        workflow__state__in=EXECUTING,
        enqueued_at__lt=at - timedelta(seconds=conf.UNCLAIMED_SECONDS),
    ).select_related("run__structure")
    for task in stale:
        with transaction.atomic():
            Task.objects.filter(pk=task.pk).update(enqueued_at=at)
            executor.announce(task)
    return len(stale)
