"""Firing many due schedulers at once: one statement for all of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction

from workflows.activities import find_type
from workflows.engine import firing, planning, runs
from workflows.engine.calendar import Decision, Schedule
from workflows.engine.following import new_task, wake
from workflows.engine.graph import Execution, Node, Options
from workflows.engine.prepared import fetch_one
from workflows.engine.structures import graph_of
from workflows.exceptions import AppError
from workflows.models import Run, RunTrigger, Task

_FIRE = """
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS g (scheduler bigint,
        next timestamptz, next_at timestamptz, workflow bigint, structure bigint,
        activity text, instant timestamptz, variables jsonb, late float8,
        simulates boolean, followers jsonb)
), begun AS (
    INSERT INTO workflows_run (workflow_id, structure_id, trigger, trigger_activity,
        scheduled_for, status, skip_reason, error, created_at, read_count,
        written_count, rejected_count, is_idle, repeats, variables, is_waiting,
        is_simulation)
    SELECT g.workflow, g.structure, 'schedule', g.activity, g.instant, 'queued', '', '',
        %(at)s, 0, 0, 0, false, 1, g.variables, false, g.simulates FROM given g
    RETURNING id, workflow_id
), queued AS (
    INSERT INTO workflows_task (workflow_id, run_id, activity, activity_type, status,
        substate, queue, process_at, enqueued_at, created_at, source, variables,
        own_variables, is_exclusive, is_cancellable, is_simulated, limit_seconds,
        iterations, epoch, attempt, claimed_by, host, output, result_label, error,
        traceback, busy_seconds, retries)
    SELECT g.workflow, b.id, f.activity, f.activity_type, 'active', 'queued', f.queue,
        %(at)s, %(at)s, %(at)s, g.activity, g.variables, '{}', f.is_exclusive,
        f.is_cancellable, f.is_simulated, f.limit_seconds, 0, 0, 0, '', '', '', '', '',
        '', 0, 0
    FROM begun b JOIN given g ON g.workflow = b.workflow_id,
        jsonb_to_recordset(g.followers) AS f (activity text, activity_type text,
            queue text, is_exclusive boolean, is_cancellable boolean,
            is_simulated boolean, limit_seconds integer)
), planned AS (
    INSERT INTO workflows_occurrence (workflow_id, activity, scheduled_for,
        last_scheduled_for, count, outcome, reason, late_seconds, run_id, recorded_at)
    SELECT g.workflow, g.activity, g.instant, g.instant, 1, 'queued', '', g.late, b.id,
        %(at)s
    FROM begun b JOIN given g ON g.workflow = b.workflow_id
)
UPDATE workflows_task t SET iterations = t.iterations + 1, scheduled_for = g.next,
    process_at = g.next_at
FROM given g WHERE t.id = g.scheduler RETURNING t.id
"""


@dataclass(frozen=True, slots=True)
class _Plain:
    """A due scheduler task whose firing is one run of ordinary tasks."""

    task: Task
    schedule: Schedule
    decision: Decision
    followers: tuple[Node, ...]


def fire_plain(tasks: Sequence[Task], at: datetime) -> list[Task]:
    """Fire the ordinary ones of the due tasks together; return the others.

    Ordinary is a scheduler with one instant to fire and a next one, in a workflow
    without a live run or a blackout, followed by short activities for workers. Their
    rows and workflows are locked by the caller.
    """
    live = set(
        Run.objects.live()
        .filter(workflow__in=[task.workflow_id for task in tasks])
        .values_list("workflow_id", flat=True)
        if tasks
        else ()
    )
    seen: set[int] = set()
    plain: list[_Plain] = []
    others: list[Task] = []
    for task in tasks:
        found = None
        if task.workflow_id not in live and task.workflow_id not in seen:
            found = _plain(task, at)
        if found is None:
            others.append(task)
        else:
            plain.append(found)
        seen.add(task.workflow_id)
    if plain and not _fire(plain, at):
        return list(tasks)
    return others


def _plain(task: Task, at: datetime) -> _Plain | None:
    workflow = task.workflow
    if (
        task.activity_type != "scheduler"
        or workflow.structure_id is None
        or task.scheduled_for is None
        or workflow.blackouts
        or workflow.stops_after_run
    ):
        return None
    try:
        graph = graph_of(workflow.structure_id)
        schedule = planning.schedule_in(graph, task.activity)
        decision = firing.decide(workflow, task, schedule, at, held=False)
        followers = graph.after(task.activity, "ok")
        is_plain = all(_is_plain(node) for node in followers)
    except (AppError, ValueError, KeyError):
        return None  # told by whoever fires it by itself
    if (
        not followers
        or not is_plain
        or len(decision.fire) != 1
        or decision.skipped
        or decision.next is None
    ):
        return None
    return _Plain(task, schedule, decision, followers)


def _is_plain(node: Node) -> bool:
    kind = find_type(node.type)
    return (
        not kind.passes_at_once(node.parameters)
        and not kind.is_collecting
        and not kind.is_long(node.parameters)
        and Options.of(node).execution is Execution.NORMAL
    )


def _fire(plain: Sequence[_Plain], at: datetime) -> bool:
    """Write it all; False, and nothing, when an instant has an outcome already."""
    wakes: Counter[str] = Counter()
    rows = []
    for each in plain:
        rows.append(_row(each, at, wakes))
    try:
        with transaction.atomic():
            fetch_one(
                _FIRE,
                {"rows": json.dumps(rows, cls=DjangoJSONEncoder), "at": at},
            )
    except IntegrityError:
        return False
    for name, count in wakes.items():
        wake(name, count)
    return True


def _row(each: _Plain, at: datetime, wakes: Counter[str]) -> dict[str, Any]:
    """Return what is written for one scheduler; count the queues to wake."""
    task, workflow = each.task, each.task.workflow
    instant = each.decision.fire[0]
    run = runs.new_run(
        workflow,
        trigger=RunTrigger.SCHEDULE,
        activity=task.activity,
        at=at,
        scheduled_for=instant,
    )
    planning.set_plan(task, workflow, each.schedule, each.decision.next)
    followers = [new_task(workflow, run, node, {}, at) for node in each.followers]
    wakes.update(follower.queue for follower in followers)
    return {
        "scheduler": task.pk,
        "next": task.scheduled_for,
        "next_at": task.process_at,
        "workflow": workflow.pk,
        "structure": run.structure_id,
        "activity": task.activity,
        "instant": instant,
        "variables": firing.variables_of(instant, at, each.decision),
        "late": max(0.0, (at - instant).total_seconds()),
        "simulates": run.is_simulation,
        "followers": [
            {
                "activity": follower.activity,
                "activity_type": follower.activity_type,
                "queue": follower.queue,
                "is_exclusive": follower.is_exclusive,
                "is_cancellable": follower.is_cancellable,
                "is_simulated": follower.is_simulated,
                "limit_seconds": follower.limit_seconds,
            }
            for follower in followers
        ],
    }
