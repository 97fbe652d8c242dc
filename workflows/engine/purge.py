"""Deleting history: daily what is older than each workflow keeps it, or on order.

Every table is walked once by its key, some thousand rows at a time, each chunk its own
transaction: no lock lasts, and no chunk costs more than the one before it. What is live
is never touched. A walk that takes long hands over to another order.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from workflows import conf, queue
from workflows.engine import journal
from workflows.engine.purge_steps import LEDGERS, STEPS, Step, delete_rows
from workflows.models import Workflow

RESULT_DAYS = 7
EVERY_SECONDS = 86_400
FUNCTION = "workflows.engine.purge.purge"
ORDERED = "workflows.engine.purge.purge_ordered"

_WINDOW = """
WITH seen AS MATERIALIZED (
    SELECT x.id, {workflow} AS workflow_id, {instant} AS instant,
        CASE WHEN {instant} < %(before)s THEN {may_go} ELSE false END AS may_go
    FROM {source} WHERE x.id > %(after)s ORDER BY x.id LIMIT %(chunk)s
)
SELECT array(SELECT s.id FROM seen s {expired}), count(*), max(id),
    coalesce(min(instant) >= %(before)s, false)
FROM seen
"""
_BY_WORKFLOW = (
    "JOIN workflows_workflow w ON w.id = s.workflow_id WHERE s.may_go"
    " AND w.history_days > 0"
    " AND s.instant < %(at)s - w.history_days * interval '1 day'"
)
_OF_ONE = (
    "SELECT x.id FROM {source} WHERE {workflow} = %(workflow)s"
    " AND {instant} < %(before)s AND {may_go} LIMIT %(chunk)s"
)


@dataclass(frozen=True, slots=True)
class _Window:
    """A chunk that was looked at; ``is_last`` when nothing expired follows."""

    deleted: int
    last: int
    is_last: bool


def purge(first: str = "", after: int = 0) -> None:
    """Delete all expired history; a queue task, ordered daily.

    Goes on at the key ``after`` of the step ``first`` when an earlier order had no
    time left for it.
    """
    at = timezone.now()
    deadline = time.monotonic() + conf.BUDGET_SECONDS
    steps = _expiring(at)
    names = [step.name for step, _before in steps]
    begin = names.index(first) if first in names else 0
    for step, before in steps[begin:]:
        for window in _walk(step, at, before, after):
            if time.monotonic() > deadline and not window.is_last:
                queue.enqueue(FUNCTION, step.name, window.last, queue="workflows")
                return
        after = 0
    queue.purge_results(at - timedelta(days=RESULT_DAYS))


def purge_history(at: datetime) -> dict[str, int]:
    """Delete what of runs and their journal has expired; return how many of each.

    Zero days of history means for ever. The last run of a workflow stays.
    """
    before = _youngest(at)
    if before is None:
        return {step.name: 0 for step in STEPS}
    return {
        step.name: sum(window.deleted for window in _walk(step, at, before, 0))
        for step in STEPS
    }


def purge_ledger(at: datetime) -> int:
    """Delete commands, audit entries, notifications and freezes beyond their age."""
    return sum(
        window.deleted
        for step in LEDGERS
        for window in _walk(step, at, at - step.kept, 0)
    )


def purge_ordered(workflow_id: int) -> None:
    """Delete the history of one workflow and tell so in its journal; a queue task."""
    at = timezone.now()
    deadline = time.monotonic() + conf.BUDGET_SECONDS
    workflow = Workflow.objects.filter(pk=workflow_id).first()
    if workflow is None:
        return
    deleted: dict[str, int] = dict.fromkeys((step.name for step in STEPS), 0)
    for name, count in _chunks_of(workflow_id, at):
        deleted[name] += count
        if time.monotonic() > deadline or queue.is_stopping():
            queue.enqueue(ORDERED, workflow_id, queue="workflows")
            break
    if any(deleted.values()):
        journal.write(
            workflow,
            "History purged: %(runs)s runs, %(tasks)s tasks, %(journal)s journal"
            " lines, %(occurrences)s planned instants, %(signals)s signals.",
            at=at,
            runs=deleted["runs"],
            tasks=deleted["tasks"],
            journal=deleted["journal"],
            occurrences=deleted["occurrences"],
            signals=deleted["signals"],
        )


def purge_workflow(workflow_id: int, at: datetime) -> dict[str, int]:
    """Delete what of a workflow was over before ``at``; return how many of each.

    Nothing live goes. In chunks, each its own transaction.
    """
    deleted: dict[str, int] = dict.fromkeys((step.name for step in STEPS), 0)
    for name, count in _chunks_of(workflow_id, at):
        deleted[name] += count
    return deleted


def _expiring(at: datetime) -> list[tuple[Step, datetime]]:
    """Return every step with the instant that nothing expired is younger than."""
    before = _youngest(at)
    steps = [(step, at - step.kept) for step in LEDGERS]
    return steps if before is None else [(step, before) for step in STEPS] + steps


def _youngest(at: datetime) -> datetime | None:
    """Return the end of the shortest history; None when all is kept for ever."""
    days = Workflow.objects.filter(history_days__gt=0).aggregate(
        shortest=Min("history_days")
    )["shortest"]
    return None if days is None else at - timedelta(days=days)


def _walk(step: Step, at: datetime, before: datetime, after: int) -> Iterator[_Window]:
    """Delete a step's expired rows window by window, in the order of their keys."""
    while not queue.is_stopping():
        window = _treat_window(step, at, before, after)
        yield window
        if window.is_last:
            return
        after = window.last


def _treat_window(step: Step, at: datetime, before: datetime, after: int) -> _Window:
    expired = _BY_WORKFLOW if step.has_history else "WHERE s.may_go"
    statement = _WINDOW.format(**_parts(step), may_go=step.may_expire, expired=expired)
    values = {"at": at, "before": before, "after": after, "chunk": step.chunk}
    with transaction.atomic():
        ids, seen, last, all_young = _one(statement, values)
        deleted = delete_rows(step, ids)
    return _Window(deleted, last or after, seen < step.chunk or all_young)


def _chunks_of(workflow_id: int, at: datetime) -> Iterator[tuple[str, int]]:
    """Delete a workflow's ended history chunk by chunk; yield step and number."""
    for step in STEPS:
        statement = _OF_ONE.format(**_parts(step), may_go=step.may_go)
        values: dict[str, Any] = {
            "workflow": workflow_id,
            "before": at,
            "chunk": step.chunk,
        }
        while True:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(statement, values)
                    ids = [row[0] for row in cursor.fetchall()]
                deleted = delete_rows(step, ids)
            yield step.name, deleted
            if len(ids) < step.chunk:
                break


def _parts(step: Step) -> Mapping[str, str]:
    return {
        "source": step.source,
        "workflow": step.workflow,
        "instant": step.instant,
    }


def _one(statement: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
