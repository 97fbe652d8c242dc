"""Sample history by the million, for measurements: written and removed set by set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection, transaction
from django.db.models import Model, QuerySet

from workflows.management import volumes
from workflows.models import (
    AuditEntry,
    Command,
    JournalEntry,
    Occurrence,
    Run,
    State,
    StructureVersion,
    Task,
    Workflow,
)

PREFIX = "volume_"
CHUNK_RUNS = 20_000
CHUNK_ROWS = 20_000
FILLED = ("runs", "tasks", "occurrences", "journal", "commands", "audit")
TABLES = (JournalEntry, Task, Occurrence, Run, Command, AuditEntry)
# The line that the engine writes after an activity.
_MESSAGE = (
    "%(name)s: %(read)s read, %(written)s written, %(rejected)s rejected"
    " in %(seconds)s s."
)
_OBJECT = Workflow._meta.label_lower


def _graph() -> dict[str, Any]:
    schedule = {"kind": "daily", "time": "04:00"}
    activities = {
        "scheduler": ("scheduler", "Scheduler", {"schedule": schedule}),
        "collect": ("script", "Collect rows", {"handler": "volume.collect"}),
        "work": ("script", "Treat rows", {"handler": "volume.work"}),
        "end": ("end", "End", {}),
    }
    names = tuple(activities)
    return {
        "activities": [
            {"name": name, "type": kind, "label": label, "parameters": parameters}
            for name, (kind, label, parameters) in activities.items()
        ],
        "transitions": [
            {"source": source, "output": "ok", "destination": destination}
            for source, destination in pairwise(names)
        ],
    }


# Run number n: when, of which workflow, and how it ended. The golden ratio spreads
# them evenly over the workflows, the cube gives the first one a large share.
_NUMBERED = """
SELECT n, (%(keys)s::bigint[])[place] AS workflow_id,
    (%(versions)s::bigint[])[place] AS structure_id,
    %(first)s::timestamptz + n * %(step)s::interval AS planned,
    CASE WHEN mod(n, 50) = 7 THEN 'skipped' WHEN mod(n, 200) = 11 THEN 'cancelled'
        WHEN mod(n, 100) = 13 THEN 'finished_with_errors' ELSE 'finished'
    END AS status
