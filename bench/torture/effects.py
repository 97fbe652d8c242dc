"""What the workloads do, kept where no rollback of a worker can undo it.

Effects are written over a session of their own, each committed at once, into the
schema ``torture``: like a message that has left the house.
"""

from __future__ import annotations

import os
from typing import Any

import psycopg
from django.db import connection

from workflows.registry import RunContext

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS torture;
-- Every beginning of a handler, with the claim it belongs to.
CREATE TABLE IF NOT EXISTS torture.attempt (
    id bigserial PRIMARY KEY,
    workflow text NOT NULL,
    run_id bigint NOT NULL,
    task_id bigint NOT NULL,
    epoch integer NOT NULL,
    step text NOT NULL,
    pid integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- Effects that may be repeated: the second one finds the first.
CREATE TABLE IF NOT EXISTS torture.kept (
    workflow text NOT NULL,
    run_id bigint NOT NULL,
    step text NOT NULL,
    number integer NOT NULL DEFAULT 0,
    PRIMARY KEY (workflow, run_id, step)
);
-- Effects that must not: no key, so that a second one would be seen.
CREATE TABLE IF NOT EXISTS torture.once (
    id bigserial PRIMARY KEY,
    workflow text NOT NULL,
    run_id bigint NOT NULL,
    step text NOT NULL
);
"""

_session: psycopg.Connection[Any] | None = None
_owner = 0


def session() -> psycopg.Connection[Any]:
    """Return this process's own autocommit session, opened anew when it is dead."""
    global _session, _owner
    if _session is not None and _owner == os.getpid():
        try:
            _session.execute("SELECT 1")
        except psycopg.Error:
            _session.close()
            _session = None
    if _session is None or _owner != os.getpid():
        parameters = connection.get_connection_params()
        for django_only in ("cursor_factory", "context"):
            parameters.pop(django_only, None)
        _session = psycopg.connect(**parameters, autocommit=True)
        _owner = os.getpid()
    return _session


def prepare() -> None:
    """Make the tables."""
    session().execute(SCHEMA)


def close() -> None:
    """End the session of this process, as one must before a fork."""
    global _session
    if _session is not None:
        _session.close()
        _session = None


def attempt(run: RunContext, step: str) -> None:
    """Note that a handler begins."""
    session().execute(
        "INSERT INTO torture.attempt (workflow, run_id, task_id, epoch, step, pid)"
        " SELECT %s, %s, id, epoch, %s, %s FROM workflows_task WHERE id = %s",
        [run.workflow_name, run.run_id, step, os.getpid(), run.task_id],
    )


def keep(run: RunContext, step: str, number: int = 0) -> None:
    """Have the effect that may be repeated."""
    session().execute(
        "INSERT INTO torture.kept (workflow, run_id, step, number)"
        " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [run.workflow_name, run.run_id, step, number],
    )


def have_once(run: RunContext, step: str) -> None:
    """Have the effect that must not be repeated. Never tried again from here."""
    session().execute(
        "INSERT INTO torture.once (workflow, run_id, step) VALUES (%s, %s, %s)",
        [run.workflow_name, run.run_id, step],
    )


def kept_count(run: RunContext) -> int:
    """Return how many repeatable effects a run has had."""
    row = (
        session()
        .execute("SELECT count(*) FROM torture.kept WHERE run_id = %s", [run.run_id])
        .fetchone()
    )
    return row[0] if row else 0
