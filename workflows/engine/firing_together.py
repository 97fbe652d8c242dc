"""Firing many due schedulers at once: a handful of statements for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection, transaction

from workflows.activities import find_type
from workflows.engine import firing, planning, runs
from workflows.engine.calendar import Decision, Schedule
from workflows.engine.following import new_task, wake
from workflows.engine.graph import Execution, Node, Options
from workflows.engine.structures import graph_of
from workflows.exceptions import AppError
from workflows.models import Occurrence, Run, RunTrigger, Task


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
    """Write runs, tasks and occurrences; False, and nothing, when one is refused."""
    fired = [(each, _run_of(each, at)) for each in plain]
    try:
        with transaction.atomic():
            Run.objects.bulk_create([run for _each, run in fired])
            queued = Task.objects.bulk_create(
                [
                    new_task(
                        each.task.workflow,
                        run,
                        node,
                        run.variables,
                        at,
                        source=each.task.activity,
                    )
                    for each, run in fired
                    for node in each.followers
                ]
            )
            Occurrence.objects.bulk_create(
                [runs.queued_occurrence(run, at) for _each, run in fired]
            )
    except IntegrityError:
        return False
    for each in plain:
        each.task.iterations += 1
        planning.set_plan(
            each.task, each.task.workflow, each.schedule, each.decision.next
        )
    _save_plans([each.task for each in plain])
    for name, count in Counter(task.queue for task in queued).items():
        wake(name, count)
    return True


def _run_of(each: _Plain, at: datetime) -> Run:
    instant = each.decision.fire[0]
    return runs.new_run(
        each.task.workflow,
        trigger=RunTrigger.SCHEDULE,
        activity=each.task.activity,
        at=at,
        scheduled_for=instant,
        variables=firing.variables_of(instant, at, each.decision),
    )


def _save_plans(tasks: Sequence[Task]) -> None:
    """Write the next instants of scheduler tasks. One short statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workflows_task t SET iterations = n.iterations,"
            " scheduled_for = n.scheduled_for, process_at = n.process_at"
            " FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[],"
            " %s::timestamptz[]) AS n (id, iterations, scheduled_for, process_at)"
            " WHERE t.id = n.id",
            [
                [task.pk for task in tasks],
                [task.iterations for task in tasks],
                [task.scheduled_for for task in tasks],
                [task.process_at for task in tasks],
            ],
        )
