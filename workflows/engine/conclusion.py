"""Writing what came of a task.

One transaction under the workflow's row lock, guarded by the task's epoch: a result
that comes after the task was taken over, or ended by an operator, is refused.
"""

from __future__ import annotations

import traceback
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from workflows.activities import find_type
from workflows.engine import (
    children,
    failing,
    going_on,
    journal,
    lifecycle,
    runs,
)
from workflows.engine.context import TaskContext
from workflows.engine.failing import Failure
from workflows.engine.following import follow
from workflows.engine.structures import graph_of
from workflows.exceptions import AppError
from workflows.models import (
    Level,
    Run,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)
from workflows.registry import Again, Done, Emission, Result, Wait

REPORT = (
    "%(name)s: %(read)s read, %(written)s written, %(rejected)s rejected"
    " in %(seconds)s s."
)
SUMS = "_sums"

Outcome = Result | Failure | None


def conclude(task: Task, outcome: Outcome, context: TaskContext | None) -> None:
    """Write the outcome, and what follows from it, in one transaction."""
    at = timezone.now()
    with transaction.atomic():
        workflow = (
            Workflow.objects.select_for_update(of=("self",))
            .select_related("structure")
            .get(pk=task.workflow_id)
        )
        current = (
            Task.objects.select_for_update(of=("self",))
            .select_related("run")
            .filter(
                pk=task.pk,
                epoch=task.epoch,
                status=TaskStatus.ACTIVE,
                substate=Substate.RUNNING,
            )
            .first()
        )
        if current is None or current.run is None:
            _refuse(workflow, task, at)
            return
        current.workflow = workflow
        _take_from(context, workflow, current, at)
        try:
            with transaction.atomic():
                _write(workflow, current, current.run, outcome, context, at)
        except AppError as error:
            # What follows is at fault, not the activity; its effect stands.
            failure = Failure(error.message, traceback.format_exc())
            workflow.refresh_from_db()
            current.refresh_from_db()
            failing.fail_task(workflow, current, failure, at)
        lifecycle.settle(workflow, at)


def _refuse(workflow: Workflow, task: Task, at: datetime) -> None:
    journal.write(
        workflow,
        "A late result of %(name)s was refused; the task was taken over.",
        at=at,
        level=Level.WARNING,
        name=task.activity,
    )


def _take_from(
    context: TaskContext | None, workflow: Workflow, task: Task, at: datetime
) -> None:
    """Write what the activity left in its context: lines and variables."""
    task.busy_seconds += _seconds(task, at)
    if context is None:
        return
    context.write_lines()
    task.own_variables = {**context.own, **_kept_sums(task)}
    if context.lines_dropped:
        journal.write(
            workflow,
            "%(count)s more lines were left out.",
            at=at,
            run=task.run,
            task=task,
            count=context.lines_dropped,
        )
    if context.instance_changes:
        workflow.variables = {**workflow.variables, **context.instance_changes}
        workflow.save(update_fields=["variables"])


def _kept_sums(task: Task) -> dict[str, Any]:
    return {k: v for k, v in task.own_variables.items() if k == SUMS}


def _seconds(task: Task, at: datetime) -> float:
    return max(0.0, (at - (task.started_at or at)).total_seconds())


def _write(
    workflow: Workflow,
    task: Task,
    run: Run,
    outcome: Outcome,
    context: TaskContext | None,
    at: datetime,
) -> None:
    stopping = workflow.state in (State.STOP_REQUESTED, State.RESTART_REQUESTED)
    if stopping or task.cancel_asked_at is not None or outcome is None:
        _cancelled(workflow, task, run, outcome, at)
    elif isinstance(outcome, Failure):
        failing.fail_task(workflow, task, outcome, at)
    elif isinstance(outcome, Again):
        _again(workflow, task, run, outcome, at)
    elif isinstance(outcome, Wait):
        _wait(workflow, task, run, outcome, context, at)
    else:
        _done(workflow, task, run, outcome, context, at)


