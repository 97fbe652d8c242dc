"""Workflows with a past, and browsers in which somebody is signed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from campaign.access.models import Operator
from workflows.models import (
    JournalEntry,
    Level,
    PauseReason,
    Run,
    RunStatus,
    RunTrigger,
    State,
    StructureVersion,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
DAILY = {"kind": "daily", "time": "04:00", "interval": 1}
GRAPH = {
    "activities": [
        {
            "name": "scheduler",
            "type": "scheduler",
            "label": "Scheduler",
            "parameters": {"schedule": DAILY},
        },
        {
            "name": "work",
            "type": "script",
            "label": "Collect rows",
            "parameters": {"handler": "sample.work"},
        },
        {"name": "alert", "type": "alert", "label": "Alert supervisors"},
        {"name": "end", "type": "end", "label": "End"},
    ],
    "transitions": [
        {"source": "scheduler", "output": "ok", "destination": "work"},
        {"source": "work", "output": "ok", "destination": "end"},
        {"source": "work", "output": "error", "destination": "alert"},
        {"source": "alert", "output": "ok", "destination": "end"},
    ],
}
MakeWorkflow = Callable[..., Workflow]
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def make_workflow(db: None) -> MakeWorkflow:
    """Return a maker of technical workflows with a structure."""

    def make(name: str = "sample", **values: Any) -> Workflow:
        state = values.setdefault("state", State.STARTED)
        if state == State.PAUSED:
            values.setdefault("paused_at", NOW)
            values.setdefault("pause_reason", PauseReason.OPERATOR)
        values.setdefault("package", "delivery")
        workflow = Workflow.objects.create(internal_name=name, **values)
        workflow.structure = StructureVersion.objects.create(
            workflow=workflow, number=1, graph=GRAPH, is_factory=True
        )
        workflow.save()
        return workflow

    return make


def add_run(workflow: Workflow, status: str = RunStatus.FINISHED, **values: Any) -> Run:
    """Give a workflow a run that started a minute before NOW and took 3 s."""
    over = status not in RunStatus.live()
    return Run.objects.create(
        workflow=workflow,
        structure=workflow.structure,
        trigger=RunTrigger.SCHEDULE,
        trigger_activity="scheduler",
        status=status,
        created_at=NOW - timedelta(minutes=1),
        started_at=NOW - timedelta(minutes=1),
        ended_at=NOW - timedelta(seconds=57) if over else None,
        **values,
    )


def add_task(run: Run, activity: str = "work", **values: Any) -> Task:
    """Give a run a completed task with a count."""
    values.setdefault("status", TaskStatus.COMPLETED)
    values.setdefault("substate", Substate.NONE)
    values.setdefault("output", "ok")
    values.setdefault("completed_at", run.created_at + timedelta(seconds=3))
    return Task.objects.create(
        workflow=run.workflow,
        run=run,
        activity=activity,
        activity_type="script",
        created_at=run.created_at,
        started_at=run.created_at,
        **values,
    )


@pytest.fixture
def failed_workflow(make_workflow: MakeWorkflow) -> Workflow:
    """Return a workflow whose activity failed and which waits for a person."""
    workflow = make_workflow(
        "broken", state=State.PAUSED, failed=True, pause_reason=PauseReason.ERROR
    )
    run = add_run(workflow, RunStatus.FAILED, error="The file is missing.")
    task = add_task(
        run, status=TaskStatus.FAILED, output="error", error="The file is missing."
    )
    JournalEntry.objects.create(
        workflow=workflow,
        run=run,
        task=task,
        activity="work",
        level=Level.ERROR,
        message="The file %(name)s is missing.",
        parameters={"name": "rules.xml"},
        at=NOW,
    )
    return workflow


@pytest.fixture
def supervisor_client(client: Client, supervisor: Operator) -> Client:
    """A browser in which the supervisor is signed in."""
    client.force_login(supervisor, BACKEND)
    return client


@pytest.fixture
def viewer_client(client: Client, outsider: Operator) -> Client:
    """A browser of an operator who may look, and nothing else."""
    outsider.user_permissions.add(
        Permission.objects.get(
            codename="view",
            content_type__app_label="workflows",
            content_type__model="workflow",
        )
    )
    client.force_login(outsider, BACKEND)
    return client


@pytest.fixture
def outsider_client(client: Client, outsider: Operator) -> Client:
    """A browser of an operator without any right."""
    client.force_login(outsider, BACKEND)
    return client
