"""Scenarios of structures that are edited while their workflow is at work."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.workflows.samples import EVERY_MINUTE, START, entry, tick, work_off
from workflows.actions import issue_command, restore_version, save_structure
from workflows.actions.sync import sync_workflows
from workflows.exceptions import RuntimeFault
from workflows.models import (
    Level,
    PauseReason,
    RunStatus,
    Source,
    State,
    TaskStatus,
    Workflow,
)
from workflows.registry import Done, RunContext, activity, temporary_workflow

pytestmark = pytest.mark.django_db
DUE = START.replace(minute=1, second=0)
LATER = DUE + timedelta(seconds=20)


@dataclass
class Limits:
    """What the second activity accepts."""

    limit: int = 5


@dataclass
class Sample:
    """A workflow of two activities; the second fails above its limit."""

    workflow: Workflow
    calls: list[Any] = field(default_factory=list)

    def structure(self) -> dict[str, Any]:
        self.workflow.refresh_from_db()
        return copy.deepcopy(self.workflow.structure.graph)

    def save(
        self, graph: dict[str, Any], *, at: datetime = LATER, **options: Any
    ) -> None:
        save_structure(
            internal_name="sample",
            graph=graph,
            expected_version=self.workflow.structure.number,
            acting_operator=None,
            source=Source.CONSOLE,
            at=at,
            **options,
        )
        self.workflow.refresh_from_db()

    def order(self, name: str) -> None:
        issue_command(
            internal_name="sample",
            name=name,
            acting_operator=None,
            source=Source.CONSOLE,
            at=LATER,
        )
        self.workflow.refresh_from_db()

    def run(self) -> None:
        tick(DUE)
        work_off(DUE)
        self.workflow.refresh_from_db()

    def go_on(self) -> None:
        self.order("resume")
        work_off(LATER)
        self.workflow.refresh_from_db()


@pytest.fixture
def sample() -> Iterator[Sample]:
    calls: list[Any] = []

    class Declared:
        @activity(after="scheduler")
        def fetch(self, run: RunContext) -> Done:
            calls.append("fetch")
            return Done(count=9, variables={"rows": 9})

        @activity(after="fetch", parameters=Limits)
        def write(self, run: RunContext) -> Done:
            limit = run.parameters["limit"]
            calls.append(("write", limit, run.variables["vars"]["rows"]))
            if run.variables["vars"]["rows"] > limit:
                raise RuntimeFault("More rows than the limit.")
            return Done(count=9)

    given = entry("sample", schedule=EVERY_MINUTE, signals=())
    with temporary_workflow(Declared, "sample", given):
        sync_workflows(at=START)
        workflow = Workflow.objects.get(internal_name="sample")
        yield Sample(workflow, calls)


def with_limit(graph: dict[str, Any], limit: int) -> dict[str, Any]:
    node = next(a for a in graph["activities"] if a["name"] == "write")
    node["parameters"]["arguments"] = {"limit": limit}
    return graph


def open_ended(graph: dict[str, Any]) -> dict[str, Any]:
    """Take away what follows the first activity."""
    graph["activities"] = [
        a for a in graph["activities"] if a["name"] in ("scheduler", "fetch")
    ]
    graph["transitions"] = [
        way for way in graph["transitions"] if way["source"] == "scheduler"
    ]
    return graph


def test_scenario_07_resume_executes_the_failed_task_only(sample: Sample) -> None:
    sample.run()
    assert sample.workflow.failed
    assert sample.calls == ["fetch", ("write", 5, 9)]

    sample.go_on()

    assert sample.calls == ["fetch", ("write", 5, 9), ("write", 5, 9)]
    assert sample.workflow.failed


def test_scenario_07_resume_applies_the_edited_settings(sample: Sample) -> None:
    sample.run()
    sample.save(with_limit(sample.structure(), 100))

    sample.go_on()

    run = sample.workflow.runs.get()
    assert sample.calls == ["fetch", ("write", 5, 9), ("write", 100, 9)]
    assert (sample.workflow.state, sample.workflow.failed) == (State.STARTED, False)
    assert run.status == RunStatus.FINISHED
    assert run.structure.number == 2


def test_scenario_07_resume_applies_a_restored_version(sample: Sample) -> None:
    sample.save(with_limit(sample.structure(), 100), at=START)
    sample.save(with_limit(sample.structure(), 1), at=START)
    sample.run()
    assert sample.workflow.failed
    restore_version(
        internal_name="sample",
        number=2,
        expected_version=3,
        acting_operator=None,
        source=Source.CONSOLE,
        at=LATER,
    )

    sample.go_on()

    assert sample.calls == ["fetch", ("write", 1, 9), ("write", 100, 9)]
    assert not sample.workflow.failed


def test_scenario_07_failed_activity_removed_with_its_task_is_not_executed(
    sample: Sample,
) -> None:
    sample.run()
    graph = sample.structure()
    graph["activities"] = [a for a in graph["activities"] if a["name"] != "write"]
    graph["transitions"] = [
        {"source": "scheduler", "output": "ok", "destination": "fetch"},
        {"source": "fetch", "output": "ok", "destination": "end"},
    ]
    sample.save(graph, removed_tasks="cancel")

    sample.go_on()

    assert sample.calls == ["fetch", ("write", 5, 9)]
    assert sample.workflow.tasks.get(activity="write").status == TaskStatus.CANCELLED
    assert (sample.workflow.state, sample.workflow.failed) == (State.STARTED, False)


def test_scenario_20_unterminated_transition_pauses_with_a_warning(
    sample: Sample,
) -> None:
    sample.save(open_ended(sample.structure()), at=START)

    sample.run()

    line = sample.workflow.journal.get(level=Level.WARNING, activity="fetch")
    assert sample.workflow.state == State.PAUSED
    assert not sample.workflow.failed
    assert sample.workflow.pause_reason == PauseReason.UNTERMINATED
    assert "leads nowhere" in line.text
    assert "fetch" in line.text


def test_scenario_20_adding_the_missing_activity_then_resume_continues(
    sample: Sample,
) -> None:
    complete = with_limit(sample.structure(), 100)
    sample.save(open_ended(sample.structure()), at=START)
    sample.run()
    sample.save(complete)

    sample.go_on()

    run = sample.workflow.runs.get()
    assert sample.calls == ["fetch", ("write", 100, 9)]
    assert run.status == RunStatus.FINISHED
    assert sample.workflow.state == State.STARTED


def test_scenario_20_resume_without_mending_pauses_again(sample: Sample) -> None:
    sample.save(open_ended(sample.structure()), at=START)
    sample.run()

    sample.go_on()

    assert sample.workflow.state == State.PAUSED
    assert sample.workflow.pause_reason == PauseReason.UNTERMINATED
    assert sample.calls == ["fetch"]
