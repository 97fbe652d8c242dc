"""The life of a workflow: begin, rest, go on, end.

Each function expects the workflow's row locked by the caller's transaction and
leaves it saved. Commands (``workflows.actions``) and the end of a task come here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F

from workflows import queue
from workflows.activities import find_type
from workflows.engine import firing, journal, planning, runs
from workflows.engine.graph import Graph
from workflows.engine.validation import parse
from workflows.models import (
    Command,
    CommandStatus,
    Level,
    PauseReason,
    Run,
    RunStatus,
    RunTrigger,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

#: States that wait for running tasks to end.
_WAITING = (State.PAUSE_REQUESTED, State.STOP_REQUESTED, State.RESTART_REQUESTED)


def begin(
    workflow: Workflow, *, at: datetime, operator: Any = None, keep_variables: bool
) -> None:
    """Start from the beginning: activate every initial activity.

    Raises InvalidInput when the structure has faults.
    """
    graph = parse(runs.structure_of(workflow).graph, is_technical=workflow.is_technical)
    if not keep_variables:
        workflow.variables = {}
    workflow.failed = False
    workflow.paused_at = None
    workflow.pause_reason = ""
    workflow.consecutive_errors = 0
    workflow.last_start = at
    workflow.started_by = operator
    workflow.state = State.STARTED
    author = operator.get_username() if operator else ""
    journal.write(workflow, "Workflow started.", at=at, operator=author)
    plain = [n for n in graph.initial if not find_type(n.type).is_persistent]
    for node in graph.initial:
        if node not in plain:
            activate_persistent(workflow, graph, node.name, at)
    if plain:
        workflow.state = State.START_PENDING
    workflow.save()
    if plain:
        _begin_plain(workflow, graph, [n.name for n in plain], at)
    queue.wake_clock()


def _begin_plain(
    workflow: Workflow, graph: Graph, names: list[str], at: datetime
) -> None:
    """Begin the run of the initial activities that wait for nothing."""
    run = Run.objects.create(
        workflow=workflow,
        structure=runs.structure_of(workflow),
        trigger=RunTrigger.COMMAND,
        created_at=at,
    )
    wakes: dict[str, int] = {}
    for name in names:
        node = graph.by_name[name]
        if find_type(node.type).is_instant:
            runs.follow(workflow, run, graph, name, "ok", {}, at)
        else:
            runs.queue_task(workflow, run, node, {}, at, wakes)
    for name, count in wakes.items():
        runs.wake(name, count)
    if not runs.has_active_task(run):
        workflow.state = State.STARTED
        workflow.save(update_fields=["state"])
        runs.finish(workflow, run, at)
        finish_if_over(workflow, at)


def activate_persistent(
    workflow: Workflow, graph: Graph, name: str, at: datetime
) -> Task:
    """Create the one task of a scheduler or signal that waits from now on."""
    node = graph.by_name[name]
    task = Task(
        workflow=workflow,
        activity=name,
        activity_type=node.type,
        substate=Substate.WAITING,
        created_at=at,
    )
    if node.type == "scheduler":
        task.substate = Substate.PENDING
        schedule = planning.schedule_in(graph, name)
        planned = planning.first_planned(workflow, schedule, at)
        planning.set_plan(task, workflow, schedule, planned)
        if planned is None:
            journal.write(
                workflow,
                "The schedule has no further instant.",
                at=at,
                level=Level.WARNING,
                activity=name,
            )
    task.save()
    return task


def resume(workflow: Workflow, *, at: datetime, operator: Any = None) -> None:
    """Go on where the workflow stopped; a failed task is executed once more.

    Instants that passed meanwhile follow the schedule's policy for a resume.
    """
    workflow.state = State.STARTED
    workflow.failed = False
    workflow.paused_at = None
    workflow.pause_reason = ""
    workflow.save()
    author = operator.get_username() if operator else ""
    journal.write(workflow, "Workflow resumed.", at=at, operator=author)
    failed = workflow.tasks.filter(
        status=TaskStatus.FAILED, run__status=RunStatus.FAILED
    )
    for task in failed:
        task.status = TaskStatus.ACTIVE
        task.substate = Substate.QUEUED
        task.epoch += 1
        task.error = task.traceback = ""
        task.process_at = task.enqueued_at = at
        task.completed_at = None
        task.save()
    workflow.runs.filter(status=RunStatus.FAILED).update(
        status=RunStatus.RUNNING, error=""
    )
    _adopt_newest_structure(workflow)
    for task in unterminated(workflow):
        _follow_on(workflow, task, at)
    for task in workflow.tasks.filter(
        status=TaskStatus.ACTIVE,
        activity_type="scheduler",
        substate=Substate.PENDING,
        process_at__lte=at,
    ):
        firing.fire_schedule(workflow, task, at, held=True)
    announce_queued(workflow)
    queue.wake_clock()


def _adopt_newest_structure(workflow: Workflow) -> None:
    """Let live runs go on in the newest structure, so that a mended one counts.

    A run stays with its own while the newest lacks an activity that it still needs.
    """
    if workflow.structure is None:
        return
    known = Graph.of(workflow.structure.graph).by_name
    live = workflow.runs.filter(status__in=RunStatus.live())
    for run in live.exclude(structure=workflow.structure):
        active = run.tasks.filter(status=TaskStatus.ACTIVE)
        if known.keys() >= set(active.values_list("activity", flat=True)):
            run.structure = workflow.structure
            run.save(update_fields=["structure"])


def unterminated(workflow: Workflow) -> list[Task]:
    """Return the tasks whose output led nowhere when they ended."""
    return list(
        workflow.tasks.filter(
            status=TaskStatus.COMPLETED, result_label="unterminated"
        ).select_related("run__structure")
    )


def _follow_on(workflow: Workflow, task: Task, at: datetime) -> None:
    """Try a task's output again, in the newest structure of the workflow."""
    run = task.run
    if run is None or workflow.structure is None:
        return
    run.structure = workflow.structure
    run.save(update_fields=["structure"])
    graph = Graph.of(workflow.structure.graph)
    if runs.follow(
        workflow, run, graph, task.activity, task.output, task.variables, at
    ):
        task.result_label = ""
        task.save(update_fields=["result_label"])
        if not runs.has_active_task(run):
            runs.finish(workflow, run, at)
    else:
        pause(workflow, at=at, reason=PauseReason.UNTERMINATED)