FROM (
    SELECT n, 1 + floor(cardinality(%(keys)s::bigint[])
        * power(mod(n * 0.6180339887498949, 1), 3))::int AS place
    FROM generate_series(%(low)s::bigint, %(high)s::bigint) AS n
) AS places
"""
_RUNS: Mapping[str, str] = {
    "workflow_id": "workflow_id",
    "structure_id": "structure_id",
    "trigger": "'schedule'",
    "trigger_activity": "'scheduler'",
    "scheduled_for": "planned",
    "status": "status",
    "skip_reason": "CASE status WHEN 'skipped' THEN 'overlap' ELSE '' END",
    "created_at": "planned",
    "started_at": "CASE WHEN status <> 'skipped' THEN planned"
    " + interval '20 milliseconds' END",
    "ended_at": "CASE status WHEN 'skipped' THEN planned ELSE planned"
    " + interval '3 seconds' END",
    "read_count": "mod(n, 1000)",
    "written_count": "mod(n, 1000)",
}
_TASKS: Mapping[str, str] = {
    "workflow_id": "made.workflow_id",
    "run_id": "made.id",
    "activity": "kinds.activity",
    "activity_type": "kinds.type",
    "status": "CASE made.status WHEN 'cancelled' THEN 'cancelled' ELSE 'completed' END",
    "substate": "''",
    "process_at": "made.created_at",
    "epoch": "1",
    "attempt": "1",
    "claimed_by": "'sample:1'",
    "host": "'sample'",
    "created_at": "made.created_at",
    "enqueued_at": "made.created_at",
    "started_at": "made.started_at",
    "completed_at": "made.started_at + kinds.place * interval '1 second'",
    "output": "CASE kinds.activity WHEN 'end' THEN '' ELSE 'ok' END",
    "result_label": "'Ok'",
    "record_count": "made.read_count",
}
_TASK_ROWS = (
    "made CROSS JOIN (VALUES ('collect', 'script', 1), ('work', 'script', 2),"
    " ('end', 'end', 3)) AS kinds(activity, type, place)"
    " WHERE made.status <> 'skipped' ORDER BY made.id, kinds.place"
)
_OCCURRENCES: Mapping[str, str] = {
    "workflow_id": "workflow_id",
    "activity": "'scheduler'",
    "scheduled_for": "scheduled_for",
    "last_scheduled_for": "scheduled_for",
    "outcome": "CASE status WHEN 'skipped' THEN 'skipped_overlap'"
    " WHEN 'cancelled' THEN 'cancelled' ELSE 'ran' END",
    "late_seconds": "0.02",
    "run_id": "id",
    "recorded_at": "created_at",
}
_JOURNAL: Mapping[str, str] = {
    "workflow_id": "made.workflow_id",
    "run_id": "made.id",
    "task_id": "done.id",
    "activity": "COALESCE(done.activity, 'scheduler')",
    "level": "CASE WHEN mod(made.id + line, 1000) = 1 THEN 40"
    " WHEN mod(made.id + line, 200) = 2 THEN 30 ELSE 20 END",
    "message": "%(message)s",
    "parameters": "jsonb_build_object('name', COALESCE(done.activity, ''),"
    " 'read', made.read_count, 'written', made.read_count, 'rejected', 0,"
    " 'seconds', '1.00')",
    "at": "made.created_at + line * interval '200 milliseconds'",
}
_JOURNAL_ROWS = (
    "made CROSS JOIN generate_series(1, %(lines)s::int) AS line LEFT JOIN done"
    " ON done.run_id = made.id AND done.activity = CASE mod(line, 3)"
    " WHEN 1 THEN 'collect' WHEN 2 THEN 'work' ELSE 'end' END"
    " ORDER BY made.id, line"
)
# One ledger row and one audit entry for a hundred runs.
_NOW_AND_THEN = "made WHERE mod(read_count, 100) = 0 ORDER BY id"
_COMMANDS: Mapping[str, str] = {
    "workflow_id": "workflow_id",
    "name": "CASE mod(id, 2) WHEN 0 THEN 'pause' ELSE 'resume' END",
    "state_before": "CASE mod(id, 2) WHEN 0 THEN 'started' ELSE 'paused' END",
    "state_after": "CASE mod(id, 2) WHEN 0 THEN 'paused' ELSE 'started' END",
    "status": "'applied'",
    "source": "'engine'",
    "requested_at": "created_at",
    "applied_at": "created_at",
}
_AUDIT: Mapping[str, str] = {
    "action": "'workflows.workflow.changed'",
    "object_type": "%(object_type)s",
    "object_id": "workflow_id::text",
    "source": "'engine'",
    "at": "created_at",
}


def exists() -> bool:
    """Return whether there is sample history."""
    return samples().exists()


def samples() -> QuerySet[Workflow]:
    """Return the sample workflows."""
    return Workflow.objects.filter(internal_name__startswith=PREFIX)


def fill(
    *,
    runs: int,
    lines_per_run: int,
    workflows: int,
    days: int,
    at: datetime,
    tell: Callable[[str], object],
) -> dict[str, int]:
    """Write sample history of ``days`` that ends at ``at``; return the rows of each.

    One statement and one transaction for every 20,000 runs, of which 2 in 100 were
    skipped, 1 ended with errors and 1 in 200 was cancelled. ``tell`` hears of the
    progress. History of earlier calls must be cleared before.
    """
    versions = _make_workflows(workflows, days, at)
    parameters: dict[str, Any] = {
        "keys": [version.workflow_id for version in versions],
        "versions": [version.pk for version in versions],
        "first": at - timedelta(days=days),
        "step": timedelta(days=days) / runs,
        "lines": lines_per_run,
        "message": _MESSAGE,
        "object_type": _OBJECT,
    }
    statement = _statement(parameters)
    counts = {"workflows": workflows, **dict.fromkeys(FILLED, 0)}
    for low in range(1, runs + 1, CHUNK_RUNS):
        chunk = {"low": low, "high": min(low + CHUNK_RUNS - 1, runs)}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, {**parameters, **chunk})
            for name, count in zip(FILLED, cursor.fetchone(), strict=True):
                counts[name] += count
        tell(f"{chunk['high']:,} / {runs:,}")
    return counts


def _make_workflows(count: int, days: int, at: datetime) -> list[StructureVersion]:
    """Write the workflows, stopped, and the structure of each."""
    with transaction.atomic():
        made = Workflow.objects.bulk_create(
            Workflow(
                internal_name=f"{PREFIX}{number:04d}",
                state=State.FINISHED,
                last_start=at - timedelta(days=days),
                last_finish=at,
                history_days=0,
            )
            for number in range(count)
        )
        versions = StructureVersion.objects.bulk_create(
            StructureVersion(workflow=workflow, number=1, graph=_graph())
            for workflow in made
        )
        for workflow, version in zip(made, versions, strict=True):
            workflow.structure = version
        Workflow.objects.bulk_update(made, ["structure"], batch_size=500)
    return versions


def _statement(parameters: dict[str, Any]) -> str:
    """Return the statement of a chunk; defaults are added to ``parameters``."""

    def insert(model: type[Model], given: Mapping[str, str], rows: str) -> str:
        return _insert(model, given, rows, parameters)

    steps = {
        "made": insert(Run, _RUNS, "numbered ORDER BY n")
        + " id, workflow_id, status, scheduled_for, created_at, started_at, read_count",
        "done": insert(Task, _TASKS, _TASK_ROWS) + " id, run_id, activity",
        "planned": insert(Occurrence, _OCCURRENCES, "made ORDER BY id") + " 1",
        "told": insert(JournalEntry, _JOURNAL, _JOURNAL_ROWS) + " 1",
        "ordered": insert(Command, _COMMANDS, _NOW_AND_THEN) + " 1",
        "changed": insert(AuditEntry, _AUDIT, _NOW_AND_THEN) + " 1",
    }
    queries = ", ".join(f"{name} AS ({query})" for name, query in steps.items())
    counts = ", ".join(
        f"(SELECT count(*) FROM {name})"  # noqa: S608 (our own names)
        for name in steps
    )
    return f"WITH numbered AS ({_NUMBERED}), {queries} SELECT {counts}"


def _insert(
    model: type[Model],
    given: Mapping[str, str],
    rows: str,
    parameters: dict[str, Any],
) -> str:
    """Return an INSERT up to RETURNING; columns not given get the model's default."""
    table = model._meta.db_table
    columns = dict(given)
    for field in model._meta.concrete_fields:
        column = str(field.column)
        if column in given or field.primary_key or field.null:
            continue
        name = f"{table}_{column}"
        parameters[name] = field.get_db_prep_save(field.get_default(), connection)
        columns[column] = f"%({name})s"
    return (
        f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 (our own names)
        f" SELECT {', '.join(columns.values())} FROM {rows} RETURNING"
    )


