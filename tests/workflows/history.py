"""Rows of history that tests start from, written without the engine."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from tests.workflows.samples import START
from workflows.models import (
    Event,
    JournalEntry,
    Occurrence,
    OccurrenceOutcome,
    Run,
    RunStatus,
    RunTrigger,
    Signal,
    StructureVersion,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

LONG_AGO = START - timedelta(days=31)
LATELY = START - timedelta(days=29)


def make_workflow(name: str = "sample", **values: Any) -> Workflow:
    """Return a workflow with an empty structure."""
    workflow = Workflow.objects.create(internal_name=name, **values)
    workflow.structure = StructureVersion.objects.create(
        workflow=workflow, number=1, graph={"activities": [], "transitions": []}
    )
    workflow.save()
    return workflow


def make_run(workflow: Workflow, ended_at: datetime | None, **values: Any) -> Run:
    """Return a run with a task, a journal line, an instant, a signal and an event."""
    status = RunStatus.FINISHED if ended_at else RunStatus.RUNNING
    begun = ended_at or LONG_AGO
    run = Run.objects.create(
        **{
            "workflow": workflow,
            "structure": workflow.structure,
            "trigger": RunTrigger.SCHEDULE,
            "status": status,
            "created_at": begun,
            "started_at": begun,
            "ended_at": ended_at,
            **values,
        }
    )
    task = make_task(workflow, run, begun)
    JournalEntry.objects.create(
        workflow=workflow, run=run, task=task, message="m", at=begun
    )
    Occurrence.objects.create(
        workflow=workflow,
        activity="scheduler",
        scheduled_for=begun + timedelta(seconds=run.pk),
        last_scheduled_for=begun,
        outcome=OccurrenceOutcome.RAN if ended_at else OccurrenceOutcome.QUEUED,
        run=run,
        recorded_at=begun,
    )
    Signal.objects.create(
        workflow=workflow,
        activity="signal",
        source="s",
        created_at=begun,
        consumed_at=begun,
        run=run,
    )
    Event.objects.create(
        run=run,
        source="a",
        output="ok",
        destination="join",
        created_at=begun,
        consumed_at=begun,
    )
    return run


def make_task(
    workflow: Workflow, run: Run | None, completed_at: datetime | None, **values: Any
) -> Task:
    """Return a task, live without ``completed_at``."""
    over = completed_at is not None
    return Task.objects.create(
        **{
            "workflow": workflow,
            "run": run,
            "activity": "process",
            "activity_type": "script",
            "status": TaskStatus.COMPLETED if over else TaskStatus.ACTIVE,
            "substate": Substate.NONE if over else Substate.WAITING,
            "created_at": completed_at or LONG_AGO,
            "completed_at": completed_at,
            **values,
        }
    )


def left(workflow: Workflow) -> dict[str, int]:
    """Return how many rows of each kind a workflow has."""
    return {
        "journal": workflow.journal.count(),
        "occurrences": workflow.occurrences.count(),
        "signals": workflow.signals.count(),
        "runs": workflow.runs.count(),
        "tasks": workflow.tasks.count(),
        "events": Event.objects.filter(run__workflow=workflow).count(),
    }


def check_links() -> None:
    """Have the database check now what it would check at commit."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
