"""Deleting a workflow with all its history, without a long lock.

The order (``actions.delete``) only marks it: the name is free at once, and no list of
technical workflows shows it any more. A worker then deletes the history in chunks, each
its own transaction, and the row at last. What a crash leaves is found again by the
duty.
"""

from __future__ import annotations

from django.db import connection, transaction

from workflows import queue
from workflows.models import State, Workflow
from workflows.models.workflow import DELETED_PREFIX as PREFIX

CHUNK = 5_000
FUNCTION = "workflows.engine.deletion.delete_marked"
EVERY_SECONDS = 3_600
NAME = "delete workflows"

# In this order: what points at rows goes before them.
OF_WORKFLOW = (
    "workflows_journalentry",
    "workflows_occurrence",
    "workflows_signal",
    "workflows_command",
    "workflows_notification",
    "workflows_freshness",
    "workflows_structuredraft",
)
OF_TASK = "workflows_approval"
OF_RUN = "workflows_event"


def mark(workflow: Workflow) -> None:
    """Mark a workflow at rest for deletion and order it; the caller holds the row."""
    workflow.internal_name = f"{PREFIX}{workflow.pk}"
    workflow.is_technical = False
    workflow.failed = False
    workflow.state = State.FINISHED
    workflow.save()
    queue.enqueue(FUNCTION, queue="workflows")


def delete_marked() -> int:
    """Delete every marked workflow; a queue task. Returns how many are gone."""
    gone = 0
    for workflow_id in Workflow.objects.filter(
        internal_name__startswith=PREFIX, is_technical=False
    ).values_list("pk", flat=True):
        gone += _delete(workflow_id)
    return gone


def _delete(workflow_id: int) -> bool:
    """Delete one marked workflow; False when the worker has to end before."""
    for table in OF_WORKFLOW:
        _in_chunks(table, "x.workflow_id = %(workflow)s", workflow_id)
    _in_chunks(
        "workflows_approvalreply",
        "x.approval_id IN (SELECT a.id FROM workflows_approval a JOIN workflows_task t"
        " ON t.id = a.task_id WHERE t.workflow_id = %(workflow)s)",
        workflow_id,
    )
    for table, owner in ((OF_TASK, "task"), (OF_RUN, "run")):
        _in_chunks(
            table,
            f"x.{owner}_id IN (SELECT o.id FROM workflows_{owner} o"  # noqa: S608
            " WHERE o.workflow_id = %(workflow)s)",
            workflow_id,
        )
    _unlink(workflow_id)
    for table in ("workflows_task", "workflows_run"):
        _in_chunks(table, "x.workflow_id = %(workflow)s", workflow_id)
    if queue.is_stopping():
        return False
    with transaction.atomic():
        Workflow.objects.filter(pk=workflow_id).update(structure=None)
        Workflow.objects.filter(pk=workflow_id).delete()
    return True


def _unlink(workflow_id: int) -> None:
    """Cut what runs say of tasks: both go, and neither may go first."""
    while not queue.is_stopping():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE workflows_run SET parent_task_id = NULL, origin_task_id = NULL"
                " WHERE id IN (SELECT id FROM workflows_run WHERE"
                " workflow_id = %(workflow)s AND (parent_task_id IS NOT NULL"
                " OR origin_task_id IS NOT NULL) LIMIT %(chunk)s)",
                {"workflow": workflow_id, "chunk": CHUNK},
            )
            if cursor.rowcount < CHUNK:
                return


def _in_chunks(table: str, condition: str, workflow_id: int) -> None:
    """Delete the rows of a table for which the condition holds."""
    while not queue.is_stopping():
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table} WHERE ctid = ANY (ARRAY("  # noqa: S608
                f"SELECT x.ctid FROM {table} x WHERE {condition} LIMIT %(chunk)s))",
                {"workflow": workflow_id, "chunk": CHUNK},
            )
            if cursor.rowcount < CHUNK:
                return
