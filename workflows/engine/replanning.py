"""Making a changed structure take effect without triggering anything."""

from __future__ import annotations

from datetime import datetime

from workflows import queue
from workflows.engine import firing, journal, lifecycle, planning, resuming
from workflows.engine.graph import Execution, Graph, Options
from workflows.models import State, Substate, Task, TaskStatus, Workflow

PLANNED_STATES = (State.STARTED, State.PAUSED)


def adopt_structure(workflow: Workflow, graph: Graph, at: datetime) -> None:
    """Give every scheduler and signal of ``graph`` its one waiting task.

    New ones are created, changed schedules are planned anew from now on, and tasks
    of removed ones are cancelled. The caller holds the workflow.
    """
    if workflow.state not in PLANNED_STATES:
        return
    waiting = {
        task.activity: task
        for task in workflow.tasks.filter(status=TaskStatus.ACTIVE, run__isnull=True)
    }
    for node in graph.initial:
        if node.type not in ("scheduler", "signal"):
            continue
        task = waiting.pop(node.name, None)
        if task is None:
            lifecycle.activate_persistent(workflow, graph, node.name, at)
        elif node.type == "scheduler":
            replan(workflow, graph, task, at)
    for task in waiting.values():
        task.status = TaskStatus.CANCELLED
        task.substate = Substate.NONE
        task.completed_at = at
        task.save()
    release_held(workflow, graph, at)
    queue.wake_clock()


def release_held(workflow: Workflow, graph: Graph, at: datetime) -> None:
    """Queue the held tasks of activities that ``graph`` executes normally again."""
    normal = [
        node.name
        for node in graph.nodes
        if Options.of(node).execution is Execution.NORMAL
    ]
    resuming.release_held(workflow, normal, at)


def replan(workflow: Workflow, graph: Graph, task: Task, at: datetime) -> None:
    """Plan a scheduler task anew if its schedule or zone is another one now.

    Instants that have come already get their outcome; the journal tells the old and
    the new instant.
    """
    schedule = planning.schedule_in(graph, task.activity)
    zone = planning.zone_of(workflow, schedule)
    if planning.plan_of(task) == planning.Plan(schedule, zone):
        return
    before = task.scheduled_for
    firing.account(workflow, task, at, firing.edit_hold(workflow))
    planning.set_plan(
        task,
        workflow,
        schedule,
        planning.first_planned(workflow, task.activity, schedule, at),
    )
    planning.keep_plan(task, workflow, schedule)
    task.iterations = 0
    task.save(
        update_fields=["scheduled_for", "process_at", "iterations", "own_variables"]
    )
    if task.scheduled_for != before:
        journal.write(
            workflow,
            "The next run was planned for %(before)s; it is now planned for %(after)s.",
            at=at,
            task=task,
            before=before.isoformat() if before else "-",
            after=task.scheduled_for.isoformat() if task.scheduled_for else "-",
        )
