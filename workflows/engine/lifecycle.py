"""The life of a workflow: begin, rest, go on, end.

Each function expects the workflow's row locked by the caller's transaction and
leaves it saved. Commands (``workflows.actions``) and the end of a task come here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from workflows import queue
from workflows.activities import find_type
from workflows.engine import (
    ending,
    firing,
    firing_signals,
    journal,
    limits,
    notifications,
    planning,
    resuming,
    runs,
    shape,
    surroundings,
    waking,
)
from workflows.engine.findings import FindingLevel
from workflows.engine.following import UNTERMINATED, enter
from workflows.engine.graph import Graph
from workflows.engine.structures import graph_of
from workflows.engine.validation import parse, refuse
from workflows.exceptions import InvalidInput
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
    workflow: Workflow,
    *,
    at: datetime,
    operator: Any = None,
    variables: dict[str, Any] | None = None,
) -> None:
    """Start from the beginning: activate every initial activity.

    ``variables`` become those of the instance; None keeps the ones it has. Raises
    InvalidInput when the structure has faults.
    """
    graph = _fit_graph(workflow, at)
    _take_on(workflow, at, operator)
    if variables is not None:
        workflow.variables = variables
    workflow.simulation = False
    author = operator.get_username() if operator else ""
    journal.write(workflow, "Workflow started.", at=at, operator=author)
    initial = shape.beginnings(graph)
    plain = [n.name for n in initial if not find_type(n.type).is_persistent]
    for node in initial:
        if node.name not in plain:
            activate_persistent(workflow, graph, node.name, at)
    if plain:
        workflow.state = first_state()
    workflow.save()
    if plain:
        _enter(workflow, plain, at)
    queue.wake_clock()


def simulate(
    workflow: Workflow, *, at: datetime, operator: Any, variables: dict[str, Any]
) -> None:
    """Run once without effect: what has one tells what it would do.

    Schedulers and signals are passed at once. Raises InvalidInput when the
    structure has faults.
    """
    graph = _fit_graph(workflow, at)
    _take_on(workflow, at, operator)
    workflow.variables = variables
    workflow.simulation = True
    workflow.state = first_state()
    workflow.save()
    author = operator.get_username() if operator else ""
    journal.write(workflow, "Simulation started.", at=at, operator=author)
    _enter(workflow, [node.name for node in shape.beginnings(graph)], at)


def _fit_graph(workflow: Workflow, at: datetime) -> Graph:
    """Return the graph; raises InvalidInput with all that keeps it from starting."""
    stored = runs.structure_of(workflow).graph
    graph = parse(stored, is_technical=workflow.is_technical)
    found = surroundings.find_faults(graph, internal_name=workflow.internal_name, at=at)
    refuse([finding for finding in found if finding.level != FindingLevel.WARNING])
    return graph


def first_state() -> State:
    """Return the state of a start whose first task waits for a worker."""
    return State.START_ASAP if limits.is_full() else State.START_PENDING


def _take_on(workflow: Workflow, at: datetime, operator: Any) -> None:
    """Set what every start sets; unsaved."""
    ending.forget_pause(workflow)
    workflow.failed = False
    workflow.consecutive_errors = 0
    workflow.ignored_errors = 0
    workflow.ignored_since = None
    workflow.restart_count = 0
    workflow.restart_at = None
    workflow.stops_after_run = False
    workflow.last_start = at
    workflow.started_by = operator
    if not workflow.is_technical and workflow.run_as_id is None:
        workflow.run_as = operator
    workflow.state = State.STARTED


def _enter(workflow: Workflow, names: list[str], at: datetime) -> None:
    """Begin the run of the given initial activities."""
    run = runs.new_run(workflow, trigger=RunTrigger.COMMAND, activity="", at=at)
    run.save(force_insert=True)
    graph = graph_of(run.structure_id)
    followed = enter(workflow, run, graph, names, {}, at)
    if followed.is_open:
        pause(workflow, at=at, reason=PauseReason.UNTERMINATED)
    elif not runs.has_active_task(run):
        workflow.state = State.STARTED
        workflow.save(update_fields=["state"])
        runs.finish(workflow, run, at)
        after_run(workflow, run, at)


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
        planned = planning.first_planned(workflow, name, schedule, at)
        planning.set_plan(task, workflow, schedule, planned)
        planning.keep_plan(task, workflow, schedule)
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
    hold = firing.pause_hold(workflow)
    never_ran = workflow.runs.filter(
        status=RunStatus.QUEUED, is_waiting=False, trigger=RunTrigger.COMMAND
    ).exists()
    workflow.state = first_state() if never_ran else State.STARTED
    workflow.failed = False
    workflow.restart_at = None
    ending.forget_pause(workflow)
    workflow.save()
    author = operator.get_username() if operator else ""
    journal.write(workflow, "Workflow resumed.", at=at, operator=author)
    resuming.requeue_failed(workflow, at)
    resuming.adopt_newest_structure(workflow)
    ended = []
    for task in unterminated(workflow):
        if resuming.follow_on(workflow, task, at):
            if task.run and not runs.has_active_task(task.run):
                runs.finish(workflow, task.run, at)
                ended.append(task.run)
        else:
            pause(workflow, at=at, reason=PauseReason.UNTERMINATED)
    for run in ended:
        after_run(workflow, run, at)
    if not workflow.stops_after_run:
        fire_held(workflow, at, hold)
    elif runs.live_run(workflow) is None:
        stop(workflow, at=at)
        return
    finish_if_over(workflow, at)
    waking.announce_queued(workflow)
    queue.wake_clock()


def fire_held(workflow: Workflow, at: datetime, hold: firing.Hold) -> None:
    """Fire the schedulers whose instants have come during a hold."""
    for task in workflow.tasks.filter(
        status=TaskStatus.ACTIVE,
        activity_type="scheduler",
        substate=Substate.PENDING,
        process_at__lte=at,
    ):
        firing.fire_schedule(workflow, task, at, hold=hold)


def unterminated(workflow: Workflow) -> list[Task]:
    """Return the tasks whose output led nowhere when they ended."""
    return list(
        workflow.tasks.filter(
            status=TaskStatus.COMPLETED,
            result_label=UNTERMINATED,
            run__status__in=RunStatus.live(),
            run__ended_at=None,
        ).select_related("run__structure")
    )


def has_running_task(workflow: Workflow) -> bool:
    """Return whether a worker is executing a task of the workflow."""
    return workflow.tasks.filter(
        status=TaskStatus.ACTIVE, substate=Substate.RUNNING
    ).exists()


def pause(
    workflow: Workflow,
    *,
    at: datetime,
    reason: PauseReason = PauseReason.OPERATOR,
    author: str = "",
    comment: str = "",
    until: datetime | None = None,
    remind_at: datetime | None = None,
) -> None:
    """Activate nothing more; what runs goes on to its end.

    ``until`` is when the workflow resumes by itself, ``remind_at`` when its
    supervisors are reminded of it.
    """
    workflow.pause_reason = reason
    workflow.paused_by = author
    workflow.pause_comment = comment
    workflow.resume_at = until
    workflow.remind_at = remind_at
    if has_running_task(workflow):
        workflow.state = State.PAUSE_REQUESTED
    else:
        workflow.state = State.PAUSED
        workflow.paused_at = at
    workflow.save()


def drain(workflow: Workflow, *, at: datetime) -> None:
    """Let no further run begin; stop when the live ones have ended."""
    workflow.stops_after_run = True
    workflow.save(update_fields=["stops_after_run"])
    if runs.live_run(workflow) is None:
        stop(workflow, at=at)


def stop(workflow: Workflow, *, at: datetime, begin_again: bool = False) -> None:
    """Cancel what waits; end at once, or when the running tasks have ended."""
    firing.account_held(workflow, at)
    ending.cancel_waiting(workflow, at)
    workflow.tasks.filter(status=TaskStatus.ACTIVE, cancel_asked_at=None).update(
        cancel_asked_at=at
    )
    workflow.failed = False
    workflow.restart_at = None
    ending.forget_pause(workflow)
    workflow.state = State.RESTART_REQUESTED if begin_again else State.STOP_REQUESTED
    workflow.save()
    settle(workflow, at)
    if workflow.state in _WAITING:
        queue.wake_clock()  # it cancels the SQL of what does not end by itself


def settle(workflow: Workflow, at: datetime) -> None:
    """Complete a pause, stop or restart that waited for the running tasks."""
    if workflow.state not in _WAITING or has_running_task(workflow):
        return
    if workflow.state == State.PAUSE_REQUESTED:
        workflow.state = State.PAUSED
        workflow.paused_at = at
        workflow.save()
    elif workflow.state == State.STOP_REQUESTED:
        ending.end(workflow, at)
    else:
        ending.end(workflow, at)
        _begin_again(workflow, at)
    workflow.commands.filter(status=CommandStatus.REQUESTED).update(
        status=CommandStatus.APPLIED, applied_at=at, state_after=workflow.state
    )


def _begin_again(workflow: Workflow, at: datetime) -> None:
    """Start anew for the restart that waited for the running tasks."""
    order = _open_order(workflow)
    wanted = order.parameters if order else {}
    operator = order.requested_by if order else None
    if wanted.get("same_user"):
        operator = workflow.started_by or operator
    clears = bool(wanted.get("clear_variables"))
    try:
        with transaction.atomic():
            begin(workflow, at=at, operator=operator, variables={} if clears else None)
    except InvalidInput as error:
        workflow.refresh_from_db()
        faults = "; ".join(f"{fault.field}: {fault.message}" for fault in error.faults)
        journal.write(
            workflow,
            "The workflow could not start again: %(faults)s",
            at=at,
            level=Level.ERROR,
            faults=faults,
        )


def after_run(workflow: Workflow, run: Run, at: datetime) -> None:
    """Let go on what waited for the end of a run: its caller, the next, the end."""
    if run.parent_task is not None and run.parent_task.status == TaskStatus.ACTIVE:
        waking.call_again(run.parent_task, at)
        return
    if run.status == RunStatus.FINISHED:
        notifications.run_succeeded(workflow, run, at)
    if workflow.state != State.STARTED:
        return
    if workflow.stops_after_run and runs.live_run(workflow) is None:
        stop(workflow, at=at)
        return
    if not firing.begin_waiting(workflow, at):
        firing_signals.fire_signals(workflow, at)
    finish_if_over(workflow, at)


def finish_if_over(workflow: Workflow, at: datetime) -> None:
    """Finish a workflow that has nothing left to wait for or to do."""
    if (
        workflow.state == State.STARTED
        and not workflow.tasks.filter(status=TaskStatus.ACTIVE).exists()
        and not workflow.runs.live().exists()
        and not workflow.signals.filter(consumed_at=None).exists()
    ):
        ending.end(workflow, at)


def _open_order(workflow: Workflow) -> Command | None:
    """Return the command that waits for the running tasks."""
    found: Command | None = (
        workflow.commands.filter(status=CommandStatus.REQUESTED)
        .select_related("requested_by")
        .first()
    )
    return found
