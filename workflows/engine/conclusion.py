"""Writing what came of a task, and deciding what an error does (§ 8.1).

One transaction under the workflow's row lock, guarded by the task's epoch: a result
that comes after the task was taken over, or ended by an operator, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from workflows.activities import find_type
from workflows.engine import children, journal, lifecycle, notifications, runs
from workflows.engine.context import TaskContext
from workflows.engine.following import (
    UNTERMINATED,
    announce,
    follow,
    note_unterminated,
)
from workflows.engine.graph import ERROR_OUTPUT, Graph, OnError, Options
from workflows.engine.structures import graph_of
from workflows.models import (
    Level,
    OccurrenceOutcome,
    PauseReason,
    Run,
    RunStatus,
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
LONGEST_RETRY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task failed, in one sentence and for a developer.

    ``is_passing``: files, network, database or time are to blame, so that the same
    task may succeed later; otherwise something is configured wrong.
    """

    message: str
    trace: str
    is_passing: bool = False


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
        _write(workflow, current, current.run, outcome, context, at)
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
    context.flush()
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
        fail_task(workflow, task, outcome, at)
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
    _put_off(workflow, task, run, at + result.after, at)


def _put_off(
    workflow: Workflow, task: Task, run: Run, until: datetime, at: datetime
) -> None:
    """Have the task called again at ``until``."""
    later = until > at
    task.attempt = 0
    task.substate = Substate.PENDING if later else Substate.QUEUED
    task.process_at = until
    task.enqueued_at = at
    task.save()
    run.status = RunStatus.DEFERRED if later else RunStatus.RUNNING
    run.next_attempt_at = until if later else None
    run.save()
    if not later:
        announce(task, graph_of(run.structure_id))


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
        _put_off(workflow, task, run, max(result.until, at), at)
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
    given = context.variables["vars"] if context else task.variables
    _go_on(workflow, task, run, result.output, {**given, **result.variables}, at)
    kind = find_type(task.activity_type)
    node = graph_of(run.structure_id).by_name.get(task.activity)
    if node is not None and kind.ends_workflow(node.parameters):
        lifecycle.stop(workflow, at=at)


def _go_on(
    workflow: Workflow,
    task: Task,
    run: Run,
    output: str,
    variables: dict[str, Any],
    at: datetime,
) -> None:
    """Activate what follows, and close the run when nothing does."""
    graph = graph_of(run.structure_id)
    followed = follow(workflow, run, graph, task.activity, output, variables, at)
    if followed.open_ends:
        task.result_label = UNTERMINATED
        task.own_variables = {**task.own_variables, "open": list(followed.open_ends)}
        task.variables = variables
        task.save(update_fields=["result_label", "own_variables", "variables"])
        note_unterminated(workflow, task, list(followed.open_ends), at)
    run.save()
    if followed.ends_workflow:
        lifecycle.stop(workflow, at=at)
        return
    if followed.is_open:
        if workflow.state == State.STARTED:
            lifecycle.pause(workflow, at=at, reason=PauseReason.UNTERMINATED)
        return
    close_if_over(workflow, run, at)


def close_if_over(workflow: Workflow, run: Run, at: datetime) -> None:
    """Finish a run that has nothing left to do, and let the next one begin."""
    statuses = runs.open_or_failed(run)
    if TaskStatus.ACTIVE in statuses:
        return
    runs.finish(workflow, run, at, has_failures=bool(statuses))
    lifecycle.after_run(workflow, run, at)


