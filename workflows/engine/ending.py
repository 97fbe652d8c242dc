"""The ends of a workflow: finished, in error, aborted, unconditionally stopped.

Each function expects the workflow's row locked by the caller's transaction.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from workflows.engine import firing, journal, runs
from workflows.models import (
    Level,
    PauseReason,
    Run,
    RunStatus,
    State,
    Substate,
    TaskStatus,
    Workflow,
)


def forget_pause(workflow: Workflow) -> None:
    """Clear all that a pause keeps; unsaved."""
    workflow.paused_at = None
    workflow.pause_reason = ""
    workflow.paused_by = workflow.pause_comment = ""
    workflow.resume_at = workflow.remind_at = None
    workflow.pause_notice_count = 0
    workflow.last_pause_notice_at = workflow.snoozed_until = None


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
    workflow.restart_at = None
    forget_pause(workflow)
    end(workflow, at)


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


def abort(workflow: Workflow, run: Run, *, at: datetime, error: str) -> None:
    """End the workflow in error; it can only be started from the beginning."""
    run.status = RunStatus.FAILED
    run.error = error
    run.ended_at = at
    run.save()
    journal.write(
        workflow,
        "The workflow is aborted: an activity's policy is to abort on error.",
        at=at,
        level=Level.ERROR,
        run=run,
    )
    workflow.tasks.filter(status=TaskStatus.ACTIVE).update(
        status=TaskStatus.CANCELLED,
        substate=Substate.NONE,
        epoch=F("epoch") + 1,
        completed_at=at,
    )
    end(workflow, at, keep=run)
    workflow.failed = True
    workflow.save(update_fields=["failed"])


def cancel_waiting(workflow: Workflow, at: datetime) -> None:
    workflow.tasks.filter(status=TaskStatus.ACTIVE).exclude(
        substate=Substate.RUNNING
    ).update(status=TaskStatus.CANCELLED, substate=Substate.NONE, completed_at=at)


def end(workflow: Workflow, at: datetime, *, keep: Run | None = None) -> None:
    """Set the workflow finished and close everything it still had open."""
    for run in workflow.runs.live():
        if keep is None or run.pk != keep.pk:
            runs.cancel(run, at)
    workflow.signals.filter(consumed_at__isnull=True).update(consumed_at=at)
    workflow.state = State.FINISHED
    workflow.stops_after_run = False
    workflow.last_finish = at
    workflow.save()
    journal.write(workflow, "Workflow finished.", at=at)
