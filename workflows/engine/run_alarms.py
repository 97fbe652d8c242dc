"""Alarms of runs: deadline missed, longer than expected, longer than usual.

Each limit that a run passes is told once: a run keeps in ``alarmed_at`` up to when it
was looked at, and what it passed before that is old news.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext_noop

from workflows import conf
from workflows.engine import journal
from workflows.engine.durations import LEAST_SECONDS, typical_duration
from workflows.engine.graph import Graph, Options
from workflows.engine.notifications import notify
from workflows.models import (
    Level,
    NotificationKind,
    Run,
    RunStatus,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

KINDS = (NotificationKind.DEADLINE, NotificationKind.UNUSUAL)
# They may last: their work is to wait, or to begin and to end (release note of 2019).
MAY_LAST = frozenset(
    {"signal", "start", "end", "fork", "and_join", "scheduler", "wait"}
)
_MOST = 2_000
# Live runs from one partial index, those that ended since the last look from another.
_CANDIDATES = """
SELECT r.id FROM workflows_run r JOIN workflows_workflow w ON w.id = r.workflow_id
WHERE r.id IN (
    SELECT id FROM workflows_run
    WHERE status IN ('queued', 'running', 'deferred', 'failed')
        AND ended_at IS NULL
    UNION ALL
    SELECT id FROM workflows_run
    WHERE ended_at IS NOT NULL AND ended_at > %(since)s AND ended_at <= %(at)s
        AND status IN ('finished', 'finished_with_errors', 'failed')
) AND NOT r.is_simulation AND NOT r.is_idle AND (
    coalesce(r.ended_at, %(at)s)
        > r.scheduled_for + w.deadline_seconds * interval '1 second'
    OR coalesce(r.ended_at, %(at)s) - r.started_at > %(least)s * interval '1 second'
    OR coalesce(r.ended_at, %(at)s)
        > r.started_at + w.expected_seconds * interval '1 second'
)
LIMIT %(most)s
"""
_CLOSE = """
UPDATE workflows_notification n SET resolved_at = %(at)s
WHERE n.resolved_at IS NULL AND n.kind = ANY(%(kinds)s) AND NOT EXISTS (
    SELECT 1 FROM workflows_run r
    WHERE r.id = (n.parameters->>'run')::bigint AND r.ended_at IS NULL
        AND r.status IN ('queued', 'running', 'deferred', 'failed')
)
"""


@dataclass(frozen=True, slots=True)
class Passed:
    """A limit that a run has passed, and when it did."""

    run: Run
    kind: NotificationKind
    about: str
    message: str
    limit_at: datetime
    seconds: float
    activity: str = ""


def look(since: datetime, at: datetime) -> set[int]:
    """Tell every limit that a run passed and nobody was told of; return their runs.

    Part of the caller's transaction, after which the runs are to be marked. Four
    queries when there is nothing to tell.
    """
    _close(at)
    news = [
        passed
        for passed in (*_passed_by_runs(since, at), *_passed_by_tasks(at))
        if passed.run.alarmed_at is None or passed.run.alarmed_at < passed.limit_at
    ]
    for passed in news:
        _tell(passed, at)
    return {passed.run.pk for passed in news}


def mark(alarmed: set[int], at: datetime) -> None:
    """Keep that runs were looked at.

    A transaction of its own: one that holds runs and then asks for their workflows
    would meet the ends of tasks, which hold them the other way round.
    """
    Run.objects.filter(pk__in=alarmed).update(alarmed_at=at)


def _close(at: datetime) -> None:
    """Close the alarms of runs that are over."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, {"at": at, "kinds": [str(kind) for kind in KINDS]})


def _tell(passed: Passed, at: datetime) -> None:
    run = passed.run
    notify(
        kind=passed.kind,
        workflow=run.workflow,
        activity=passed.activity,
        fingerprint_of=(passed.about,),
        level=Level.WARNING,
        message=passed.message,
        parameters={
            "name": passed.activity or run.workflow.internal_name,
            "run": run.pk,
            "limit": _round(passed.seconds),
            "seconds": _round(((run.ended_at or at) - _began(run)).total_seconds()),
        },
        at=at,
    )


def _began(run: Run) -> datetime:
    return run.started_at or run.created_at


def _round(seconds: float) -> float | int:
    return round(seconds) if seconds >= 10 else round(seconds, 1)


