from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group

from campaign.access.models import Operator
from tests.workflows.samples import START, sample_workflow, three_rows
from workflows.actions.sync import SUPERVISORS
from workflows.engine import alarms
from workflows.engine.durations import typical_duration
from workflows.models import (
    Freeze,
    Freshness,
    Heartbeat,
    HeartbeatKind,
    Notification,
    NotificationKind,
    Run,
    RunStatus,
    RunTrigger,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)
from workflows.registry import QUEUES

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = (timedelta(seconds=n) for n in (1, 60, 3600))
DAILY = {"kind": "daily", "time": "04:00"}


@pytest.fixture
def workflow(supervisor: Operator) -> Iterator[Workflow]:
    """A started workflow, planned daily, whose supervisor has an address."""
    with time_machine.travel(START, tick=False):
        group, _created = Group.objects.get_or_create(name=SUPERVISORS)
        supervisor.groups.add(group)
        with sample_workflow(three_rows, schedule=DAILY) as made:
            others = Workflow.objects.exclude(pk=made.pk)
            others.update(structure=None)
            others.delete()
            yield made


def alive(at: datetime) -> None:
    """Have every part give its sign of life."""
    parts = [(HeartbeatKind.CLOCK, "host"), *((HeartbeatKind.QUEUE, q) for q in QUEUES)]
    for kind, name in parts:
        Heartbeat.objects.update_or_create(kind=kind, name=name, defaults={"at": at})


def look(at: datetime) -> None:
    alive(at)
    alarms.look(at)


def add_run(workflow: Workflow, began: datetime, **values: Any) -> Run:
    values.setdefault("status", RunStatus.RUNNING)
    assert workflow.structure is not None
    return Run.objects.create(
        workflow=workflow,
        structure=workflow.structure,
        trigger=RunTrigger.SCHEDULE,
        created_at=began,
        started_at=began,
        **values,
    )


def add_past(workflow: Workflow, count: int, seconds: float = 20) -> None:
    """Give the workflow finished runs of about the same length."""
    for number in range(count):
        began = START - timedelta(days=count - number)
        length = timedelta(seconds=seconds + number % 3)
        add_run(workflow, began, status=RunStatus.FINISHED, ended_at=began + length)


def add_task(run: Run, began: datetime, **values: Any) -> Task:
    values.setdefault("substate", Substate.RUNNING)
    values.setdefault("activity_type", "script")
    return Task.objects.create(
        workflow=run.workflow,
        run=run,
        activity="process",
        created_at=began,
        started_at=began,
        **values,
    )


def told(kind: NotificationKind) -> list[str]:
    """Return what operators were told and still lasts."""
    rows = Notification.objects.filter(kind=kind, resolved_at__isnull=True)
    return [row.text for row in rows.order_by("pk")]


def test_a_quiet_instance_tells_nothing(workflow: Workflow) -> None:
    look(START + MINUTE)

    assert not Notification.objects.exists()


def test_a_look_is_cheap_when_nothing_is_wrong(
    workflow: Workflow, django_assert_max_num_queries: Any
) -> None:
    look(START)
    alive(START + MINUTE)

    with django_assert_max_num_queries(40):
        alarms.look(START + MINUTE)


def test_planned_task_that_nobody_took_is_overdue(workflow: Workflow) -> None:
    workflow.tasks.filter(activity="scheduler").update(process_at=START)

    look(START + 11 * SECOND)

    assert told(NotificationKind.OVERDUE) == [
        "scheduler was due at 2026-01-05 10:00:30Z and has not begun."
    ]


def test_alarm_is_closed_when_it_is_over(workflow: Workflow) -> None:
    due = workflow.tasks.filter(activity="scheduler")
    due.update(process_at=START)
    look(START + MINUTE)
    due.update(process_at=START + HOUR)

    look(START + 2 * MINUTE)

    row = Notification.objects.get(kind=NotificationKind.OVERDUE)
    assert row.resolved_at == START + 2 * MINUTE


def test_alarm_that_lasts_is_told_once(workflow: Workflow) -> None:
    workflow.tasks.filter(activity="scheduler").update(process_at=START)

    look(START + MINUTE)
    look(START + 2 * MINUTE)

    assert Notification.objects.get(kind=NotificationKind.OVERDUE).count == 1


def test_a_freeze_is_no_reason_for_an_alarm(workflow: Workflow) -> None:
    workflow.tasks.filter(activity="scheduler").update(process_at=START)
    Freeze.objects.create(reason="release", source="console", started_at=START)

    look(START + timedelta(days=9))

    assert told(NotificationKind.OVERDUE) == []


def test_two_missed_periods_raise_overdue(workflow: Workflow) -> None:
    workflow.tasks.filter(activity="scheduler").delete()

    look(START + timedelta(days=2))

    assert told(NotificationKind.OVERDUE) == [
        "sample should be running but is not: the runs planned for"
        " 2026-01-06 04:00:00Z and 2026-01-07 04:00:00Z did not begin."
    ]


