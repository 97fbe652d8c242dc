from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import Group
from django.core import mail
from django.core.mail.backends import locmem
from django.db import connection

from campaign.access.models import Operator
from tests.workflows.samples import START, sample_workflow, three_rows
from workflows import queue
from workflows.actions.sync import SUPERVISORS
from workflows.engine import notifications
from workflows.engine.notifications import (
    LOCK_CLASS,
    deliver,
    due_keys,
    notify,
    resolve,
)
from workflows.models import (
    Level,
    Notification,
    NotificationKind,
    Run,
    RunStatus,
    RunTrigger,
    Severity,
    State,
    Task,
    TaskStatus,
    Workflow,
)

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def watcher(supervisor: Operator) -> Operator:
    """A supervisor who belongs to the group that is told."""
    group, _created = Group.objects.get_or_create(name=SUPERVISORS)
    supervisor.groups.add(group)
    return supervisor


@pytest.fixture
def workflow(db: None) -> Any:
    with sample_workflow(three_rows) as made:
        yield made


def failed_task(workflow: Workflow, error: str = "The relay is away.") -> Task:
    assert workflow.structure is not None
    run = Run.objects.create(
        workflow=workflow,
        structure=workflow.structure,
        trigger=RunTrigger.SCHEDULE,
        scheduled_for=START,
        status=RunStatus.FAILED,
        created_at=START,
    )
    return Task.objects.create(
        workflow=workflow,
        run=run,
        activity="process",
        activity_type="script",
        status=TaskStatus.FAILED,
        substate="",
        error=error,
        created_at=START,
    )


def fail(workflow: Workflow, at: datetime = START, error: str = "Gone.") -> Any:
    return notifications.workflow_failed(workflow, failed_task(workflow, error), at)


def send(row: Notification, at: datetime = START) -> None:
    with time_machine.travel(at, tick=False):
        deliver(row.pk)


def page_of(message: Any) -> str:
    """Return the HTML part of a mail."""
    return str(message.alternatives[0].content)


def alarm(workflow: Workflow, at: datetime) -> Notification:
    return notify(
        kind=NotificationKind.OVERDUE,
        workflow=workflow,
        level=Level.WARNING,
        message="%(name)s is late.",
        parameters={"name": "sample"},
        at=at,
    )


def test_mail_tells_everything_a_supervisor_needs(
    watcher: Operator, workflow: Workflow
) -> None:
    Workflow.objects.update(severity=Severity.CRITICAL, state=State.STARTED)

    send(fail(workflow, error="No route to host\nTraceback …"))

    (message,) = mail.outbox
    assert message.to == [watcher.email]
    assert message.subject == "Workflow in error: Sample sample"
    for line in (
        "process failed: No route to host",
        "Internal name: sample",
        f"ID: {workflow.uuid}",
        "Package: Delivery",
        "Severity: Critical",
        "Planned for: 2026-01-05 10:00:30 (UTC)",
        "Activity: process",
        "Error: No route to host",
        "Last lines of the journal:",
    ):
        assert line in message.body


def test_every_link_of_the_mail_is_absolute(
    watcher: Operator, workflow: Workflow
) -> None:
    send(fail(workflow))

    root = settings.PUBLIC_URL.rstrip("/")
    body = str(mail.outbox[0].body)
    links = re.findall(r"^(\w[\w ]+): (http\S+)$", body, re.MULTILINE)
    assert links == [
        ("Open", f"{root}/workflows/sample/"),
        ("Resume", f"{root}/workflows/sample/commands/start/"),
        ("Restart", f"{root}/workflows/sample/commands/restart/"),
        ("Mute for 24 hours", f"{root}/workflows/sample/mute/"),
    ]


def test_second_order_to_send_sends_nothing(
    watcher: Operator, workflow: Workflow
) -> None:
    row = fail(workflow)

    send(row)
    send(row)

    assert len(mail.outbox) == 1


def test_equal_failures_share_a_row_whatever_their_numbers(workflow: Workflow) -> None:
    first = fail(workflow, error="Row 17 of 3f2504e0-4f89-11d3-9a0c-0305e82c3301")
    again = fail(workflow, error="Row 18 of 4a2504e0-4f89-11d3-9a0c-0305e82c3302")

    assert again.pk == first.pk
    assert again.count == 2


def test_another_error_has_its_own_row(workflow: Workflow) -> None:
    first = fail(workflow, error="The disk is full.")

    assert fail(workflow, error="No route to host").pk != first.pk


def test_repetition_waits_for_the_hour(watcher: Operator, workflow: Workflow) -> None:
    send(fail(workflow))
    row = fail(workflow, START + MINUTE)
    send(row, START + MINUTE)

    due = [due_keys(START + MINUTE), due_keys(START + HOUR + MINUTE)]

    assert len(mail.outbox) == 1
    assert due == [[], [row.pk]]


def test_hourly_repetition_tells_how_often(
    watcher: Operator, workflow: Workflow
) -> None:
    send(fail(workflow))
    row = fail(workflow, START + MINUTE)

    send(row, START + HOUR)

    assert "Occurrences: 2" in mail.outbox[1].body


def test_alarm_that_comes_and_goes_is_no_flood(
    watcher: Operator, workflow: Workflow
) -> None:
    first = alarm(workflow, START)
    send(first)
    resolve(workflow, [NotificationKind.OVERDUE], START + MINUTE)

    again = alarm(workflow, START + 2 * MINUTE)
    send(again, START + 2 * MINUTE)

    assert (again.pk, again.count, again.resolved_at) == (first.pk, 2, None)
    assert len(mail.outbox) == 1


