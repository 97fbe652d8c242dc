from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from tests.workflows.history import (
    LATELY,
    LONG_AGO,
    check_links,
    left,
    make_run,
    make_task,
    make_workflow,
)
from tests.workflows.samples import START
from workflows import queue
from workflows.engine import purge
from workflows.models import (
    Approval,
    ApprovalReply,
    AuditEntry,
    Command,
    CommandStatus,
    Freeze,
    JournalEntry,
    Level,
    Notification,
    OccurrenceOutcome,
    RunStatus,
    Source,
    Task,
    TaskStatus,
    Workflow,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow() -> Workflow:
    """A workflow that keeps its history for 30 days, with a run of today."""
    return make_workflow()


def use_small_chunks(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    """Have every step look at so few rows at once."""
    steps = tuple(dataclasses.replace(step, chunk=chunk) for step in purge.STEPS)
    monkeypatch.setattr(purge, "STEPS", steps)


def test_expired_run_goes_with_all_that_belongs_to_it(workflow: Workflow) -> None:
    make_run(workflow, LONG_AGO)
    make_run(workflow, START)

    deleted = purge.purge_history(START)
    check_links()

    assert set(left(workflow).values()) == {1}
    assert deleted == {
        "journal": 1,
        "occurrences": 1,
        "signals": 1,
        "runs": 1,
        "events": 0,  # gone with its run
        "tasks": 0,
    }


def test_second_purge_deletes_nothing(workflow: Workflow) -> None:
    make_run(workflow, LONG_AGO)
    make_run(workflow, START)
    purge.purge_history(START)

    assert set(purge.purge_history(START).values()) == {0}


def test_history_within_its_days_stays(workflow: Workflow) -> None:
    make_run(workflow, LATELY)
    make_run(workflow, START)

    purge.purge_history(START)

    assert set(left(workflow).values()) == {2}


@pytest.mark.parametrize(("second", "runs"), [(-1, 1), (0, 2), (1, 2)])
def test_only_what_is_older_than_its_days_goes(
    workflow: Workflow, second: int, runs: int
) -> None:
    make_run(workflow, START - timedelta(days=30) + timedelta(seconds=second))
    make_run(workflow, START)

    purge.purge_history(START)

    assert workflow.runs.count() == runs


def test_each_workflow_has_its_own_days(workflow: Workflow) -> None:
    patient = make_workflow("patient", history_days=400)
    for each in (workflow, patient):
        make_run(each, LONG_AGO)
        make_run(each, START)

    purge.purge_history(START)

    assert (workflow.runs.count(), patient.runs.count()) == (1, 2)


def test_last_run_stays_however_old(workflow: Workflow) -> None:
    make_run(workflow, LONG_AGO)
    last = make_run(workflow, LONG_AGO)

    purge.purge_history(START)

    assert workflow.runs.get() == last
    assert workflow.tasks.get().run == last


def test_purge_goes_on_where_many_rows_stay(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_small_chunks(monkeypatch, 2)
    patient = make_workflow("patient", history_days=400)
    for each in (patient, patient, patient, workflow, workflow):
        make_run(each, LONG_AGO)

    purge.purge_history(START)

    assert (workflow.runs.count(), patient.runs.count()) == (1, 3)
    assert (workflow.journal.count(), patient.journal.count()) == (0, 3)


def test_planned_instant_that_waits_for_its_run_stays(workflow: Workflow) -> None:
    make_run(workflow, None)

    purge.purge_history(START)

    assert workflow.occurrences.get().outcome == OccurrenceOutcome.QUEUED


def test_ended_tasks_of_an_endless_run_go(workflow: Workflow) -> None:
    run = make_run(workflow, None)
    young = make_task(workflow, run, LATELY)
    live = make_task(workflow, run, None)

    purge.purge_history(START)
    check_links()

    assert set(workflow.tasks.all()) == {young, live}
    assert workflow.runs.get() == run
    assert not run.events.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"status": TaskStatus.FAILED},
        {"status": TaskStatus.COMPLETED, "result_label": "unterminated"},
    ],
)
def test_task_that_a_live_run_resumes_from_stays(
    workflow: Workflow, values: dict[str, Any]
) -> None:
    run = make_run(workflow, None)
    task = make_task(workflow, run, LONG_AGO, **values)

    purge.purge_history(START)

    assert Task.objects.filter(pk=task.pk).exists()


def test_reason_of_a_failure_that_waits_stays_readable(workflow: Workflow) -> None:
    run = make_run(workflow, None, status=RunStatus.FAILED)
    JournalEntry.objects.create(
        workflow=workflow, run=run, message="why", level=Level.ERROR, at=LONG_AGO
    )

    purge.purge_history(START)

    assert workflow.journal.filter(message="why").exists()


