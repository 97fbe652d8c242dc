"""The verdict of ``make torture`` finds what it looks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from bench.torture import effects, phases, verify
from bench.torture.verdict import Check
from bench.torture.workloads import BY_NAME
from workflows.engine.rescue import LOST
from workflows.models import (
    Command,
    JournalEntry,
    Occurrence,
    Run,
    Signal,
    Source,
    StructureVersion,
    Task,
    Workflow,
)

pytestmark = pytest.mark.django_db

BEGAN = datetime(2026, 3, 2, 10, 0, 0, 500_000, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FIRST = BEGAN.replace(second=1, microsecond=0)
NAME = "tortureKept1"  # planned every second


@pytest.fixture(autouse=True)
def workflow(db: None) -> Workflow:
    """Every workload with nothing behind it; the one that a test looks at."""
    Workflow.objects.bulk_create(Workflow(internal_name=name) for name in BY_NAME)
    with connection.cursor() as cursor:
        cursor.execute(effects.SCHEMA)
    return Workflow.objects.get(internal_name=NAME)


def ordered(workflow: Workflow, name: str, at: datetime, **more: Any) -> Command:
    return Command.objects.create(
        workflow=workflow,
        name=name,
        status=more.pop("status", "applied"),
        source=Source.CLI,
        requested_at=at,
        applied_at=at,
        **more,
    )


def started_for(workflow: Workflow, seconds: int) -> Command:
    """Write the ledger of a workflow that was started for so long."""
    ordered(workflow, "start", BEGAN)
    return ordered(workflow, "stop", BEGAN + seconds * SECOND)


def outcome(workflow: Workflow, first: int, count: int = 1) -> None:
    """Write the outcome of instants, numbered from the first one, 0."""
    Occurrence.objects.create(
        workflow=workflow,
        activity="scheduler",
        scheduled_for=FIRST + first * SECOND,
        last_scheduled_for=FIRST + (first + count - 1) * SECOND,
        count=count,
        outcome="coalesced",
        recorded_at=BEGAN,
    )


def new_run(workflow: Workflow, status: str = "finished", **more: Any) -> Run:
    version, _created = StructureVersion.objects.get_or_create(
        workflow=workflow,
        number=1,
        defaults={"graph": {"activities": [], "transitions": []}},
    )
    return Run.objects.create(
        workflow=workflow,
        structure=version,
        trigger="schedule",
        status=status,
        created_at=BEGAN,
        **more,
    )


def had(table: str, run: Run, step: str = "work", **more: Any) -> None:
    """Write an effect."""
    columns = {"workflow": run.workflow.internal_name, "run_id": run.pk, **more}
    names = ", ".join([*columns, "step"])
    marks = ", ".join(["%s"] * (len(columns) + 1))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO torture.{table} ({names}) VALUES ({marks})",  # noqa: S608
            [*columns.values(), step],
        )


def told(check: Check) -> str:
    """Return the only violation."""
    (violation,) = check.violations
    return violation


def test_instants_with_an_outcome_each_are_sound(workflow: Workflow) -> None:
    stop = started_for(workflow, 5)
    outcome(workflow, 0, 3)
    outcome(workflow, 3)
    outcome(workflow, 4)

    check = verify.check_instants({stop.pk: stop.requested_at})

    assert check.violations == []
    assert check.counted == 5 + 3  # instants and rows


def test_an_instant_without_outcome_is_told(workflow: Workflow) -> None:
    started_for(workflow, 3)
    outcome(workflow, 0)
    outcome(workflow, 2)

    assert "10:00:02 has 0 outcomes" in told(verify.check_instants({}))


def test_an_instant_with_two_outcomes_is_told(workflow: Workflow) -> None:
    started_for(workflow, 3)
    outcome(workflow, 0, 2)
    outcome(workflow, 1)
    outcome(workflow, 2)

    assert "10:00:02 has 2 outcomes" in told(verify.check_instants({}))


def test_an_outcome_after_the_stop_is_told(workflow: Workflow) -> None:
    stop = started_for(workflow, 2)
    outcome(workflow, 0, 2)
    outcome(workflow, 3)

    check = verify.check_instants({stop.pk: stop.requested_at + SECOND})

    assert "10:00:04 has an unwanted outcome" in told(check)


def test_a_stretch_that_counts_wrongly_is_told(workflow: Workflow) -> None:
    started_for(workflow, 3)
    outcome(workflow, 0, 3)
    Occurrence.objects.update(count=4)

    assert "says 4 instants" in told(verify.check_instants({}))


def test_a_restart_that_waited_begins_a_phase_of_its_own(workflow: Workflow) -> None:
    ordered(workflow, "start", BEGAN)
    ordered(workflow, "restart", BEGAN + 5 * SECOND, status="superseded")
    waited = ordered(workflow, "restart", BEGAN + 6 * SECOND)
    Command.objects.filter(pk=waited.pk).update(applied_at=BEGAN + 9 * SECOND)
    ordered(workflow, "kill", BEGAN + 12 * SECOND)

    found = phases.phases(workflow, {})

    assert [(each.since, each.until) for each in found] == [
        (BEGAN, BEGAN + 5 * SECOND),
        (BEGAN + 9 * SECOND, BEGAN + 12 * SECOND),
    ]


def test_a_stop_after_the_run_ends_a_phase_when_the_run_has_ended(
    workflow: Workflow,
) -> None:
    ordered(workflow, "start", BEGAN)
    drained(workflow, BEGAN + 2 * SECOND)
    journal(workflow, "Workflow finished.", BEGAN + 4 * SECOND)
    ordered(workflow, "start", BEGAN + 6 * SECOND, state_before="finished")
    drained(workflow, BEGAN + 7 * SECOND)
    ordered(workflow, "kill", BEGAN + 8 * SECOND, state_before="started")

    found = phases.phases(workflow, {})

    assert [(each.since, each.until) for each in found] == [
        (BEGAN, BEGAN + 4 * SECOND),
        (BEGAN + 6 * SECOND, BEGAN + 8 * SECOND),
    ]


def test_a_stop_after_a_run_that_never_ends_is_told(workflow: Workflow) -> None:
    ordered(workflow, "start", BEGAN)
    drained(workflow, BEGAN + 2 * SECOND)

    with pytest.raises(ValueError, match="did not stop after its run"):
        phases.phases(workflow, {})


def drained(workflow: Workflow, at: datetime) -> None:
    """Write the order to stop after the current run."""
    ordered(workflow, "stop_after_run", at, state_before="started")
    journal(workflow, "Stop after the current run ordered.", at)


def journal(workflow: Workflow, message: str, at: datetime) -> None:
    JournalEntry.objects.create(workflow=workflow, message=message, at=at)


def test_a_workflow_that_still_runs_is_told(workflow: Workflow) -> None:
    ordered(workflow, "start", BEGAN)

    assert f"{NAME} was not stopped" in told(verify.check_instants({}))


def test_two_runs_of_one_instant_are_told(workflow: Workflow) -> None:
    new_run(workflow, scheduled_for=FIRST)
    new_run(workflow, scheduled_for=FIRST)

    assert "2 runs for 10:00:01" in told(verify.check_runs_of_instants())


def test_an_effect_that_must_not_be_repeated_is_told() -> None:
    once = new_run(Workflow.objects.get(internal_name="tortureOnce1"), "cancelled")
    had("once", once)
    had("once", once)

    assert "happened 2 ×" in told(verify.check_once())


def test_a_finished_run_without_its_effect_is_told(workflow: Workflow) -> None:
    had("kept", new_run(workflow))
    bare = new_run(workflow)

    assert f"run {bare.pk} is finished with the effects []" in told(verify.check_kept())


def test_a_claim_executed_twice_is_told(workflow: Workflow) -> None:
    run = new_run(workflow)
    had("attempt", run, task_id=7, epoch=1, pid=1)
    had("attempt", run, task_id=7, epoch=1, pid=2)

    assert "task 7, epoch 1, began 2 ×" in told(verify.check_claims())


def test_an_effect_of_a_run_that_was_undone_is_told(workflow: Workflow) -> None:
    run = new_run(workflow)
    had("kept", run)
    Run.objects.filter(pk=run.pk).delete()

    assert "belongs to no run" in told(verify.check_claims())


def test_a_task_executed_again_although_nobody_died_is_told(workflow: Workflow) -> None:
    run = new_run(workflow)
    had("attempt", run, task_id=7, epoch=1, pid=1)
    had("attempt", run, task_id=7, epoch=2, pid=2)

    assert "task 7 began 2 ×" in told(verify.check_tasks())


def test_a_task_completed_but_never_executed_is_told(workflow: Workflow) -> None:
    task = Task.objects.create(
        workflow=workflow,
        run=new_run(workflow),
        activity="work",
        activity_type="script",
        status="completed",
        substate="",
        created_at=BEGAN,
    )

    assert f"task {task.pk} was never executed" in told(verify.check_tasks())


def test_work_of_the_living_that_was_taken_over_is_told(workflow: Workflow) -> None:
    JournalEntry.objects.create(
        workflow=workflow,
        message=LOST,
        parameters={"worker": "here:7", "name": "work"},
        at=BEGAN,
    )

    assert "work of here:7, which lives, was taken over" in told(verify.check_tasks())


@pytest.mark.parametrize(
    ("stored", "violation"),
    [
        ({}, "signal 5 was lost"),
        ({"number": 5, "consumed_at": None}, "signal 5 was lost"),
        ({"number": 5, "consumed_at": FIRST}, "without a run"),
    ],
)
def test_a_signal_without_a_run_is_told(stored: dict[str, Any], violation: str) -> None:
    if stored:
        Signal.objects.create(
            workflow=Workflow.objects.get(internal_name="tortureSignalled1"),
            activity="signal",
            variables={"number": stored["number"]},
            source="torture",
            created_at=BEGAN,
            consumed_at=stored["consumed_at"],
        )

    assert violation in told(verify.check_signals({5}))


def test_a_signal_that_a_stop_ended_is_sound() -> None:
    signalled = Workflow.objects.get(internal_name="tortureSignalled1")
    stop = started_for(signalled, 3)
    Signal.objects.create(
        workflow=signalled,
        activity="signal",
        variables={"number": 5},
        source="torture",
        created_at=BEGAN,
        consumed_at=stop.requested_at,
    )

    assert verify.check_signals({5}).violations == []


def test_runs_side_by_side_are_told(workflow: Workflow) -> None:
    new_run(workflow, started_at=FIRST, ended_at=FIRST + 2 * SECOND)
    new_run(workflow, started_at=FIRST + SECOND, ended_at=FIRST + 3 * SECOND)

    assert "began before the end of run" in told(verify.check_overlap())


def test_what_is_left_open_is_told(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "_REST_SECONDS", 0.0)
    run = new_run(workflow, "running")
    ordered(workflow, "stop", BEGAN, status="requested")

    check = verify.check_rest([])

    assert f"run {run.pk} of {NAME} is running" in check.violations[0]
    assert f"stop of {NAME} is requested" in check.violations[1]