def test_failure_after_a_recovery_is_told_at_once(
    watcher: Operator, workflow: Workflow
) -> None:
    send(fail(workflow))
    resolve(workflow, [NotificationKind.FAILED], START + MINUTE)

    send(fail(workflow, START + 2 * MINUTE), START + 2 * MINUTE)

    assert len(mail.outbox) == 2


def test_success_after_a_failure_is_told_once(
    watcher: Operator, workflow: Workflow
) -> None:
    row = fail(workflow)
    run = Run.objects.get(tasks=row.parameters["task"])

    notifications.run_succeeded(workflow, run, START + MINUTE)
    notifications.run_succeeded(workflow, run, START + 2 * MINUTE)
    recovered = Notification.objects.get(kind=NotificationKind.RECOVERED)
    send(recovered, START + MINUTE)

    row.refresh_from_db()
    assert row.resolved_at == START + MINUTE
    assert mail.outbox[0].subject == "Workflow recovered: Sample sample"
    assert "sample works again. Failures before: 1." in mail.outbox[0].body


def test_success_without_a_failure_costs_one_statement(
    workflow: Workflow, django_assert_num_queries: Any
) -> None:
    run = failed_task(workflow).run
    assert run is not None

    with django_assert_num_queries(3):  # the statement and its savepoint
        notifications.run_succeeded(workflow, run, START)


def test_muted_workflow_is_told_when_the_silence_ends(
    watcher: Operator, workflow: Workflow
) -> None:
    Workflow.objects.update(muted_until=START + HOUR)
    row = fail(workflow)
    send(row)

    during, after = due_keys(START + MINUTE), due_keys(START + HOUR)

    assert mail.outbox == []
    assert (during, after) == ([], [row.pk])


def test_nobody_to_tell_is_a_warning_in_the_journal(workflow: Workflow) -> None:
    send(fail(workflow))

    line = workflow.journal.get(message__startswith="No supervisor")
    assert line.level == Level.WARNING


def test_relay_that_is_away_is_a_warning_and_tried_again(
    watcher: Operator, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> int:
        raise ConnectionRefusedError("nobody listens")

    with monkeypatch.context() as patch:
        patch.setattr(locmem.EmailBackend, "send_messages", refuse)
        send(row := fail(workflow))
    due = due_keys(START + 10 * MINUTE)
    send(row, START + 10 * MINUTE)

    line = workflow.journal.get(message__startswith="The supervisors could not")
    assert line.parameters["error"] == "nobody listens"
    assert due == [row.pk]
    assert len(mail.outbox) == 1


def test_each_supervisor_reads_their_own_language_and_zone(
    watcher: Operator, workflow: Workflow
) -> None:
    Operator.objects.filter(pk=watcher.pk).update(
        language="fr", time_zone="Asia/Kolkata"
    )

    send(fail(workflow))

    (message,) = mail.outbox
    assert "2026-01-05 15:30:30 (Asia/Kolkata)" in message.body
    assert '<html lang="fr">' in page_of(message)


def test_text_of_an_error_is_no_markup_in_the_mail(
    watcher: Operator, workflow: Workflow
) -> None:
    send(fail(workflow, error="<script>alert(1)</script>"))

    assert "<script>" not in page_of(mail.outbox[0])


def test_inactive_supervisor_is_not_told(watcher: Operator, workflow: Workflow) -> None:
    Operator.objects.filter(pk=watcher.pk).update(is_active=False)

    send(fail(workflow))

    assert mail.outbox == []


def test_long_pause_is_told_to_its_last_modifier(
    outsider: Operator, workflow: Workflow
) -> None:
    Workflow.objects.update(modified_by=outsider)
    row = notify(
        kind=NotificationKind.PAUSED_LONG,
        workflow=workflow,
        level=Level.WARNING,
        message="Paused.",
        parameters={},
        at=START,
    )

    send(row)

    assert [message.to for message in mail.outbox] == [[outsider.email]]


def test_alert_mails_every_supervisor_with_an_address(
    watcher: Operator, workflow: Workflow
) -> None:
    sent = notifications.mail_supervisors(
        workflow_id=workflow.pk, subject="Look", body="Now"
    )

    assert sent == 1
    assert mail.outbox[0].subject == "Look"


@pytest.mark.django_db(transaction=True)
def test_the_same_told_at_the_same_moment_is_one_row() -> None:
    both = threading.Barrier(2)

    def tell() -> None:
        both.wait()
        notify(
            kind=NotificationKind.SILENT,
            fingerprint_of=("clock",),
            level=Level.ERROR,
            message="Silent.",
            parameters={},
            at=START,
        )
        connection.close()

    threads = [threading.Thread(target=tell) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Notification.objects.get().count == 2


@pytest.mark.django_db(transaction=True)
def test_a_notification_that_another_worker_sends_is_left_alone() -> None:
    row = notify(
        kind=NotificationKind.SILENT,
        level=Level.ERROR,
        message="Silent.",
        parameters={},
        at=START,
    )
    other = queue.open_listener("another_worker")
    other.execute("SELECT pg_advisory_lock(%s)", [LOCK_CLASS + row.pk])

    send(row)
    during = Notification.objects.get().sent_at
    other.close()
    send(row)

    assert during is None
    assert Notification.objects.get().sent_at == START
