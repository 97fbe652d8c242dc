"""What every running task does at this moment, and who holds it up.

For the page and the order that end what hangs: a sign of life older than a minute is
no proof of a hang, the SQL that its backend executes and the lock it waits for are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as translate

from workflows.engine.claiming import LOCK_CLASS

#: A heartbeat older than this shows a task as stuck.
SILENT_SECONDS = 60
#: How much of a statement is shown.
SQL_LENGTH = 500
MOST = 500

# The advisory lock proves which backend works for a task: the server drops it with
# the connection. Locks are read once; who blocks is asked only of what waits.
_RUNNING = """
WITH held AS MATERIALIZED (
    SELECT classid, objid, pid FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), busy AS (
    SELECT t.*, h.pid AS holder FROM workflows_task t LEFT JOIN held h
        ON h.classid = ((%(lock)s + t.id) >> 32)::bigint::oid
        AND h.objid = ((%(lock)s + t.id) & 4294967295)::bigint::oid
    WHERE t.status = 'active' AND t.substate = 'running'
        AND (%(workflow)s::bigint IS NULL OR t.workflow_id = %(workflow)s)
    ORDER BY t.heartbeat_at NULLS FIRST LIMIT %(most)s
)
SELECT b.id AS task_id, b.workflow_id, w.internal_name, b.run_id, b.activity,
    b.queue, b.host, b.pid, b.backend_pid, b.holder IS NOT NULL AS has_worker,
    b.epoch, b.attempt, b.started_at, b.heartbeat_at, b.cancel_asked_at,
    a.state AS backend_state, a.wait_event_type, a.wait_event,
    left(a.query, %(length)s) AS sql, a.query_start AS sql_since,
    blocking.found AS blockers,
    line.message AS line, line.parameters AS line_parameters, line.at AS line_at
FROM busy b
JOIN workflows_workflow w ON w.id = b.workflow_id
LEFT JOIN pg_stat_activity a ON a.pid = b.holder
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object(
        'pid', k.pid, 'user', o.usename, 'application', o.application_name,
        'state', o.state, 'sql', left(o.query, %(length)s)) ORDER BY k.pid) AS found
    FROM unnest(CASE WHEN a.wait_event_type = 'Lock'
        THEN pg_blocking_pids(a.pid) ELSE '{}' END) AS k(pid)
    LEFT JOIN pg_stat_activity o ON o.pid = k.pid
) blocking ON true
LEFT JOIN LATERAL (
    SELECT own.* FROM (
        SELECT j.id, j.message, j.parameters, j.at FROM workflows_journalentry j
        WHERE j.run_id = b.run_id OFFSET 0
    ) own ORDER BY own.id DESC LIMIT 1
) line ON true
ORDER BY b.heartbeat_at NULLS FIRST, b.id
"""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A connection whose lock the task's SQL waits for."""

    pid: int
    user: str
    application: str
    state: str
    sql: str


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A running task with its worker, its backend and its last journal line.

    ``has_worker`` is whether a connection still works for it; without one it is
    taken over within 30 s. SQL is cut to SQL_LENGTH characters.
    """

    task_id: int
    workflow_id: int
    internal_name: str
    run_id: int | None
    activity: str
    queue: str
    host: str
    pid: int | None
    backend_pid: int | None
    has_worker: bool
    epoch: int
    attempt: int
    started_at: datetime | None
    heartbeat_at: datetime | None
    cancel_asked_at: datetime | None
    backend_state: str
    wait_event: str
    sql: str
    sql_since: datetime | None
    line: str
    line_at: datetime | None
    running_seconds: float
    silent_seconds: float
    blockers: tuple[Blocker, ...] = ()
    line_parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_stuck(self) -> bool:
        """Return whether it gave no sign of life for a minute."""
        return self.silent_seconds > SILENT_SECONDS

    @property
    def last_line(self) -> str:
        """Return its last journal line in the reader's language. No SQL."""
        message = translate(self.line) if self.line else ""
        return message % self.line_parameters if self.line_parameters else message


def running_tasks(at: datetime, workflow_id: int | None = None) -> list[RunningTask]:
    """Return what runs, the longest silent first; at most MOST. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _RUNNING,
            {
                "lock": LOCK_CLASS,
                "workflow": workflow_id,
                "length": SQL_LENGTH,
                "most": MOST,
            },
        )
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [_running(row, at) for row in found]


def _running(row: dict[str, Any], at: datetime) -> RunningTask:
    waits = [row.pop("wait_event_type"), row.pop("wait_event")]
    blockers = _document(row.pop("blockers")) or []
    parameters = _document(row.pop("line_parameters")) or {}
    for name in ("backend_state", "sql", "line"):
        row[name] = row[name] or ""
    return RunningTask(
        **row,
        wait_event=": ".join(part for part in waits if part),
        blockers=tuple(
            Blocker(
                pid=blocker["pid"],
                user=blocker["user"] or "",
                application=blocker["application"] or "",
                state=blocker["state"] or "",
                sql=blocker["sql"] or "",
            )
            for blocker in blockers
        ),
        line_parameters=parameters,
        running_seconds=_seconds(row["started_at"], at),
        silent_seconds=_seconds(row["heartbeat_at"] or row["started_at"], at),
    )


def _document(value: Any) -> Any:
    """Return a JSON column, which comes as text to a plain cursor."""
    return json.loads(value) if isinstance(value, str) else value


def _seconds(since: datetime | None, at: datetime) -> float:
    return max(0.0, (at - since).total_seconds()) if since is not None else 0.0
