from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core import mail

from campaign.platform.services import options
from tests.workflows.history import make_workflow
from workflows.actions import tending
from workflows.models import (
    CommandStatus,
    Notification,
    NotificationKind,
    Severity,
    Source,
    State,
    Workflow,
)
from workflows.registry import Again, Backlog, Done, WouldDo

pytestmark = pytest.mark.django_db
PAUSED = datetime(2026, 1, 5, 5, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


class Run:
    """A run of the workflow that tends, as the handler sees it."""

    workflow_name = "cleanupPausedWorkflows"
    seconds_left = 20.0

    def __init__(self, at: datetime, late: timedelta = timedelta(0)) -> None:
        self.scheduled_for = at
        self.started_at = at + late
        self.lines: list[str] = []

    def checkpoint(self) -> None:
        """Go on."""

    def info(self, message: str, **parameters: Any) -> None:
        self.lines.append(message % parameters)

    warning = info


def tend(at: datetime, **others: Any) -> Run:
    """Let the workflow look at an instant; its mail goes out at that instant."""
    run = Run(at, **others)
    with time_machine.travel(run.started_at, tick=False):
        tending.tend_paused(run, spared={"cleanup", "cleanupPausedWorkflows"})
    return run


@pytest.fixture
def paused() -> Workflow:
    """A workflow of normal severity, paused on Monday at 05:00, with a supervisor."""
    return make_paused()


def make_paused(name: str = "sample", **values: Any) -> Workflow:
    workflow = make_workflow(
        name,
        **{
            "state": State.PAUSED,
            "paused_at": PAUSED,
            "severity": Severity.NORMAL,
            **values,
        },
    )
    group, _created = Group.objects.get_or_create(name="Workflow supervisors")
    workflow.supervisors.add(group)
    supervisor, _created = get_user_model().objects.get_or_create(
        username="anna", email="anna@example.com"
    )
    supervisor.groups.add(group)
    return workflow


def counted(workflow: Workflow) -> tuple[int, datetime | None]:
    workflow.refresh_from_db()
    return workflow.pause_notice_count, workflow.last_pause_notice_at


def set_to(workflow: Workflow, **values: Any) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(**values)


def set_option(name: str, value: int) -> None:
    options.set_value(
        name=name, value=value, acting_operator=None, source=Source.CLI, at=PAUSED
    )


def addresses() -> set[str]:
    return {address for message in mail.outbox for address in message.to}


@pytest.mark.parametrize(
    ("after", "count"),
    [(WEEK - timedelta(seconds=1), 0), (WEEK, 1), (WEEK + timedelta(seconds=1), 1)],
)
def test_first_notice_comes_after_the_period(
    paused: Workflow, after: timedelta, count: int
) -> None:
    tend(PAUSED + after)

    assert counted(paused)[0] == count


def test_notice_is_mailed_and_shown(paused: Workflow) -> None:
    tend(PAUSED + WEEK)

    notice = Notification.objects.get(kind=NotificationKind.PAUSED_LONG)
    assert notice.text == (
        "The workflow has been paused for 7 days. This is notice 1 of 4; after the"
        " last one it is stopped unconditionally."
    )
    assert addresses() == {"anna@example.com"}
    assert "paused for 7 days" in mail.outbox[0].body
    assert paused.journal.filter(message=tending.NOTICE_OF).exists()


def test_run_that_comes_twice_counts_once(paused: Workflow) -> None:
    tend(PAUSED + WEEK)

    tend(PAUSED + WEEK, late=timedelta(minutes=1))

    assert counted(paused) == (1, PAUSED + WEEK)
    assert len(mail.outbox) == 1


def test_last_notice_and_stop_never_come_together(paused: Workflow) -> None:
    set_to(paused, pause_notice_count=3, last_pause_notice_at=PAUSED + 3 * WEEK)
    tend(PAUSED + 4 * WEEK)

    tend(PAUSED + 4 * WEEK, late=timedelta(minutes=1))

    assert counted(paused)[0] == 4
    assert paused.state == State.PAUSED


def test_last_notice_names_the_date_of_the_stop(paused: Workflow) -> None:
    set_to(paused, pause_notice_count=3, last_pause_notice_at=PAUSED + 3 * WEEK)

    tend(PAUSED + 4 * WEEK)

    assert Notification.objects.get().text == (
        "The workflow has been paused for 28 days. This is the last notice: it is"
        " stopped unconditionally on 2026-02-09 05:00 UTC, unless it is resumed or"
        " kept paused."
    )


def test_last_notice_goes_to_administrators_too(
    paused: Workflow, administrator: Any
) -> None:
    set_to(paused, pause_notice_count=3, last_pause_notice_at=PAUSED + 3 * WEEK)

    tend(PAUSED + 4 * WEEK)

    assert addresses() == {"anna@example.com", "administrator@example.com"}


def test_earlier_notices_do_not_bother_administrators(
    paused: Workflow, administrator: Any
) -> None:
    tend(PAUSED + WEEK)

    assert addresses() == {"anna@example.com"}


def test_creator_and_last_modifier_are_told(
    paused: Workflow, supervisor: Any, outsider: Any
) -> None:
    set_to(paused, created_by=supervisor, modified_by=outsider)

    tend(PAUSED + WEEK)

    assert addresses() == {
        "anna@example.com",
        "supervisor@example.com",
        "outsider@example.com",
    }


def test_stop_is_a_command_of_the_engine(paused: Workflow) -> None:
    set_to(paused, pause_notice_count=4, last_pause_notice_at=PAUSED + 4 * WEEK)

    tend(PAUSED + 5 * WEEK)

    paused.refresh_from_db()
    command = paused.commands.get()
    assert paused.state == State.FINISHED
    assert (command.name, command.source) == ("kill", Source.ENGINE)
    assert command.status == CommandStatus.APPLIED
    assert command.reason == "paused for 35 days in spite of 4 notices"
    assert paused.journal.filter(message=tending.STOPPED).exists()


def test_stop_is_told_and_closes_the_notice(paused: Workflow) -> None:
    set_to(paused, pause_notice_count=3, last_pause_notice_at=PAUSED + 3 * WEEK)
    tend(PAUSED + 4 * WEEK)

    tend(PAUSED + 5 * WEEK)

    assert not Notification.objects.filter(resolved_at__isnull=True).exists()
    stopped = Notification.objects.get(kind=NotificationKind.AUTO_STOPPED)
    assert stopped.text == (
        "The workflow was stopped unconditionally: it had been paused for 35 days,"
        " in spite of 4 notices."
    )


def test_workflow_in_error_is_treated_alike(paused: Workflow) -> None:
    set_to(paused, failed=True, pause_notice_count=4, last_pause_notice_at=PAUSED)

    tend(PAUSED + WEEK)

    paused.refresh_from_db()
    assert paused.state == State.FINISHED


@pytest.mark.parametrize("severity", [Severity.PRODUCTION, Severity.CRITICAL])
def test_higher_severity_is_told_for_ever(paused: Workflow, severity: Severity) -> None:
    set_to(paused, severity=severity)

    for week in range(1, 8):
        tend(PAUSED + week * WEEK)

    paused.refresh_from_db()
    assert paused.state == State.PAUSED
    assert len(mail.outbox) == 7


def test_lowered_severity_still_brings_a_notice_with_the_date(
    paused: Workflow,
) -> None:
    set_to(paused, severity=Severity.PRODUCTION)
    for week in range(1, 8):
        tend(PAUSED + week * WEEK)
    set_to(paused, severity=Severity.NORMAL)

    tend(PAUSED + 8 * WEEK)

    paused.refresh_from_db()
    assert paused.state == State.PAUSED
    assert Notification.objects.get().message == tending.LAST_NOTICE


@pytest.mark.parametrize("name", ["cleanup", "cleanupPausedWorkflows"])
def test_what_keeps_the_instance_in_order_is_never_stopped(name: str) -> None:
    workflow = make_paused(name)

    for week in range(1, 7):
        tend(PAUSED + week * WEEK)

    workflow.refresh_from_db()
    assert workflow.state == State.PAUSED


def test_zero_notices_stop_nothing(paused: Workflow) -> None:
    set_option("WorkflowPausedMaxNotices", 0)

    for week in range(1, 7):
        tend(PAUSED + week * WEEK)

    assert counted(paused)[0] == 6
    assert paused.state == State.PAUSED


def test_period_is_an_option(paused: Workflow) -> None:
    set_option("NmsServer_PausedWorkflowPeriod", 14)

    tend(PAUSED + WEEK)
    assert counted(paused)[0] == 0

    tend(PAUSED + 2 * WEEK)
    assert counted(paused)[0] == 1


def test_kept_paused_means_left_in_peace(paused: Workflow) -> None:
    set_to(paused, snoozed_until=PAUSED + 5 * WEEK)

    tend(PAUSED + 5 * WEEK - timedelta(hours=1))
    assert counted(paused)[0] == 0

    tend(PAUSED + 5 * WEEK)
    assert counted(paused)[0] == 1


def test_pause_until_a_date_is_left_in_peace(paused: Workflow) -> None:
    set_to(paused, resume_at=PAUSED + 10 * WEEK)

    tend(PAUSED + WEEK)

    assert counted(paused)[0] == 0


def test_started_workflow_is_no_concern(paused: Workflow) -> None:
    set_to(paused, state=State.STARTED, paused_at=None)

    run = tend(PAUSED + WEEK)

    assert run.lines == []
    assert mail.outbox == []


def test_notice_that_no_relay_takes_does_not_count(
    paused: Workflow, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    run = tend(PAUSED + WEEK)

    assert counted(paused) == (0, None)
    assert run.lines == ["1 notices could not be sent; they do not count."]


def test_notice_without_any_reader_counts(paused: Workflow) -> None:
    paused.supervisors.clear()

    tend(PAUSED + WEEK)

    assert counted(paused)[0] == 1


def test_week_with_summer_time_brings_its_notice(paused: Workflow) -> None:
    set_to(paused, pause_notice_count=1, last_pause_notice_at=PAUSED + WEEK)

    tend(PAUSED + 2 * WEEK - timedelta(hours=1))

    assert counted(paused)[0] == 2


def test_late_run_brings_the_next_notice_in_time(paused: Workflow) -> None:
    tend(PAUSED + WEEK, late=timedelta(hours=9))

    tend(PAUSED + 2 * WEEK)

    assert counted(paused)[0] == 2


def test_run_tells_what_it_did(paused: Workflow) -> None:
    make_paused("second", pause_notice_count=4, last_pause_notice_at=PAUSED)

    run = Run(PAUSED + WEEK)
    with time_machine.travel(PAUSED + WEEK, tick=False):
        done = tending.tend_paused(run, spared=())

    assert done == Done(count=2, read=2, written=2)
    assert run.lines == ["1 notices were given, 1 workflows stopped."]


def test_run_without_paused_workflows_is_idle(db: None) -> None:
    assert tending.tend_paused(Run(PAUSED), spared=()) == Done(is_idle=True)


def test_run_hands_over_when_its_time_is_up(paused: Workflow) -> None:
    run = Run(PAUSED + WEEK)
    run.seconds_left = 0.0

    assert isinstance(tending.tend_paused(run, spared=()), Again)
    assert counted(paused)[0] == 0


def test_simulation_counts_and_changes_nothing(paused: Workflow) -> None:
    make_paused("second", pause_notice_count=4, last_pause_notice_at=PAUSED)
    make_paused("third", snoozed_until=PAUSED + 9 * WEEK)

    would = tending.would_tend(Run(PAUSED + WEEK), spared=())

    assert would == WouldDo(
        count=2,
        message="%(notices)s notices would be given and %(stops)s workflows stopped.",
        parameters={"notices": 1, "stops": 1},
    )
    assert counted(paused)[0] == 0
    assert mail.outbox == []


def test_notices_that_are_due_wait(paused: Workflow) -> None:
    make_paused("second", last_pause_notice_at=PAUSED + WEEK, pause_notice_count=1)

    with time_machine.travel(PAUSED + WEEK + timedelta(days=1), tick=False):
        waiting = tending.paused_backlog()

    assert waiting.rows == 1
    assert waiting.oldest_at == PAUSED + WEEK


def test_without_due_notices_the_result_is_good_now(paused: Workflow) -> None:
    with time_machine.travel(PAUSED, tick=False):
        assert tending.paused_backlog() == Backlog(rows=0, good_until=PAUSED)
