from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from campaign.access.models import Operator
from tests.workflows.samples import START, nothing, sample_workflow
from workflows.actions import issue_command
from workflows.actions.pausing import NOT_RESUMED, keep_paused, look
from workflows.exceptions import (
    CommandRefused,
    InvalidInput,
    NotFound,
    PermissionRefused,
)
from workflows.models import (
    AuditEntry,
    CommandStatus,
    Notification,
    NotificationKind,
    Source,
    State,
    StructureVersion,
    Workflow,
)

pytestmark = pytest.mark.django_db


def after(**values: float) -> datetime:
    return START + timedelta(**values)


IN_A_MONTH = after(days=30)


def set_to(workflow: Workflow, **values: object) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(**values)


@pytest.fixture
def paused(administrator: Operator) -> Iterator[Workflow]:
    """A workflow that an administrator paused at START."""
    with sample_workflow(nothing) as workflow:
        issue_command(
            internal_name="sample",
            name="pause",
            acting_operator=administrator,
            source=Source.CONSOLE,
            reason="the provider changes its address",
            at=START,
        )
        set_to(
            workflow, paused_by="administrator", pause_comment="the provider changes"
        )
        workflow.refresh_from_db()
        yield workflow


def keep(operator: Any = None, until: datetime = IN_A_MONTH, **others: Any) -> Any:
    return keep_paused(
        **{
            "internal_name": "sample",
            "until": until,
            "acting_operator": operator,
            "source": Source.CONSOLE,
            "at": START,
            **others,
        }
    )


def reminders() -> list[str]:
    rows = Notification.objects.filter(kind=NotificationKind.PAUSE_REMINDER)
    return [row.text for row in rows]


def test_reminder_comes_at_its_instant(paused: Workflow) -> None:
    set_to(paused, remind_at=after(hours=1))

    look(after(minutes=59))
    assert reminders() == []

    look(after(hours=1))
    assert reminders() == [
        "The workflow has been paused since 2026-01-05 10:00 UTC."
        " Reason: the provider changes"
    ]


def test_reminder_comes_once(paused: Workflow) -> None:
    set_to(paused, remind_at=after(hours=1))

    look(after(hours=1))
    look(after(hours=2))

    assert Notification.objects.get().count == 1
    assert Workflow.objects.get(pk=paused.pk).remind_at is None


def test_workflow_that_goes_on_is_not_reminded_of(paused: Workflow) -> None:
    set_to(paused, remind_at=after(hours=1), state=State.STARTED, paused_at=None)

    look(after(hours=2))

    assert reminders() == []


def test_pause_ends_at_its_instant(paused: Workflow) -> None:
    set_to(paused, resume_at=after(hours=1))

    look(after(minutes=59))
    assert Workflow.objects.get(pk=paused.pk).state == State.PAUSED

    look(after(hours=1))
    assert Workflow.objects.get(pk=paused.pk).state == State.STARTED


def test_end_of_a_pause_is_a_command_of_the_engine(paused: Workflow) -> None:
    set_to(paused, resume_at=after(hours=1))

    look(after(hours=1))

    command = paused.commands.get(name="resume")
    assert command.source == Source.ENGINE
    assert command.status == CommandStatus.APPLIED
    assert command.requested_by is None
    assert command.reason == "paused until 2026-01-05 11:00 UTC"


def test_workflow_in_error_does_not_go_on_by_itself(paused: Workflow) -> None:
    set_to(paused, resume_at=after(hours=1), failed=True)

    look(after(hours=2))

    paused.refresh_from_db()
    assert (paused.state, paused.failed) == (State.PAUSED, True)


def test_resume_that_is_not_possible_is_told_once(paused: Workflow) -> None:
    set_to(paused, resume_at=after(hours=1))
    StructureVersion.objects.filter(workflow=paused).update(
        graph={"activities": [], "transitions": []}
    )

    look(after(hours=1))
    look(after(hours=2))

    assert Workflow.objects.get(pk=paused.pk).state == State.PAUSED
    assert paused.journal.filter(message=NOT_RESUMED).count() == 1
    assert len(reminders()) == 1


def test_notices_of_a_pause_that_is_over_are_closed(paused: Workflow) -> None:
    notice = Notification.objects.create(
        kind=NotificationKind.PAUSED_LONG,
        workflow=paused,
        fingerprint="f",
        message="m",
        first_at=START,
        last_at=START,
    )

    look(after(hours=1))
    notice.refresh_from_db()
    assert notice.resolved_at is None

    set_to(paused, state=State.STARTED, paused_at=None)
    look(after(hours=2))
    notice.refresh_from_db()
    assert notice.resolved_at == after(hours=2)


def test_look_without_anything_due_costs_two_queries(
    paused: Workflow, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        look(START)


def test_keeping_paused_begins_counting_anew(paused: Workflow) -> None:
    set_to(paused, pause_notice_count=3, last_pause_notice_at=START)

    keep()

    paused.refresh_from_db()
    assert paused.snoozed_until == after(days=30)
    assert paused.pause_notice_count == 0
    assert paused.last_pause_notice_at is None


def test_keeping_paused_is_audited(paused: Workflow, administrator: Operator) -> None:
    keep(administrator, reason="until the contract is signed")

    entry = AuditEntry.objects.get(action="workflows.workflow.kept_paused")
    assert entry.author == "administrator"
    assert entry.reason == "until the contract is signed"
    assert entry.changes == {"snoozed_until": [None, "2026-02-04T10:00:30+00:00"]}


def test_keeping_paused_closes_the_notice(paused: Workflow) -> None:
    notice = Notification.objects.create(
        kind=NotificationKind.PAUSED_LONG,
        workflow=paused,
        fingerprint="f",
        message="m",
        first_at=START,
        last_at=START,
    )

    keep()

    notice.refresh_from_db()
    assert notice.resolved_at == START


def test_keeping_paused_needs_a_right(paused: Workflow, outsider: Operator) -> None:
    with pytest.raises(PermissionRefused):
        keep(outsider)


def test_started_workflow_cannot_be_kept_paused(paused: Workflow) -> None:
    set_to(paused, state=State.STARTED, paused_at=None)

    with pytest.raises(CommandRefused):
        keep()


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_date_beyond_reason_is_refused(paused: Workflow, days: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        keep(until=after(days=days))

    assert [fault.field for fault in refused.value.faults] == ["until"]


def test_unknown_workflow_is_refused(db: None) -> None:
    with pytest.raises(NotFound):
        keep(internal_name="unknown")
