"""The engine's own statements over a long history, and the purge of a part of it.

``python -m bench.upkeep DAYS LESS``: inside an installation with sample history. What
is older than ``DAYS`` is purged, then what is older than ``LESS`` by the few
statements that a person would write; JSON on standard output.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import django

django.setup()

import psycopg  # noqa: E402 (needs the applications)
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from bench.plans import HISTORY, explained, faults, outline  # noqa: E402
from workflows.engine import clock, executor, purge  # noqa: E402
from workflows.management import sample_history  # noqa: E402
from workflows.registry import QUEUES  # noqa: E402

_PROBE_SECONDS = 0.01
_BASE_SECONDS = 5.0
_PROBE = (
    "INSERT INTO workflows_journalentry (workflow_id, activity, level, message,"
    " parameters, operator, at) SELECT id, '', 20, 'probe', '{}', '', now()"
    " FROM workflows_workflow WHERE state = 'started' ORDER BY id LIMIT 1"
)
_BEST = (
    "DELETE FROM workflows_journalentry WHERE at < %s",
    "DELETE FROM workflows_occurrence WHERE last_scheduled_for < %s",
    "DELETE FROM workflows_task t USING workflows_run r"
    " WHERE r.id = t.run_id AND r.ended_at < %s",
    "DELETE FROM workflows_run WHERE ended_at < %s",
)
_TOUCH = (
    "UPDATE workflows_workflow SET modified_at = now() WHERE id = (SELECT id FROM"
    " workflows_workflow WHERE state = 'started' ORDER BY id LIMIT 1)"
)


@dataclass(slots=True)
class Kind:
    """One kind of statement: how often, how long at most and in all, how many rows."""

    sql: str
    count: int = 0
    longest_ms: float = 0.0
    total_ms: float = 0.0
    rows: int = 0
    planning_ms: float = 0.0
    plan: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@contextmanager
def _recorded() -> Iterator[dict[str, tuple[Kind, Any]]]:
    """Keep each kind of statement with the parameters of its first execution."""
    kinds: dict[str, tuple[Kind, Any]] = {}

    def record(
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,
        context: Any,
    ) -> Any:
        started = time.perf_counter()
        answer = execute(sql, params, many, context)
        taken = (time.perf_counter() - started) * 1000
        kind, _first = kinds.setdefault(sql, (Kind(" ".join(sql.split())), params))
        kind.count += 1
        kind.total_ms += taken
        kind.longest_ms = max(kind.longest_ms, taken)
        kind.rows += max(context["cursor"].rowcount, 0)
        return answer

    with connection.execute_wrapper(record):
        yield kinds


def engine() -> list[Kind]:
    """Return what a round of the clock and of each queue's workers asks for.

    All of it twice, so that nothing is read for the first time, then explained.
    """
    with _recorded() as kinds:
        for _ in range(2):
            at = timezone.now()
            clock.tick(at)
            clock.order_duties(at)
            for name in QUEUES:
                executor.drain(name)
    found = []
    for sql, (kind, params) in kinds.items():
        if any(table in sql for table in HISTORY):
            with transaction.atomic():
                plan = explained(sql, params)
                transaction.set_rollback(True)
            kind.longest_ms = plan["Execution Time"]
            kind.planning_ms = plan["Planning Time"]
            kind.plan = list(outline(plan["Plan"]))
            kind.faults = list(faults(plan["Plan"]))
            found.append(kind)
    return sorted(found, key=lambda kind: -kind.longest_ms)


class _Probe(threading.Thread):
    """Writes what workers write, all the time, and notes how long each took."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        parameters = connection.get_connection_params()
        for name in ("cursor_factory", "context"):
            parameters.pop(name, None)
        self._session = psycopg.connect(**parameters, autocommit=True)
        self._ending = threading.Event()
        self.milliseconds: list[float] = []

    def run(self) -> None:
        """Write until told to end."""
        while not self._ending.wait(_PROBE_SECONDS):
            started = time.perf_counter()
            self._session.execute(_PROBE)
            self._session.execute(_TOUCH)
            self.milliseconds.append((time.perf_counter() - started) * 1000)
        self._session.close()

    def end(self) -> list[float]:
        """Return what was noted."""
        self._ending.set()
        self.join()
        return self.milliseconds


def purged(days: int) -> dict[str, Any]:
    """Purge what is older than ``days``; tell what another session felt meanwhile."""
    before = _probed(lambda: time.sleep(_BASE_SECONDS))
    sample_history.samples().update(history_days=days)
    at, counts = timezone.now(), _rows()
    with _recorded() as kinds:
        started = time.perf_counter()
        during = _probed(lambda: purge.purge_history(at))
        seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "deleted": _deleted(counts),
        "kinds": [asdict(kind) for kind, _parameters in kinds.values()],
        "probe_before_ms": before,
        "probe_during_ms": during,
    }


def deleted_at_once(days: int) -> dict[str, Any]:
    """Delete what is older than ``days`` in one transaction of four statements."""
    counts, before = _rows(), timezone.now() - timedelta(days=days)
    started = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _BEST:
            cursor.execute(statement, [before])
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "deleted": _deleted(counts)}


def _deleted(before: Mapping[str, int]) -> int:
    """Return how many rows are gone since; the probe adds some."""
    return sum(max(0, before[table] - left) for table, left in _rows().items())


def _probed(work: Callable[[], object]) -> list[float]:
    probe = _Probe()
    probe.start()
    work()
    return probe.end()


def _rows() -> dict[str, int]:
    with connection.cursor() as cursor:
        counts = {}
        for table in sorted(HISTORY):
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
            counts[table] = int(cursor.fetchone()[0])
        return counts


def main() -> None:
    """Explain the engine's statements, then delete in both ways."""
    explained_kinds = [asdict(kind) for kind in engine()]
    days, less = (int(text) for text in sys.argv[1:])
    answer = {
        "engine": explained_kinds,
        "purge": purged(days),
        "at_once": deleted_at_once(less),
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