def _passed_by_runs(since: datetime, at: datetime) -> Iterator[Passed]:
    with connection.cursor() as cursor:
        cursor.execute(
            _CANDIDATES,
            {"since": since, "at": at, "least": LEAST_SECONDS, "most": _MOST},
        )
        keys = [key for (key,) in cursor.fetchall()]
    runs = list(Run.objects.select_related("workflow").filter(pk__in=keys))
    usual = typical_duration({run.workflow_id for run in runs})
    for run in runs:
        ended = run.ended_at or at
        for passed in _limits(run, run.workflow, usual.get(run.workflow_id)):
            if passed.limit_at < ended:
                yield passed


def _limits(run: Run, workflow: Workflow, usual: Any) -> Iterator[Passed]:
    if run.scheduled_for and workflow.deadline_seconds is not None:
        yield Passed(
            run,
            NotificationKind.DEADLINE,
            "deadline",
            gettext_noop(
                "Run %(run)s of %(name)s missed its deadline, %(limit)s s after the"
                " planned instant."
            ),
            run.scheduled_for + timedelta(seconds=workflow.deadline_seconds),
            workflow.deadline_seconds,
        )
    if run.started_at is None or _waits_for_a_person(run):
        return
    if workflow.expected_seconds is not None:
        yield Passed(
            run,
            NotificationKind.UNUSUAL,
            "expected",
            gettext_noop(
                "Run %(run)s of %(name)s takes longer than the %(limit)s s that are"
                " expected."
            ),
            run.started_at + timedelta(seconds=workflow.expected_seconds),
            workflow.expected_seconds,
        )
    if usual is not None and usual.limit is not None:
        yield Passed(
            run,
            NotificationKind.UNUSUAL,
            "usual",
            gettext_noop(
                "Run %(run)s of %(name)s takes longer than usual: %(seconds)s s,"
                " where up to %(limit)s s are normal."
            ),
            run.started_at + timedelta(seconds=usual.limit),
            usual.limit,
        )


def _waits_for_a_person(run: Run) -> bool:
    """Return whether it failed and is kept for a resume: it does not work."""
    return run.status == RunStatus.FAILED and run.ended_at is None


def _active_tasks() -> Iterable[Task]:
    """Return the tasks that work or wait inside a run. One query."""
    return (
        Task.objects.filter(
            status=TaskStatus.ACTIVE,
            substate__in=(Substate.RUNNING, Substate.WAITING),
            run__isnull=False,
            run__is_simulation=False,
        )
        .select_related("workflow", "run__workflow", "run__structure")
        .order_by("pk")[:_MOST]
    )


def _passed_by_tasks(at: datetime) -> Iterator[Passed]:
    """Return the activities that pass their own longest execution time."""
    for task in _active_tasks():
        run = task.run
        if run is None:
            continue
        node = Graph.of(run.structure.graph).by_name.get(task.activity)
        longest = Options.of(node).max_seconds if node is not None else None
        if not longest:
            continue
        limit_at = working_since(task) + timedelta(seconds=longest)
        if limit_at <= at:
            yield Passed(
                run,
                NotificationKind.UNUSUAL,
                "activity",
                gettext_noop(
                    "%(name)s works longer than its longest execution time of"
                    " %(limit)s s."
                ),
                limit_at,
                longest,
                task.activity,
            )


def working_since(task: Task) -> datetime:
    """Return when the task would have begun had it worked without a break."""
    if task.substate == Substate.RUNNING and task.started_at is not None:
        return task.started_at - timedelta(seconds=task.busy_seconds)
    return task.created_at


def warn_of_long_tasks(since: datetime, at: datetime) -> int:
    """Write one journal warning for each activity that has worked for hours.

    Return how many. Those whose duty it is to wait are left out.
    """
    longest = timedelta(hours=float(conf.option("WORKFLOW_LONG_TASK_HOURS")))
    warned = 0
    for task in _active_tasks():
        if task.activity_type in MAY_LAST:
            continue
        if since < working_since(task) + longest <= at:
            warned += 1
            journal.write(
                task.workflow,
                "%(name)s has been running for more than %(hours)s hours.",
                at=at,
                level=Level.WARNING,
                run=task.run,
                task=task,
                name=task.activity,
                hours=f"{longest.total_seconds() / 3600:g}",
            )
    return warned
