"""The short way to write a result, for the case that nearly every task is.

The activity came to its end, its workflow is started, and what follows are ends of
branches or tasks for workers. Then task, followers, journal, run, occurrence and
workflow are written by one statement under the workflow's row lock. Everything else
goes the long way (``conclusion``); both write the same rows.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from workflows import conf
from workflows.activities import find_type
from workflows.engine import lifecycle
from workflows.engine.conclusion import REPORT, Outcome, report_parameters
from workflows.engine.context import TaskContext
from workflows.engine.following import EVERY_OUTPUT, new_task, wake
from workflows.engine.graph import Execution, Graph, Options
from workflows.engine.locks import lock_key
from workflows.engine.prepared import fetch_one
from workflows.engine.structures import graph_of
from workflows.models import Level, Run, Substate, Task, TaskStatus, Workflow
from workflows.registry import Done

_END = "end"
_LOCK = """
SELECT w.state = 'started' AND NOT w.stops_after_run
    AND NOT (%(idle)s AND coalesce((SELECT r.is_idle FROM workflows_run r
        WHERE r.workflow_id = %(workflow)s AND r.id < %(run)s
        ORDER BY r.id DESC LIMIT 1), false))
FROM workflows_workflow w WHERE w.id = %(workflow)s FOR UPDATE
"""
_CONCLUDE = """
WITH done AS (
    UPDATE workflows_task SET status = 'completed', substate = '',
        completed_at = %(at)s, output = %(output)s, result_label = %(label)s,
        record_count = coalesce(record_count, 0) + %(count)s,
        own_variables = %(own)s::jsonb
    WHERE id = %(task)s AND epoch = %(epoch)s AND status = 'active'
        AND substate = 'running' AND cancel_asked_at IS NULL
    RETURNING id
), followers AS (
    INSERT INTO workflows_task (workflow_id, run_id, activity, activity_type, status,
        substate, queue, process_at, enqueued_at, created_at, started_at,
        completed_at, source, variables, own_variables, is_exclusive, is_cancellable,
        is_simulated, limit_seconds, iterations, epoch, attempt, claimed_by, host,
        output, result_label, error, traceback, busy_seconds, retries)
    SELECT %(workflow)s, %(run)s, f.activity, f.activity_type, f.status, f.substate,
        f.queue, f.due_at, f.due_at, %(at)s, f.over_at, f.over_at, %(activity)s::text,
        %(variables)s::jsonb, '{}', f.is_exclusive, f.is_cancellable, false,
        f.limit_seconds, 0, 0, 0, '', '', '', '', '', '', 0, 0
    FROM jsonb_to_recordset(%(followers)s::jsonb) AS f (activity text,
        activity_type text, status text, substate text, queue text,
        due_at timestamptz, over_at timestamptz,
        is_exclusive boolean, is_cancellable boolean, limit_seconds integer), done
), lines AS (
    INSERT INTO workflows_journalentry (workflow_id, run_id, task_id, activity, level,
        message, parameters, operator, at)
    SELECT %(workflow)s, %(run)s, %(task)s, %(activity)s::text, l.level, l.message,
        l.parameters, '', l.at
    FROM jsonb_to_recordset(%(lines)s::jsonb) AS l (level smallint, message text,
        parameters jsonb, at timestamptz), done
), rest AS (
    SELECT count(*) FILTER (WHERE t.status = 'active') AS number,
        count(*) FILTER (WHERE t.status = 'failed') AS failed
    FROM workflows_task t WHERE t.run_id = %(run)s
        AND t.id <> %(task)s AND t.status IN ('active', 'failed')
), starved AS (
    SELECT count(*) AS number FROM workflows_event e WHERE e.run_id = %(run)s
        AND e.consumed_at IS NULL
), over AS (
    SELECT done.id FROM done, rest, starved
    WHERE rest.number = 0 AND rest.failed = 0 AND starved.number = 0
        AND NOT %(goes_on)s
), ended AS (
    UPDATE workflows_run SET read_count = read_count + %(read)s,
        written_count = written_count + %(written)s,
        rejected_count = rejected_count + %(rejected)s,
        is_idle = %(idle)s,
        status = CASE WHEN EXISTS (SELECT 1 FROM over)
            THEN CASE WHEN rejected_count + %(rejected)s > 0
                THEN 'finished_with_errors' ELSE 'finished' END
            ELSE status END,
        ended_at = CASE WHEN EXISTS (SELECT 1 FROM over) THEN %(at)s END,
        next_attempt_at = CASE WHEN EXISTS (SELECT 1 FROM over) THEN NULL
            ELSE next_attempt_at END
    WHERE id = %(run)s AND EXISTS (SELECT 1 FROM done)
    RETURNING started_at
), settled AS (
    UPDATE workflows_occurrence o SET late_seconds = late.seconds,
        outcome = CASE WHEN late.seconds > %(late)s THEN 'ran_late' ELSE 'ran' END
    FROM (SELECT x.id, greatest(0, extract(epoch FROM ended.started_at
            - x.scheduled_for))::float8 AS seconds
        FROM workflows_occurrence x, ended, over
        WHERE x.run_id = %(run)s AND x.outcome IN ('queued', 'failed')) late
    WHERE o.id = late.id
), noted AS (
    UPDATE workflows_workflow SET last_finish = %(at)s, consecutive_errors = 0,
        restart_count = 0
    WHERE id = %(workflow)s AND EXISTS (SELECT 1 FROM over)
)
SELECT EXISTS (SELECT 1 FROM done), EXISTS (SELECT 1 FROM over), rest.number = 0,
    EXISTS (SELECT 1 FROM workflows_task t WHERE t.workflow_id = %(workflow)s
        AND t.status = 'active' AND t.run_id IS NULL)
    AND NOT EXISTS (SELECT 1 FROM workflows_signal s
        WHERE s.workflow_id = %(workflow)s AND s.consumed_at IS NULL)
    AND NOT EXISTS (SELECT 1 FROM workflows_run r WHERE r.workflow_id = %(workflow)s
        AND r.status = 'queued' AND r.is_waiting)
    AND NOT EXISTS (SELECT 1 FROM workflows_notification n
        WHERE n.workflow_id = %(workflow)s AND n.resolved_at IS NULL),
    CASE WHEN EXISTS (SELECT 1 FROM done)
        AND (%(goes_on)s OR rest.number > 0
            OR (starved.number = 0 AND rest.failed = 0))
        THEN pg_advisory_unlock(%(lock)s) END
