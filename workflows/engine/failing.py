"""What an error does: retry, error output, ignore, stop or abort, in this order.

Source: workflow-properties.md, advanced-parameters.md. The caller holds the
workflow's row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from workflows.activities import find_type
from workflows.engine import ending, going_on, journal, notifications
from workflows.engine.graph import ERROR_OUTPUT, Graph, OnError, Options
from workflows.engine.structures import graph_of
from workflows.models import (
    Level,
    OccurrenceOutcome,
    Run,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

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
        ending.abort(workflow, run, at=at, error=failure.message)
    else:
        ending.fail(workflow, run, at=at, error=failure.message)
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
    going_on.put_off(workflow, task, run, at + wait, at)
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
    going_on.go_on(workflow, task, run, ERROR_OUTPUT, variables, at)


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
    going_on.close_if_over(workflow, run, at)
    return True
