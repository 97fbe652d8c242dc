"""Deleting history that is older than each workflow keeps it.

Runs daily. Chunks of a few thousand rows, each its own transaction, so that no
lock lasts. What is live is never touched.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from workflows import queue

CHUNK = 5_000
LEDGER_DAYS = 180
RESULT_DAYS = 7
EVERY_SECONDS = 86_400
FUNCTION = "workflows.engine.purge.purge"

_EXPIRED = (
    "w.history_days > 0 AND {instant} < %(at)s - w.history_days * interval '1 day'"
)
# In this order: what points at a run goes before the run.
_STEPS = (
    ("journal", "workflows_journalentry", "at"),
    ("occurrences", "workflows_occurrence", "last_scheduled_for"),
    ("signals", "workflows_signal", "consumed_at"),
)


def purge() -> None:
    """Delete all expired history; a queue task."""
    at = timezone.now()
    purge_history(at)
    purge_ledger(at)
    queue.purge_results(at - timedelta(days=RESULT_DAYS))


def purge_history(at: datetime) -> dict[str, int]:
    """Delete expired journal lines, occurrences, signals and ended runs.

    Returns how many of each. Zero days of history means for ever.
    """
    deleted = {
        name: _in_chunks(
            f"DELETE FROM {table} WHERE id IN (SELECT x.id FROM {table} x"  # noqa: S608
            " JOIN workflows_workflow w ON w.id = x.workflow_id WHERE "
            + _EXPIRED.format(instant=f"x.{instant}")
            + " LIMIT %(chunk)s)",
            at,
        )
        for name, table, instant in _STEPS
    }
    deleted["runs"] = _in_chunks(
        "WITH old AS MATERIALIZED (SELECT r.id FROM workflows_run r"
        " JOIN workflows_workflow w ON w.id = r.workflow_id"
        " WHERE r.ended_at IS NOT NULL AND w.history_days > 0"
        " AND r.ended_at < %(at)s - w.history_days * interval '1 day'"
        " LIMIT %(chunk)s),"
        " lines AS (DELETE FROM workflows_journalentry WHERE run_id IN"
        " (SELECT id FROM old)),"
        " done AS (DELETE FROM workflows_task WHERE run_id IN (SELECT id FROM old)),"
        " kept AS (UPDATE workflows_occurrence SET run_id = NULL WHERE run_id IN"
        " (SELECT id FROM old)),"
        " heard AS (UPDATE workflows_signal SET run_id = NULL WHERE run_id IN"
        " (SELECT id FROM old))"
        " DELETE FROM workflows_run WHERE id IN (SELECT id FROM old)",
        at,
    )
    return deleted


def purge_ledger(at: datetime) -> int:
    """Delete commands and audit entries of more than half a year ago."""
    before = at - timedelta(days=LEDGER_DAYS)
    return _in_chunks(
        "DELETE FROM workflows_command WHERE id IN (SELECT id FROM workflows_command"
        " WHERE requested_at < %(at)s AND status <> 'requested' LIMIT %(chunk)s)",
        before,
    ) + _in_chunks(
        "DELETE FROM workflows_auditentry WHERE id IN (SELECT id FROM"
        " workflows_auditentry WHERE at < %(at)s LIMIT %(chunk)s)",
        before,
    )


def _in_chunks(statement: str, at: datetime) -> int:
    total = 0
    while not queue.is_stopping():
        with connection.cursor() as cursor:
            cursor.execute(statement, {"at": at, "chunk": CHUNK})
            total += cursor.rowcount
            if cursor.rowcount < CHUNK:
                return total
    return total