def announce_queued(workflow: Workflow) -> None:
    """Wake the workers for every queued task of the workflow."""
    waiting = workflow.tasks.filter(status=TaskStatus.ACTIVE, substate=Substate.QUEUED)
    for name in set(waiting.values_list("queue", flat=True)):
        runs.wake(name, waiting.filter(queue=name).count())


def has_running_task(workflow: Workflow) -> bool:
    """Return whether a worker is executing a task of the workflow."""
    return workflow.tasks.filter(
        status=TaskStatus.ACTIVE, substate=Substate.RUNNING
    ).exists()


def pause(
    workflow: Workflow, *, at: datetime, reason: PauseReason = PauseReason.OPERATOR
) -> None:
    """Activate nothing more; what runs goes on to its end."""
    workflow.pause_reason = reason
    if has_running_task(workflow):
        workflow.state = State.PAUSE_REQUESTED
    else:
        workflow.state = State.PAUSED
        workflow.paused_at = at
    workflow.save()


def stop(workflow: Workflow, *, at: datetime, begin_again: bool = False) -> None:
    """Cancel what waits; end at once, or when the running tasks have ended."""
    firing.account_held(workflow, at)
    _cancel_waiting(workflow, at)
    workflow.failed = False
    workflow.paused_at = None
    workflow.pause_reason = ""
    workflow.state = State.RESTART_REQUESTED if begin_again else State.STOP_REQUESTED
    workflow.save()
    settle(workflow, at)


def kill(workflow: Workflow, *, at: datetime) -> None:
    """End now, without waiting for any worker; late results are refused."""
    firing.account_held(workflow, at)
    workflow.tasks.filter(status=TaskStatus.ACTIVE).update(
        status=TaskStatus.CANCELLED,
        substate=Substate.NONE,
        epoch=F("epoch") + 1,
        completed_at=at,
    )
    workflow.failed = False
    workflow.paused_at = None
    workflow.pause_reason = ""
    _end(workflow, at)


def settle(workflow: Workflow, at: datetime) -> None:
    """Complete a pause, stop or restart that waited for the running tasks."""
    if workflow.state not in _WAITING or has_running_task(workflow):
        return
    if workflow.state == State.PAUSE_REQUESTED:
        workflow.state = State.PAUSED
        workflow.paused_at = at
        workflow.save()
    elif workflow.state == State.STOP_REQUESTED:
        _end(workflow, at)
    else:
        _end(workflow, at)
        operator = _who_asked(workflow)
        begin(workflow, at=at, operator=operator, keep_variables=True)
    workflow.commands.filter(status=CommandStatus.REQUESTED).update(
        status=CommandStatus.APPLIED, applied_at=at, state_after=workflow.state
    )


def finish_if_over(workflow: Workflow, at: datetime) -> None:
    """Finish a workflow that has nothing left to wait for or to do."""
    if (
        workflow.state == State.STARTED
        and not workflow.tasks.filter(status=TaskStatus.ACTIVE).exists()
    ):
        _end(workflow, at)


def fail(workflow: Workflow, run: Run, *, at: datetime, error: str) -> None:
    """Put the workflow in error: nothing more begins until a person decides."""
    run.status = RunStatus.FAILED
    run.error = error
    run.save()
    workflow.state = State.PAUSED
    workflow.failed = True
    workflow.paused_at = at
    workflow.pause_reason = PauseReason.ERROR
    workflow.save()
    journal.write(
        workflow,
        "The workflow is in error: its policy is to stop the process.",
        at=at,
        level=Level.ERROR,
        run=run,
    )


def _who_asked(workflow: Workflow) -> Any:
    command: Command | None = (
        workflow.commands.filter(status=CommandStatus.REQUESTED)
        .select_related("requested_by")
        .first()
    )
    return command.requested_by if command else None


def _cancel_waiting(workflow: Workflow, at: datetime) -> None:
    workflow.tasks.filter(status=TaskStatus.ACTIVE).exclude(
        substate=Substate.RUNNING
    ).update(status=TaskStatus.CANCELLED, substate=Substate.NONE, completed_at=at)


def _end(workflow: Workflow, at: datetime) -> None:
    """Set the workflow finished and close everything it still had open."""
    for run in workflow.runs.filter(status__in=RunStatus.live()):
        runs.cancel(run, at)
    workflow.signals.filter(consumed_at__isnull=True).update(consumed_at=at)
    workflow.tasks.filter(
        status=TaskStatus.COMPLETED, result_label="unterminated"
    ).update(result_label="")
    workflow.state = State.FINISHED
    workflow.last_finish = at
    workflow.save()
    journal.write(workflow, "Workflow finished.", at=at)
