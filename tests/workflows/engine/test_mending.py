"""A structure at fault puts its workflow in error; the mended one is resumed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.workflows.samples import START, sample_workflow, three_rows, tick, work_off
from workflows.actions import issue_command, save_structure
from workflows.models import RunStatus, Source, State, Workflow

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
AT_FAULT = "vars.scheduledFor / 2 > 10"


def with_condition(workflow: Workflow, condition: str, at: datetime = START) -> None:
    """Put a test of ``condition`` before the work of the sample."""
    workflow.refresh_from_db()
    assert workflow.structure is not None
    graph: dict[str, Any] = dict(workflow.structure.graph)
    branch = {"name": "many", "label": "Many", "condition": condition}
    test = {
        "name": "enough",
        "type": "test",
        "label": "Enough",
        "parameters": {"branches": [branch], "use_default": True},
    }
    graph["activities"] = [
        *(one for one in graph["activities"] if one["name"] != "enough"),
        test,
    ]
    ways = (
        ("scheduler", "ok", "enough"),
        ("signal", "ok", "enough"),
        ("enough", "many", "process"),
        ("enough", "default", "end"),
        ("process", "ok", "end"),
    )
    graph["transitions"] = [
        {"source": source, "output": output, "destination": destination}
        for source, output, destination in ways
    ]
    save_structure(
        internal_name=workflow.internal_name,
        graph=graph,
        expected_version=workflow.structure.number,
        acting_operator=None,
        source=Source.API,
        at=at,
    )
    workflow.refresh_from_db()


def test_condition_at_fault_puts_the_workflow_in_error() -> None:
    with sample_workflow(three_rows) as workflow:
        with_condition(workflow, AT_FAULT)

        tick(START + MINUTE)
        work_off()

        workflow.refresh_from_db()
        task = workflow.tasks.get(activity="enough")
        assert (workflow.state, workflow.failed) == (State.PAUSED, True)
        assert AT_FAULT in task.error


def test_resume_takes_the_mended_structure() -> None:
    with sample_workflow(three_rows) as workflow:
        with_condition(workflow, AT_FAULT)
        tick(START + MINUTE)
        work_off()
        with_condition(workflow, "vars.waiting is undefined", START + MINUTE)

        issue_command(
            internal_name="sample",
            name="resume",
            acting_operator=None,
            source=Source.API,
            at=START + MINUTE,
        )
        work_off()

        workflow.refresh_from_db()
        run = workflow.runs.get()
        assert (workflow.state, workflow.failed) == (State.STARTED, False)
        assert (run.status, run.structure) == (RunStatus.FINISHED, workflow.structure)
        assert run.tasks.get(activity="process").record_count == 3