def clear(tell: Callable[[str], object]) -> dict[str, int]:
    """Remove all sample history; return the rows of each.

    At most 20,000 rows of one table in a transaction.
    """
    keys = list(samples().values_list("pk", flat=True))
    counts: dict[str, int] = {}
    for model in TABLES:
        table = model._meta.db_table
        which = "workflow_id = ANY(%(keys)s)"
        if model is AuditEntry:
            which = "object_type = %(type)s AND object_id = ANY(%(texts)s)"
        parameters = {
            "keys": keys,
            "texts": [str(key) for key in keys],
            "type": _OBJECT,
            "chunk": CHUNK_ROWS,
        }
        counts[table] = _delete(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table}"  # noqa: S608
            f" WHERE {which} LIMIT %(chunk)s)",
            parameters,
        )
        tell(f"{table}: {counts[table]:,}")
    with transaction.atomic():
        samples().update(structure=None)
        counts["workflows"] = len(keys)
        samples().delete()
    return counts


def _delete(statement: str, parameters: Mapping[str, Any]) -> int:
    total = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            total += cursor.rowcount
            if cursor.rowcount < parameters["chunk"]:
                return total


def refresh_statistics() -> None:
    """Tell the planner how large the tables are now; outside a transaction."""
    added = [model for volume in volumes.registered() for model in volume.tables]
    every: list[type[Model]] = [*TABLES, *added]
    tables = ", ".join(model._meta.db_table for model in every)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {tables}, {Workflow._meta.db_table}")