def _cancelled(
    workflow: Workflow, task: Task, run: Run, outcome: Outcome, at: datetime
) -> None:
    """Close a task that was cancelled; its output, if any, is discarded."""
    if isinstance(outcome, Failure):
        journal.write(
            workflow,
            "%(name)s was cancelled while it worked: %(error)s",
            at=at,
            level=Level.WARNING,
            task=task,
            run=run,
            name=task.activity,
            error=outcome.message,
        )
    task.status = TaskStatus.CANCELLED
    task.substate = Substate.NONE
    task.completed_at = at
    task.save()
    if workflow.state in (State.STOP_REQUESTED, State.RESTART_REQUESTED):
        return
    if not runs.has_active_task(run):
        runs.cancel(run, at, reason=run.skip_reason or "cancelled")
        lifecycle.after_run(workflow, run, at)


def _count(run: Run, result: Again | Done) -> None:
    run.read_count += result.read
    run.written_count += result.written
    run.rejected_count += result.rejected


def _again(
    workflow: Workflow, task: Task, run: Run, result: Again, at: datetime
) -> None:
    """Give the task back; it goes on after others had their turn."""
    _count(run, result)
    sums = task.own_variables.get(SUMS, {})
    task.own_variables[SUMS] = {
        name: sums.get(name, 0) + getattr(result, name)
        for name in ("read", "written", "rejected")
    }
    task.record_count = (task.record_count or 0) + result.count
    _emit(workflow, task, run, result.emissions, at)
    going_on.put_off(workflow, task, run, at + result.after, at)


def _wait(
    workflow: Workflow,
    task: Task,
    run: Run,
    result: Wait,
    context: TaskContext | None,
    at: datetime,
) -> None:
    """Let the task wait, without a worker, for its instant or for a call."""
    _emit(workflow, task, run, result.emissions, at)
    if result.until is not None:
        going_on.put_off(workflow, task, run, max(result.until, at), at)
    else:
        task.attempt = 0
        task.substate = Substate.WAITING
        task.process_at = None
        task.save()
        run.save()
    if context is not None and context.child is not None:
        children.begin(workflow, task, *context.child, at)


def _emit(
    workflow: Workflow,
    task: Task,
    run: Run,
    emissions: tuple[Emission, ...],
    at: datetime,
) -> None:
    graph = graph_of(run.structure_id)
    for emission in emissions:
        values = {**task.variables, **emission.variables}
        follow(workflow, run, graph, task.activity, emission.output, values, at)


def report_parameters(task: Task, result: Done, at: datetime) -> dict[str, Any]:
    """Return what REPORT tells of a task that came to its end."""
    sums = task.own_variables.get(SUMS, {})
    return {
        "name": task.activity,
        "read": sums.get("read", 0) + result.read,
        "written": sums.get("written", 0) + result.written,
        "rejected": sums.get("rejected", 0) + result.rejected,
        "seconds": f"{max(task.busy_seconds, _seconds(task, at)):.2f}",
    }


def _done(
    workflow: Workflow,
    task: Task,
    run: Run,
    result: Done,
    context: TaskContext | None,
    at: datetime,
) -> None:
    _count(run, result)
    total = (task.record_count or 0) + result.count
    run.is_idle = result.is_idle and not total
    task.status = TaskStatus.COMPLETED
    task.substate = Substate.NONE
    task.completed_at = at
    task.output = result.output
    task.result_label = result.label
    task.record_count = total
    task.save()
    if not run.is_idle and not task.is_simulated:
        journal.write(
            workflow,
            REPORT,
            at=at,
            run=run,
            task=task,
            **report_parameters(task, result, at),
        )
    kind = find_type(task.activity_type)
    node = graph_of(run.structure_id).by_name.get(task.activity)
    if node is not None and kind.ends_workflow(node.parameters):
        run.save()
        if not runs.has_active_task(run):
            runs.finish(workflow, run, at)
        lifecycle.stop(workflow, at=at)
        return
    given = context.variables["vars"] if context else task.variables
    going_on.go_on(
        workflow, task, run, result.output, {**given, **result.variables}, at
    )
