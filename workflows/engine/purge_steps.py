"""What is deleted of each table, in which order, and what goes along with it.

The foreign keys are checked at the end of a transaction; what points at a row that
goes is deleted, or points at nothing, in the same one. By lists of keys: an index
finds each of them, whatever the statistics say.
"""

# ruff: noqa: S608 (statements are put together from the constants below only)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

CHUNK = 5_000
# Each run takes its tasks, lines and events along.
RUN_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Step:
    """A table whose rows go; its alias is ``x``.

    ``instant`` is when a row was over, NULL while it is not. ``may_go`` says which
    rows may be deleted on order, ``may_expire`` which by their age. ``kept`` is the
    age of tables that are kept alike for all workflows.
    """

    name: str
    source: str
    instant: str
    may_go: str = "true"
    may_expire: str = "true"
    workflow: str = "x.workflow_id"
    chunk: int = CHUNK
    kept: timedelta = timedelta(0)

    @property
    def has_history(self) -> bool:
        """Return whether each workflow says how long it keeps these rows."""
        return not self.kept


# Scalar questions: one by EXISTS would be answered by reading all runs at once.
_RUN = "(SELECT {what} FROM workflows_run r WHERE r.id = x.run_id)"
_RUN_LIVE = _RUN.format(what="r.ended_at IS NULL")
_RUN_FAILED = _RUN.format(what="r.ended_at IS NULL AND r.status = 'failed'")
_CHILD = "(SELECT min(c.id) FROM workflows_run c WHERE c.parent_task_id = x.id)"
# Those of an ended run go with it; a live one needs what it resumes from.
_TASK = (
    "x.status <> 'active' AND x.result_label <> 'unterminated'"
    f" AND (x.run_id IS NULL OR ({_RUN_LIVE} AND x.status <> 'failed'))"
    f" AND {_CHILD} IS NULL"
)
_LAST_RUN = (
    "(SELECT max(n.id) FROM workflows_run n WHERE n.workflow_id = x.workflow_id"
    " AND n.parent_task_id IS NULL)"
)
_LINE = f"{_RUN_FAILED} IS NOT TRUE"

STEPS = (
    Step("journal", "workflows_journalentry x", "x.at", _LINE, _LINE),
    Step(
        "occurrences",
        "workflows_occurrence x",
        "x.last_scheduled_for",
        "x.outcome <> 'queued'",
        "x.outcome <> 'queued'",
    ),
    Step("signals", "workflows_signal x", "x.consumed_at"),
    Step(
        "runs",
        "workflows_run x",
        "x.ended_at",
        # The console shows the last one, however old.
        may_expire=f"(x.parent_task_id IS NOT NULL OR x.id < {_LAST_RUN})",
        chunk=RUN_CHUNK,
    ),
    Step(
        "events",
        "workflows_event x JOIN workflows_run e ON e.id = x.run_id",
        "x.consumed_at",
        workflow="e.workflow_id",
    ),
    Step("tasks", "workflows_task x", "x.completed_at", _TASK, _TASK),
)
_DECIDED = "x.status <> 'requested'"
LEDGERS = (
    Step(
        "commands",
        "workflows_command x",
        "x.requested_at",
        _DECIDED,
        _DECIDED,
        kept=timedelta(days=180),
    ),
    Step(
        "audit",
        "workflows_auditentry x",
        "x.at",
        workflow="NULL::bigint",
        kept=timedelta(days=180),
    ),
    Step(
        "notifications",
        "workflows_notification x",
        "x.resolved_at",
        kept=timedelta(days=90),
    ),
    Step(
        "freezes",
        "workflows_freeze x",
        "x.ended_at",
        workflow="NULL::bigint",
        kept=timedelta(days=365),
    ),
)


def delete_rows(step: Step, ids: Sequence[int]) -> int:
    """Delete rows of a step with all that hangs on them; return how many rows.

    Part of the caller's transaction.
    """
    if not ids:
        return 0
    if step.name == "runs":
        return _delete_runs(list(ids))
    if step.name == "tasks":
        return _delete_tasks(list(ids))
    return _delete(step.source.split()[0], "id", ids)


def _delete_runs(ids: list[int]) -> int:
    """Delete runs, their sub-workflows' runs, and what belongs to them."""
    tasks = _select("workflows_task", "run_id", ids)
    children = _select("workflows_run", "parent_task_id", tasks)
    deleted = _delete_runs(children) if children else 0
    _delete("workflows_event", "run_id", ids)
    _delete("workflows_journalentry", "run_id", ids)
    _unlink("workflows_occurrence", "run_id", ids)
    _unlink("workflows_signal", "run_id", ids)
    _delete_tasks(tasks)
    return deleted + _delete("workflows_run", "id", ids)


def _delete_tasks(ids: list[int]) -> int:
    approvals = _select("workflows_approval", "task_id", ids)
    _delete("workflows_approvalreply", "approval_id", approvals)
    _delete("workflows_approval", "id", approvals)
    _unlink("workflows_journalentry", "task_id", ids)
    _unlink("workflows_run", "origin_task_id", ids)
    return _delete("workflows_task", "id", ids)


def _select(table: str, column: str, ids: Sequence[int]) -> list[int]:
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} WHERE {column} = ANY(%s)", [list(ids)])
        return [row[0] for row in cursor.fetchall()]


def _delete(table: str, column: str, ids: Sequence[int]) -> int:
    return _run(f"DELETE FROM {table} WHERE {column} = ANY(%s)", ids)


def _unlink(table: str, column: str, ids: Sequence[int]) -> int:
    return _run(f"UPDATE {table} SET {column} = NULL WHERE {column} = ANY(%s)", ids)


def _run(statement: str, ids: Sequence[int]) -> int:
    if not ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(ids)])
        return cursor.rowcount