@pytest.mark.parametrize(
    "excuse",
    [
        lambda w: add_run(w, START + timedelta(days=1)),
        lambda w: add_run(
            w,
            START + timedelta(days=1),
            status=RunStatus.FINISHED,
            ended_at=START + timedelta(days=1),
        ),
        lambda w: w.commands.update(applied_at=START + timedelta(days=1)),
        lambda w: Workflow.objects.filter(pk=w.pk).update(
            blackouts=[{"name": "night", "from": "03:00", "until": "05:00"}]
        ),
    ],
    ids=["live run", "later run", "later order", "blackout"],
)
def test_missed_periods_with_an_excuse_are_no_alarm(
    workflow: Workflow, excuse: Any
) -> None:
    workflow.tasks.filter(activity="scheduler").delete()
    excuse(workflow)

    look(START + timedelta(days=2))

    assert told(NotificationKind.OVERDUE) == []


def test_production_workflow_that_was_stopped_should_be_running(
    workflow: Workflow,
) -> None:
    Workflow.objects.update(state=State.FINISHED)

    look(START)

    assert told(NotificationKind.SILENT) == [
        "sample should be running but is not: it was stopped."
    ]


def test_paused_workflow_is_no_silent_one(workflow: Workflow) -> None:
    Workflow.objects.update(state=State.PAUSED, paused_at=START)

    look(START + timedelta(days=9))

    assert told(NotificationKind.SILENT) == []


def test_silent_clock_is_told_from_another_queue(workflow: Workflow) -> None:
    alive(START)
    Heartbeat.objects.filter(kind=HeartbeatKind.CLOCK).update(at=START - MINUTE)

    alarms.look_for_silence()

    assert told(NotificationKind.SILENT) == [
        "The clock has been silent since 2026-01-05 09:59:30Z; schedules are kept"
        " to the minute only."
    ]


def test_look_for_silence_closes_no_other_alarm(workflow: Workflow) -> None:
    Workflow.objects.update(state=State.FINISHED)
    look(START)

    alarms.look_for_silence()

    assert len(told(NotificationKind.SILENT)) == 1


def test_silent_queue_is_told_to_a_living_one(workflow: Workflow) -> None:
    alive(START)
    Heartbeat.objects.filter(name="workflows").update(at=START - MINUTE)

    alarms.look(START)

    assert told(NotificationKind.SILENT) == [
        "No worker of the queue workflows has answered since 2026-01-05 09:59:30Z;"
        " its tasks wait."
    ]


def test_deadline_is_told_once_for_a_run(workflow: Workflow) -> None:
    Workflow.objects.update(deadline_seconds=600)
    run = add_run(workflow, START, scheduled_for=START)

    look(START + 9 * MINUTE)
    before = told(NotificationKind.DEADLINE)
    look(START + 11 * MINUTE)
    look(START + 12 * MINUTE)

    row = Notification.objects.get(kind=NotificationKind.DEADLINE)
    run.refresh_from_db()
    assert before == []
    assert row.count == 1
    assert row.text == (
        f"Run {run.pk} of sample missed its deadline, 600 s after the planned instant."
    )
    assert run.alarmed_at == START + 11 * MINUTE


def test_deadline_missed_between_two_looks_is_told(workflow: Workflow) -> None:
    Workflow.objects.update(deadline_seconds=600)
    look(START + 9 * MINUTE)
    add_run(
        workflow,
        START,
        scheduled_for=START,
        status=RunStatus.FINISHED,
        ended_at=START + 11 * MINUTE,
    )

    look(START + 12 * MINUTE)

    assert Notification.objects.filter(kind=NotificationKind.DEADLINE).exists()


def test_a_later_limit_of_the_same_run_is_told_too(workflow: Workflow) -> None:
    Workflow.objects.update(deadline_seconds=3_600, expected_seconds=60)
    add_run(workflow, START, scheduled_for=START)

    look(START + 2 * MINUTE)
    look(START + 61 * MINUTE)

    kinds = Notification.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == [NotificationKind.UNUSUAL, NotificationKind.DEADLINE]


def test_run_longer_than_usual_is_told(workflow: Workflow) -> None:
    add_past(workflow, 12)
    run = add_run(workflow, START)

    look(START + 40 * SECOND)
    before = told(NotificationKind.UNUSUAL)
    look(START + 50 * SECOND)

    assert before == []
    assert told(NotificationKind.UNUSUAL) == [
        f"Run {run.pk} of sample takes longer than usual: 50 s, where up to 42 s are"
        " normal."
    ]


