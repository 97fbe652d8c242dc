"""Long pauses and long histories, treated by the real workflow and the purge."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core import mail

from campaign.access.models import Operator
from tests.workflows.history import check_links, make_run, make_task, make_workflow
from tests.workflows.samples import nothing, sample_workflow, tick, work_off
from workflows.actions import issue_command
from workflows.actions.delete import delete_workflow
from workflows.engine import deletion, purge
from workflows.models import (
    JournalEntry,
    Run,
    Severity,
    Source,
    State,
    Task,
    Workflow,
)

pytestmark = pytest.mark.django_db
INSTALLED = datetime(2026, 1, 5, 4, 0, tzinfo=UTC)
#: A Monday, when cleanupPausedWorkflows looks.
PAUSED = datetime(2026, 1, 5, 5, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def workflow() -> Iterator[Workflow]:
    """A workflow of normal severity with a supervisor, paused on a Monday."""
    with sample_workflow(nothing, at=INSTALLED) as sample:
        Workflow.objects.filter(pk=sample.pk).update(severity=Severity.NORMAL)
        supervisor = Operator.objects.create_user(
            username="anna", email="anna@example.com"
        )
        supervisor.groups.add(Group.objects.get(name="Workflow supervisors"))
        look(PAUSED)
        order("pause", PAUSED)
        yield sample


def order(name: str, at: datetime) -> None:
    issue_command(
        internal_name="sample",
        name=name,
        acting_operator=None,
        source=Source.CLI,
        at=at,
    )


def look(at: datetime) -> None:
    """Let the clock and the workers do what is due at an instant."""
    with time_machine.travel(at, tick=False):
        tick(at)
        work_off(at)


def live(first_week: int, last_week: int) -> list[int]:
    """Live through Mondays; return the days after the pause on which mail came."""
    days = []
    for day in range(first_week * 7, last_week * 7 + 1, 7):
        before = len(mail.outbox)
        look(PAUSED + day * DAY)
        days += [day] * (len(mail.outbox) - before)
    return days


def state(workflow: Workflow) -> tuple[str, int]:
    workflow.refresh_from_db()
    return workflow.state, workflow.pause_notice_count


def test_scenario_21_four_notices_come_a_week_apart(workflow: Workflow) -> None:
    assert live(1, 4) == [7, 14, 21, 28]
    assert state(workflow) == (State.PAUSED, 4)


def test_scenario_21_stop_comes_a_week_after_the_fourth_notice(
    workflow: Workflow,
) -> None:
    live(1, 5)

    assert state(workflow)[0] == State.FINISHED
    assert workflow.commands.get(name="kill").source == Source.ENGINE


def test_scenario_21_fourth_notice_names_the_day_of_the_stop(
    workflow: Workflow,
) -> None:
    live(1, 4)

    assert "stopped unconditionally on 2026-02-09 05:00 UTC" in mail.outbox[-1].body


@pytest.mark.parametrize("severity", [Severity.PRODUCTION, Severity.CRITICAL])
def test_scenario_21_production_is_never_stopped(
    workflow: Workflow, severity: Severity
) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(severity=severity)

    assert live(1, 8) == [7, 14, 21, 28, 35, 42, 49, 56]
    assert state(workflow)[0] == State.PAUSED


def test_scenario_21_resume_begins_counting_anew(workflow: Workflow) -> None:
    live(1, 3)
    order("resume", PAUSED + 22 * DAY)
    order("pause", PAUSED + 23 * DAY)

    assert live(4, 4) == []
    assert state(workflow) == (State.PAUSED, 0)


def test_scenario_21_tidying_workflow_runs_to_its_end(workflow: Workflow) -> None:
    live(1, 1)

    run = Run.objects.get(
        workflow__internal_name="cleanupPausedWorkflows",
        scheduled_for=PAUSED + 7 * DAY,
    )
    assert (run.status, run.written_count) == ("finished", 1)


@pytest.mark.parametrize(("days", "left"), [(30, 1), (0, 2)])
def test_scenario_22_history_goes_after_its_days(days: int, left: int) -> None:
    workflow = make_workflow(history_days=days)
    make_run(workflow, PAUSED - 31 * DAY)
    make_run(workflow, PAUSED)

    purge.purge_history(PAUSED)

    assert workflow.runs.count() == left
    assert workflow.journal.count() == left


def test_scenario_22_active_tasks_survive() -> None:
    workflow = make_workflow()
    run = make_run(workflow, None)
    active = make_task(workflow, run, None)

    purge.purge_history(PAUSED + 400 * DAY)

    assert workflow.tasks.get() == active


def test_scenario_22_workflow_with_logs_can_be_deleted(
    administrator: Operator,
) -> None:
    workflow = make_workflow("retired", is_technical=False, state=State.FINISHED)
    make_run(workflow, PAUSED)

    delete_workflow(
        internal_name="retired",
        expected_version=1,
        acting_operator=administrator,
        source=Source.CONSOLE,
        at=PAUSED,
    )
    deletion.delete_marked()
    check_links()

    assert not Workflow.objects.filter(pk=workflow.pk).exists()
    assert not JournalEntry.objects.exists()
    assert not Task.objects.exists()
