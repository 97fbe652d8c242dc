from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core import mail

from campaign.access.models import Operator
from tests.workflows.samples import sample_workflow, three_rows
from workflows.actions.sync import SUPERVISORS
from workflows.engine import digest, notifications
from workflows.models import (
    Freshness,
    Level,
    Notification,
    NotificationKind,
    Occurrence,
    Run,
    RunStatus,
    RunTrigger,
    State,
    Workflow,
)

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 1, 6, 7, 0, tzinfo=UTC)
YESTERDAY = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.fixture
def watcher(supervisor: Operator) -> Operator:
    group, _created = Group.objects.get_or_create(name=SUPERVISORS)
    supervisor.groups.add(group)
    return supervisor


@pytest.fixture
def workflow(watcher: Operator) -> Iterator[Workflow]:
    with (
        time_machine.travel(YESTERDAY, tick=False),
        sample_workflow(three_rows) as made,
    ):
        yield made


def look(at: datetime) -> None:
    """Let the duty be done at an instant, and its mail be sent."""
    with time_machine.travel(at, tick=False):
        digest.look()
        for key in notifications.due_keys(at):
            notifications.deliver(key)


def add_run(workflow: Workflow, status: str, **values: Any) -> Run:
    values.setdefault("ended_at", YESTERDAY + timedelta(seconds=90))
    assert workflow.structure is not None
    return Run.objects.create(
        workflow=workflow,
        structure=workflow.structure,
        trigger=RunTrigger.SCHEDULE,
        status=status,
        created_at=YESTERDAY,
        started_at=YESTERDAY,
        **values,
    )


def digests() -> list[Notification]:
    return list(Notification.objects.filter(kind=NotificationKind.DIGEST))


def test_digest_is_sent_once_at_seven(workflow: Workflow) -> None:
    add_run(workflow, RunStatus.FAILED)
    look(YESTERDAY)
    look(MORNING - timedelta(minutes=1))
    before = len(digests())

    look(MORNING)
    look(MORNING + timedelta(minutes=5))

    assert (before, len(digests()), len(mail.outbox)) == (0, 1, 1)


def test_hour_of_the_digest_is_that_of_the_server_zone(
    workflow: Workflow, settings: Any
) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    look(MORNING - timedelta(days=1))

    look(datetime(2026, 1, 6, 1, 29, tzinfo=UTC))
    before = len(digests())
    look(datetime(2026, 1, 6, 1, 30, tzinfo=UTC))

    assert (before, len(digests())) == (0, 1)


def test_all_well_is_a_line_in_the_console_and_no_mail(workflow: Workflow) -> None:
    add_run(workflow, RunStatus.FINISHED)
    look(YESTERDAY)

    look(MORNING)

    (row,) = digests()
    assert mail.outbox == []
    assert row.level == Level.INFO
    assert row.text == "All well: 1 runs yesterday, none failed."


def test_digest_names_what_waits_for_a_person(
    workflow: Workflow, watcher: Operator
) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(
        state=State.PAUSED,
        failed=True,
        paused_at=YESTERDAY,
        ignored_errors=7,
        ignored_since=YESTERDAY,
    )
    add_run(workflow, RunStatus.FAILED, ended_at=None)
    add_run(workflow, RunStatus.FINISHED)
    Freshness.objects.create(
        workflow=workflow,
        rows=212,
        oldest_at=YESTERDAY,
        sampled_at=YESTERDAY,
        is_over=True,
    )
    Notification.objects.create(
        kind=NotificationKind.OVERDUE,
        workflow=workflow,
        fingerprint="o",
        message="late",
        first_at=YESTERDAY,
        last_at=YESTERDAY,
        sent_at=YESTERDAY,
        sent_count=1,
    )
    look(YESTERDAY)

    look(MORNING)

    (message,) = mail.outbox
    assert message.to == [watcher.email]
    for line in (
        "1 workflows in error, 0 paused, 1 late or overdue, 1 with ignored errors",
        "Runs yesterday: 2",
        "Failed runs yesterday: 1",
        "Workflows in error:\n- sample – since 2026-01-05 12:00:00 (UTC)",
        "- sample – Run overdue – since 2026-01-05 12:00:00 (UTC)",
        "- sample – 7 – since 2026-01-05 12:00:00 (UTC)",
        "- sample – 212 – since 2026-01-05 12:00:00 (UTC)",
        "Longest runs yesterday:\n- sample – 90.0 s",
    ):
        assert line in message.body


def test_missed_instants_of_yesterday_are_told(workflow: Workflow) -> None:
    Occurrence.objects.create(
        workflow=workflow,
        activity="scheduler",
        scheduled_for=YESTERDAY,
        last_scheduled_for=YESTERDAY,
        count=3,
        outcome="skipped_misfire",
        recorded_at=YESTERDAY,
    )
    look(YESTERDAY)

    look(MORNING)

    assert digests()[0].parameters["missed"] == 3
    assert len(mail.outbox) == 1


def test_runs_of_today_are_not_yesterdays(workflow: Workflow) -> None:
    add_run(workflow, RunStatus.FINISHED, ended_at=MORNING - timedelta(hours=1))

    assert digest.compose(MORNING)["runs"] == 0


def test_what_was_told_long_ago_is_forgotten(workflow: Workflow) -> None:
    long_ago = MORNING - timedelta(days=91)
    Notification.objects.create(
        kind=NotificationKind.OVERDUE,
        fingerprint="o",
        message="late",
        first_at=long_ago,
        last_at=long_ago,
        resolved_at=long_ago,
    )
    look(YESTERDAY)

    look(MORNING)

    assert not Notification.objects.filter(fingerprint="o").exists()
