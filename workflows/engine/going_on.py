"""What follows the end of a task, and the end of the last one of a run.

The caller holds the workflow's row.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workflows.engine import lifecycle, runs
from workflows.engine.following import (
    UNTERMINATED,
    announce,
    follow,
    note_unterminated,
)
from workflows.engine.structures import graph_of
from workflows.models import (
    PauseReason,
    Run,
    RunStatus,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)


def go_on(
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


def put_off(
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