def fail_task(workflow: Workflow, task: Task, failure: Failure, at: datetime) -> None:
    """Decide what a failure does: retry, error output, ignore, stop or abort."""
    run = task.run
    if run is None:
        return
    graph = graph_of(run.structure_id)
    node = graph.by_name.get(task.activity)
    options = Options.of(node) if node else Options()
    if failure.is_passing and _retry(workflow, task, run, graph, failure, at):
        return
    task.substate = Substate.NONE
    task.completed_at = at
    task.error = failure.message
    task.traceback = failure.trace
    if (
        failure.is_passing
        and options.process_errors
        and graph.after(task.activity, ERROR_OUTPUT)
    ):
        _take_error_output(workflow, task, run, failure, at)
        return
    task.status = TaskStatus.FAILED
    task.save()
    _tell_failure(workflow, task, run, failure, at, level=Level.ERROR)
    policy = (
        OnError(workflow.error_policy)
        if options.error_policy is OnError.INHERIT
        else options.error_policy
    )
    if policy is OnError.IGNORE and _ignore(workflow, run, at):
        return
    run.occurrences.filter(outcome=OccurrenceOutcome.QUEUED).update(
        outcome=OccurrenceOutcome.FAILED, reason=failure.message[:256]
    )
    if policy is OnError.ABORT:
        lifecycle.abort(workflow, run, at=at, error=failure.message)
    else:
        lifecycle.fail(workflow, run, at=at, error=failure.message)
    notifications.workflow_failed(workflow, task, at)


def _retry(
    workflow: Workflow,
    task: Task,
    run: Run,
    graph: Graph,
    failure: Failure,
    at: datetime,
) -> bool:
    """Try again later if the activity's own retries are not used up."""
    node = graph.by_name.get(task.activity)
    if node is None or workflow.state not in (State.STARTED, State.PAUSE_REQUESTED):
        return False
    options = Options.of(node)
    allowed = options.retries
    if allowed is None:
        allowed = find_type(node.type).retries(node.parameters)
    if task.retries >= allowed:
        return False
    wait = min(timedelta(seconds=options.retry_after) * 2**task.retries, LONGEST_RETRY)
    task.retries += 1
    journal.write(
        workflow,
        "%(name)s failed and is tried again in %(seconds)s s (%(number)s of"
        " %(allowed)s): %(error)s",
        at=at,
        level=Level.WARNING,
        task=task,
        run=run,
        name=task.activity,
        seconds=int(wait.total_seconds()),
        number=task.retries,
        allowed=allowed,
        error=failure.message,
    )
    _put_off(workflow, task, run, at + wait, at)
    return True


def _take_error_output(
    workflow: Workflow, task: Task, run: Run, failure: Failure, at: datetime
) -> None:
    """Go on by the output for errors; the workflow is unaffected."""
    task.status = TaskStatus.COMPLETED
    task.output = ERROR_OUTPUT
    task.save()
    _tell_failure(workflow, task, run, failure, at, level=Level.WARNING)
    variables = {
        **task.variables,
        "errorMessage": failure.message,
        "errorActivity": task.activity,
    }
    _go_on(workflow, task, run, ERROR_OUTPUT, variables, at)


def _tell_failure(
    workflow: Workflow,
    task: Task,
    run: Run,
    failure: Failure,
    at: datetime,
    *,
    level: Level,
) -> None:
    journal.write(
        workflow,
        "%(name)s failed: %(error)s",
        at=at,
        level=level,
        task=task,
        run=run,
        name=task.activity,
        error=failure.message,
    )


def _ignore(workflow: Workflow, run: Run, at: datetime) -> bool:
    """Count an ignored error; return False when there were too many in a row."""
    workflow.consecutive_errors += 1
    workflow.ignored_errors += 1
    workflow.ignored_since = workflow.ignored_since or at
    workflow.save(
        update_fields=["consecutive_errors", "ignored_errors", "ignored_since"]
    )
    most = workflow.max_consecutive_errors
    if most and workflow.consecutive_errors >= most:
        journal.write(
            workflow,
            "%(count)s errors in a row: no more are ignored.",
            at=at,
            level=Level.ERROR,
            run=run,
            count=workflow.consecutive_errors,
        )
        return False
    close_if_over(workflow, run, at)
    return True