FROM rest, starved
"""


class _NotPlain(Exception):
    """Undoes the short way: the long one is needed after all."""


@dataclass(frozen=True, slots=True)
class _Following:
    """What follows the task: the rows to insert, and the queues to wake."""

    rows: list[dict[str, Any]]
    wakes: Counter[str]


def conclude(task: Task, outcome: Outcome, context: TaskContext | None) -> bool:
    """Write the outcome if it is plain; return whether it was. Two statements."""
    run = task.run
    if (
        context is None
        or run is None
        or not isinstance(outcome, Done)
        or outcome.output == EVERY_OUTPUT
        or context.lines_dropped
        or context.instance_changes
        or task.workflow.simulation
        or run.parent_task_id is not None
    ):
        return False
    at = timezone.now()
    graph = graph_of(run.structure_id)
    variables = {**context.variables["vars"], **outcome.variables}
    following = _following(task, run, graph, outcome, variables, at)
    if following is None:
        return False
    try:
        return _write(task, run, outcome, context, variables, following, at)
    except _NotPlain:
        return False


def _following(
    task: Task,
    run: Run,
    graph: Graph,
    outcome: Done,
    variables: dict[str, Any],
    at: datetime,
) -> _Following | None:
    """Return what follows; None when anything about it is not plain."""
    nodes = graph.after(task.activity, outcome.output) if outcome.output else ()
    own = graph.by_name[task.activity].parameters
    if outcome.output and not nodes:
        return None
    if find_type(task.activity_type).ends_workflow(own):
        return None
    rows: list[dict[str, Any]] = []
    wakes: Counter[str] = Counter()
    for node in nodes:
        kind = find_type(node.type)
        if (
            Options.of(node).execution is not Execution.NORMAL
            or kind.is_collecting
            or kind.is_long(node.parameters)
            or (kind.passes_at_once(node.parameters) and node.type != _END)
            or kind.ends_workflow(node.parameters)
        ):
            return None
        if kind.passes_at_once(node.parameters):
            follower = Task(status=TaskStatus.COMPLETED, substate=Substate.NONE)
        else:
            follower = new_task(task.workflow, run, node, {}, at)
            wakes[follower.queue] += 1
        rows.append(
            {
                "activity": node.name,
                "activity_type": node.type,
                "status": follower.status,
                "substate": follower.substate,
                "queue": follower.queue,
                "due_at": at.isoformat() if follower.is_active else None,
                "over_at": None if follower.is_active else at.isoformat(),
                "is_exclusive": follower.is_exclusive,
                "is_cancellable": follower.is_cancellable,
                "limit_seconds": follower.limit_seconds,
            }
        )
    return _Following(rows, wakes)


def _write(
    task: Task,
    run: Run,
    outcome: Done,
    context: TaskContext,
    variables: dict[str, Any],
    following: _Following,
    at: datetime,
) -> bool:
    idle = outcome.is_idle and not (task.record_count or 0) + outcome.count
    lines = context.pending_lines()
    if not idle:
        lines.append(
            {
                "level": Level.INFO,
                "message": REPORT,
                "parameters": report_parameters(task, outcome, at),
                "at": at,
            }
        )
    with transaction.atomic():
        # Two idle runs in a row become one: the long way does that.
        row = fetch_one(
            _LOCK, {"workflow": task.workflow_id, "run": run.pk, "idle": idle}
        )
        if row is None or not row[0]:
            return False
        written = fetch_one(
            _CONCLUDE,
            {
                "at": at,
                "task": task.pk,
                "epoch": task.epoch,
                "activity": task.activity,
                "workflow": task.workflow_id,
                "run": run.pk,
                "output": outcome.output,
                "label": outcome.label,
                "count": outcome.count,
                "read": outcome.read,
                "written": outcome.written,
                "rejected": outcome.rejected,
                "own": _json(context.own),
                "idle": idle,
                "variables": _json(variables),
                "followers": _json(following.rows),
                "lines": _json(lines),
                "goes_on": bool(following.wakes),
                "late": conf.LATE_SECONDS,
                "lock": lock_key(task.pk),
            },
        )
        if written is None:
            raise _NotPlain
        is_done, is_over, is_last, is_at_rest, _unlocked = written
        if not is_done:
            raise _NotPlain  # cancelled, or taken over by somebody
        for name, count in following.wakes.items():
            # This worker goes on with one of its own queue.
            others = count - (name == task.queue)
            if others > 0:
                wake(name, others)
        if following.wakes:
            return True
        if not is_over and is_last:
            raise _NotPlain  # a join starved or a branch failed: the long way tells
        if is_over and not is_at_rest:
            workflow = Workflow.objects.select_related("structure").get(
                pk=task.workflow_id
            )
            lifecycle.after_run(workflow, Run.objects.get(pk=run.pk), at)
    return True


class _Exact(DjangoJSONEncoder):
    """Keeps the microseconds of instants."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def _json(value: Any) -> str:
    return json.dumps(value, cls=_Exact)