@pytest.mark.parametrize(
    ("past", "seconds", "length"),
    [(9, 20, 1_000), (12, 0.5, 4), (12, 20, 39)],
    ids=["too few runs", "under five seconds", "under twice the median"],
)
def test_usual_run_is_not_told(
    workflow: Workflow, past: int, seconds: float, length: int
) -> None:
    add_past(workflow, past, seconds)
    add_run(workflow, START)

    look(START + timedelta(seconds=length))

    assert told(NotificationKind.UNUSUAL) == []


def test_typical_duration_is_median_and_scaled_deviation(workflow: Workflow) -> None:
    for seconds in (10, 20, 30, 40, 100):
        began = START - HOUR
        ended = began + timedelta(seconds=seconds)
        add_run(workflow, began, status=RunStatus.FINISHED, ended_at=ended)

    usual = typical_duration([workflow.pk])[workflow.pk]

    assert (usual.median, usual.count) == (30, 5)
    assert usual.spread == pytest.approx(10 * 1.4826)


def test_typical_duration_reads_the_last_thirty_runs_that_worked(
    workflow: Workflow,
) -> None:
    add_past(workflow, 5, seconds=500)
    add_past(workflow, 30, seconds=20)
    ended = START + SECOND
    add_run(workflow, START, status=RunStatus.FINISHED, ended_at=ended, is_idle=True)

    usual = typical_duration([workflow.pk])[workflow.pk]

    assert (usual.median, usual.count) == (21, 30)


def test_activity_longer_than_its_limit_is_told(workflow: Workflow) -> None:
    structure = workflow.structure
    assert structure is not None
    for activity in structure.graph["activities"]:
        activity["max_seconds"] = 30
    structure.save()
    add_task(add_run(workflow, START), START, busy_seconds=20)

    look(START + 11 * SECOND)

    assert told(NotificationKind.UNUSUAL) == [
        "process works longer than its longest execution time of 30 s."
    ]


def test_activity_of_six_hours_is_warned_of_once(workflow: Workflow) -> None:
    add_task(add_run(workflow, START), START)

    for minutes in (359, 361, 362):
        look(START + minutes * MINUTE)

    lines = workflow.journal.filter(message__contains="has been running for more than")
    assert [line.text for line in lines] == [
        "process has been running for more than 6 hours."
    ]


def test_activity_that_waits_by_nature_is_not_warned_of(workflow: Workflow) -> None:
    add_task(add_run(workflow, START), START, activity_type="wait")

    look(START + 359 * MINUTE)
    look(START + 361 * MINUTE)

    assert not workflow.journal.filter(message__contains="more than").exists()


def test_backlog_over_its_limit_is_told_until_it_is_worked_off(
    workflow: Workflow,
) -> None:
    Freshness.objects.create(
        workflow=workflow, rows=212, oldest_at=START, sampled_at=START, is_over=True
    )
    look(START)
    during = told(NotificationKind.BACKLOG)
    Freshness.objects.update(is_over=False)

    look(START + MINUTE)

    assert during == [
        "More waits for sample than its limit: 212 rows, the oldest since"
        " 2026-01-05 10:00:30Z."
    ]
    assert told(NotificationKind.BACKLOG) == []


def test_task_that_no_worker_takes_is_told(workflow: Workflow) -> None:
    add_task(
        add_run(workflow, START), START, substate=Substate.QUEUED, enqueued_at=START
    )

    look(START + 3 * MINUTE)

    (text,) = told(NotificationKind.ALERT)
    assert text.startswith("Tasks of the queue workflows have waited for a worker")


def test_recovery_is_told_although_no_run_told_of_it(workflow: Workflow) -> None:
    Notification.objects.create(
        kind=NotificationKind.FAILED,
        workflow=workflow,
        fingerprint="f",
        message="x",
        first_at=START,
        last_at=START,
    )
    add_run(
        workflow,
        START + SECOND,
        status=RunStatus.FINISHED,
        ended_at=START + MINUTE,
    )

    look(START + 2 * MINUTE)

    assert told(NotificationKind.FAILED) == []
    assert Notification.objects.filter(kind=NotificationKind.RECOVERED).exists()


def test_broken_schedule_keeps_no_other_alarm_back(workflow: Workflow) -> None:
    workflow.tasks.filter(activity="scheduler").delete()
    Workflow.objects.update(time_zone="Mars/Base")
    Freshness.objects.create(workflow=workflow, rows=1, sampled_at=START, is_over=True)

    look(START + timedelta(days=2))

    assert told(NotificationKind.OVERDUE) == []
    assert len(told(NotificationKind.BACKLOG)) == 1


def test_status_of_tasks_that_are_over_raises_nothing(workflow: Workflow) -> None:
    run = add_run(workflow, START, status=RunStatus.FINISHED, ended_at=START)
    add_task(run, START, status=TaskStatus.COMPLETED, substate="")

    look(START + timedelta(hours=20))

    assert told(NotificationKind.UNUSUAL) == []
