"""What goes on when a paused workflow does; and restarting from a task.

The caller holds the workflow's row.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from workflows.engine import journal, runs
from workflows.engine.following import announce, follow, new_task
from workflows.engine.graph import Graph
from workflows.engine.structures import current_graph, graph_of
from workflows.models import (
    Occurrence,
    Run,
    RunStatus,
    RunTrigger,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)


def requeue_failed(workflow: Workflow, at: datetime) -> None:
    """Have the failed tasks of failed runs executed once more."""
    failed = workflow.tasks.filter(
        status=TaskStatus.FAILED, run__status=RunStatus.FAILED, run__ended_at=None
    )
    for task in failed:
        task.status = TaskStatus.ACTIVE
        task.substate = Substate.QUEUED
        task.epoch += 1
        task.attempt = min(task.attempt, 1)
        task.retries = 0
        task.busy_seconds = 0
        task.error = task.traceback = ""
        task.process_at = task.enqueued_at = at
        task.completed_at = task.cancel_asked_at = None
        task.save()
    workflow.runs.filter(status=RunStatus.FAILED, ended_at=None).update(
        status=RunStatus.RUNNING, error=""
    )


def adopt_newest_structure(workflow: Workflow) -> None:
    """Let live runs go on in the newest structure, so that a mended one counts.

    A run stays with its own while the newest lacks an activity that it still needs;
    the run of a sub-workflow always does.
    """
    newest = current_graph(workflow)
    if newest is None or workflow.structure is None:
        return
    live = workflow.runs.live().filter(parent_task=None)
    for run in live.exclude(structure=workflow.structure_id):
        active = run.tasks.filter(status=TaskStatus.ACTIVE)
        if newest.by_name.keys() >= set(active.values_list("activity", flat=True)):
            run.structure = workflow.structure
            run.save(update_fields=["structure"])


def follow_on(workflow: Workflow, task: Task, at: datetime) -> bool:
    """Try a task's open outputs again in the newest structure; True: none is left."""
    run, newest = task.run, current_graph(workflow)
    if run is None or newest is None or workflow.structure is None:
        return False
    if task.activity not in newest.by_name:
        return False
    if run.parent_task_id is None:
        run.structure = workflow.structure
        run.save(update_fields=["structure"])
    graph = graph_of(run.structure_id)
    wanted = task.own_variables.get("open") or [task.output]
    left = []
    for output in wanted:
        if graph.after(task.activity, output):
            follow(workflow, run, graph, task.activity, output, task.variables, at)
        else:
            left.append(output)
    task.own_variables = {**task.own_variables, "open": left}
    if not left:
        task.result_label = ""
    task.save(update_fields=["result_label", "own_variables"])
    return not left


def release_held(workflow: Workflow, names: Iterable[str], at: datetime) -> None:
    """Queue the held tasks of activities that are executed normally again."""
    for task in workflow.tasks.filter(
        status=TaskStatus.ACTIVE, substate=Substate.HELD, activity__in=list(names)
    ).select_related("run"):
        task.substate = Substate.QUEUED
        task.process_at = task.enqueued_at = at
        task.save(update_fields=["substate", "process_at", "enqueued_at"])
        if task.run is not None and workflow.state == State.STARTED:
            announce(task, graph_of(task.run.structure_id))


def restart_from(workflow: Workflow, tasks: Iterable[Task], at: datetime) -> list[Run]:
    """Begin a run at each of the ended tasks, with what it was activated with.

    The failed run that a task belongs to is closed: the new one takes its place, and
    its planned instant. Returns the new runs.
    """
    begun = []
    for task in tasks:
        old = task.run
        graph = current_graph(workflow)
        if old is None or graph is None:
            continue
        run = runs.new_run(
            workflow,
            trigger=RunTrigger.COMMAND,
            activity=task.activity,
            at=at,
            scheduled_for=old.scheduled_for,
            variables=task.variables,
        )
        run.origin_task = task
        run.save(force_insert=True)
        if old.status == RunStatus.FAILED:
            _replace(workflow, old, run, at)
        begun.append(_begin_at(workflow, graph, run, task, at))
    return begun


def _replace(workflow: Workflow, old: Run, new: Run, at: datetime) -> None:
    """Close a failed run whose work another one takes over."""
    old.tasks.filter(status=TaskStatus.ACTIVE).update(
        status=TaskStatus.CANCELLED, substate=Substate.NONE, completed_at=at
    )
    Occurrence.objects.filter(run=old).update(run=new)
    old.ended_at = old.ended_at or at
    old.save(update_fields=["ended_at"])
    journal.write(
        workflow,
        "Run %(old)s failed and is replaced by run %(new)s.",
        at=at,
        run=old,
        old=old.pk,
        new=new.pk,
    )


def _begin_at(
    workflow: Workflow, graph: Graph, run: Run, origin: Task, at: datetime
) -> Run:
    task = new_task(
        workflow,
        run,
        graph.by_name[origin.activity],
        origin.variables,
        at,
        source=origin.source,
    )
    task.save(force_insert=True)
    announce(task, graph)
    return run
