"""Sub-workflows: a run of another workflow's structure, for a task that waits.

The run belongs to the calling workflow, so that its pause, stop and errors govern it
and its journal tells of it; the called workflow's own state does not change.
Source: sub-workflow.md; that nothing is copied is our choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workflows.activities import find_type
from workflows.engine import lifecycle, runs, shape
from workflows.engine.failing import Failure, fail_task
from workflows.engine.following import enter
from workflows.engine.graph import Graph
from workflows.engine.structures import graph_of
from workflows.models import Run, RunTrigger, Task, Workflow

DEEPEST = 5


def begin(
    workflow: Workflow,
    task: Task,
    called_name: str,
    variables: Mapping[str, Any],
    at: datetime,
) -> None:
    """Begin the run that ``task`` waits for; a fault fails the task."""
    called = Workflow.objects.filter(internal_name=called_name).first()
    fault = _fault(task, called, called_name)
    if fault or called is None or called.structure_id is None:
        fail_task(workflow, task, Failure(fault, ""), at)
        return
    run = Run.objects.create(
        workflow=workflow,
        structure_id=called.structure_id,
        trigger=RunTrigger.PARENT,
        trigger_activity=task.activity,
        created_at=at,
        variables=dict(variables),
        parent_task=task,
        is_simulation=bool(task.run and task.run.is_simulation),
    )
    graph = graph_of(called.structure_id)
    enter(workflow, run, graph, entries(graph), run.variables, at)
    if not runs.has_active_task(run):
        runs.finish(workflow, run, at)
        lifecycle.after_run(workflow, run, at)


def _fault(task: Task, called: Workflow | None, name: str) -> str:
    if called is None or called.structure_id is None:
        return f"There is no workflow {name} to call; choose another one."
    ancestors = _structures_above(task)
    if called.pk in ancestors:
        return f"{name} would call itself; take it out of the chain of sub-workflows."
    if len(ancestors) > DEEPEST:
        return f"More than {DEEPEST} sub-workflows call each other."
    return ""


def _structures_above(task: Task) -> list[int]:
    """Return the workflows whose structures the calling runs execute."""
    found: list[int] = []
    run = task.run
    while run is not None and len(found) <= DEEPEST + 1:
        found.append(run.structure.workflow_id)
        run = run.parent_task.run if run.parent_task is not None else None
    return found


def entries(graph: Graph) -> list[str]:
    """Return where a called structure begins: its lowest entry, else all beginnings."""
    jumps = shape.entries(graph)
    if jumps:
        return [min(jumps, key=lambda node: int(node.parameters["number"])).name]
    initial = shape.beginnings(graph)
    plain = [n for n in initial if not find_type(n.type).is_persistent]
    return [node.name for node in plain or initial]