def test_schedulers_of_former_lives_go(workflow: Workflow) -> None:
    make_task(workflow, None, LONG_AGO, status=TaskStatus.CANCELLED)
    waiting = make_task(workflow, None, None, activity="scheduler")

    purge.purge_history(START)

    assert workflow.tasks.get() == waiting


def test_run_of_a_sub_workflow_goes_with_its_caller(workflow: Workflow) -> None:
    caller = make_run(workflow, LONG_AGO)
    child = make_run(workflow, LATELY, parent_task=caller.tasks.get())
    make_run(workflow, LATELY, parent_task=child.tasks.get())
    last = make_run(workflow, START)

    purge.purge_history(START)
    check_links()

    assert workflow.runs.get() == last


def test_caller_that_lives_outlives_the_runs_it_called(workflow: Workflow) -> None:
    caller = make_run(workflow, None)
    make_run(workflow, LONG_AGO, parent_task=caller.tasks.get())

    purge.purge_history(START)
    check_links()

    assert workflow.runs.get() == caller


def test_run_that_began_at_a_deleted_task_stays(workflow: Workflow) -> None:
    old = make_run(workflow, LONG_AGO)
    again = make_run(workflow, START, origin_task=old.tasks.get())

    purge.purge_history(START)
    check_links()

    again.refresh_from_db()
    assert again.origin_task is None


def test_answered_approval_goes_with_its_task(workflow: Workflow) -> None:
    run = make_run(workflow, LONG_AGO)
    make_run(workflow, START)
    approval = Approval.objects.create(
        task=run.tasks.get(), title="Go?", opened_at=LONG_AGO
    )
    operator = get_user_model().objects.create_user(username="anna")
    ApprovalReply.objects.create(
        approval=approval, operator=operator, choice="yes", answered_at=LONG_AGO
    )

    purge.purge_history(START)
    check_links()

    assert not Approval.objects.exists()


def test_nothing_expires_where_all_is_kept_for_ever(workflow: Workflow) -> None:
    Workflow.objects.update(history_days=0)
    make_run(workflow, LONG_AGO)
    make_run(workflow, START)

    assert set(purge.purge_history(START).values()) == {0}


def test_ledgers_are_kept_half_a_year(workflow: Workflow) -> None:
    for days in (181, 179):
        at = START - timedelta(days=days)
        for status in (CommandStatus.APPLIED, CommandStatus.REQUESTED):
            Command.objects.create(
                workflow=workflow,
                name="pause",
                status=status,
                source=Source.CLI,
                requested_at=at,
            )
        AuditEntry.objects.create(action="a", source=Source.CLI, at=at)

    purge.purge_ledger(START)

    assert AuditEntry.objects.count() == 1
    assert sorted(Command.objects.values_list("status", flat=True)) == [
        "applied",
        "requested",
        "requested",
    ]


def test_freezes_are_kept_a_year(db: None) -> None:
    for days, ended in ((500, 400), (300, 200)):
        Freeze.objects.create(
            reason="r",
            source=Source.CLI,
            started_at=START - timedelta(days=days),
            ended_at=START - timedelta(days=ended),
        )
    going_on = Freeze.objects.create(
        reason="r", source=Source.CLI, started_at=START - timedelta(days=800)
    )

    purge.purge_ledger(START)

    assert Freeze.objects.count() == 2
    assert Freeze.objects.filter(pk=going_on.pk).exists()


def test_closed_notifications_are_kept_90_days(db: None) -> None:
    for name, resolved in (("old", 91), ("young", 89), ("open", None)):
        Notification.objects.create(
            kind="failed",
            fingerprint=name,
            message="m",
            first_at=START - timedelta(days=200),
            last_at=START - timedelta(days=200),
            resolved_at=None if resolved is None else START - timedelta(days=resolved),
        )

    purge.purge_ledger(START)

    left_over = Notification.objects.values_list("fingerprint", flat=True)
    assert set(left_over) == {"young", "open"}


def test_purge_that_takes_long_hands_over(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.conf.BUDGET_SECONDS", -1.0)
    use_small_chunks(monkeypatch, 1)
    first = make_run(workflow, LONG_AGO)
    make_run(workflow, LONG_AGO)

    purge.purge()

    assert queue.depth("workflows") == 1
    assert workflow.journal.count() == 1
    assert not first.journal.exists()


def test_purge_goes_on_where_it_handed_over(workflow: Workflow) -> None:
    make_run(workflow, LONG_AGO)
    make_run(workflow, LONG_AGO)

    purge.purge("runs", 0)

    assert workflow.runs.count() == 1
    assert workflow.signals.count() == 2  # an earlier order saw to them
