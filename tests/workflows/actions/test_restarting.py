from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.workflows.samples import START, nothing, sample_workflow, tick, work_off
from workflows.actions import restarting
from workflows.models import (
    Command,
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


@pytest.fixture
def failed() -> Iterator[Workflow]:
    """A workflow that failed at START and restarts by itself."""
    with sample_workflow(nothing) as workflow:
        fail(workflow)
        yield workflow


def fail(workflow: Workflow, at: datetime = START) -> None:
    """Put the workflow in error as a failed task does."""
    Workflow.objects.filter(pk=workflow.pk).update(
        state=State.PAUSED,
        failed=True,
        paused_at=at,
        pause_reason="error",
        auto_restart=True,
    )
    workflow.refresh_from_db()


def set_to(workflow: Workflow, **values: object) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(**values)


def test_restart_waits_for_its_delay(failed: Workflow) -> None:
    made = restarting.look(after(seconds=29))

    failed.refresh_from_db()
    assert made == 0
    assert failed.restart_at == after(seconds=30)
    assert failed.state == State.PAUSED


def test_restart_resumes_the_workflow(failed: Workflow) -> None:
    restarting.look(START)

    made = restarting.look(after(seconds=30))

    failed.refresh_from_db()
    assert made == 1
    assert (failed.state, failed.failed) == (State.STARTED, False)
    assert (failed.restart_count, failed.restarts_of_day) == (1, 1)


def test_restart_is_a_command_of_the_engine(failed: Workflow) -> None:
    restarting.look(after(seconds=30))

    command = failed.commands.get(name="resume")
    assert command.source == Source.ENGINE
    assert command.status == CommandStatus.APPLIED
    assert command.reason == "automatic restart after an error, 1 of 20 today"


def test_second_look_restarts_nothing_more(failed: Workflow) -> None:
    restarting.look(after(seconds=30))

    assert restarting.look(after(seconds=31)) == 0
    assert Command.objects.filter(workflow=failed, name="resume").count() == 1


def test_next_failure_waits_longer(failed: Workflow) -> None:
    restarting.look(after(seconds=30))
    fail(failed, after(seconds=40))

    restarting.look(after(seconds=41))

    failed.refresh_from_db()
    assert failed.restart_at == after(seconds=100)


def test_workflow_that_does_not_restart_by_itself_is_left(failed: Workflow) -> None:
    set_to(failed, auto_restart=False)

    assert restarting.look(after(days=1)) == 0


def test_workflow_paused_by_an_operator_is_left(failed: Workflow) -> None:
    set_to(failed, failed=False)

    assert restarting.look(after(days=1)) == 0


def test_aborted_workflow_is_left(failed: Workflow) -> None:
    set_to(failed, state=State.FINISHED, paused_at=None)

    assert restarting.look(after(days=1)) == 0


def test_day_that_had_its_restarts_is_told_once(failed: Workflow) -> None:
    set_to(failed, restart_count=20, restarts_of_day=20, restart_day=START.date())

    restarting.look(after(seconds=30))
    restarting.look(after(hours=1))

    told = Notification.objects.get(kind=NotificationKind.RESTART_GAVE_UP)
    failed.refresh_from_db()
    assert told.workflow == failed
    assert told.count == 1
    assert told.parameters["count"] == 20
    assert failed.state == State.PAUSED


def test_next_day_is_tried_anew(failed: Workflow) -> None:
    set_to(failed, restart_count=20, restarts_of_day=20, restart_day=START.date())
    restarting.look(after(seconds=30))

    made = restarting.look(after(days=1))

    failed.refresh_from_db()
    assert made == 1
    assert failed.restarts_of_day == 1


def test_restart_that_is_not_possible_is_put_off(failed: Workflow) -> None:
    StructureVersion.objects.filter(workflow=failed).update(
        graph={"activities": [], "transitions": []}
    )

    restarting.look(after(hours=1))

    failed.refresh_from_db()
    assert failed.failed
    assert failed.restart_at == after(hours=1, seconds=60)
    assert failed.journal.filter(message=restarting.NOT_RESTARTED).exists()


def test_workflow_that_cannot_be_restarted_holds_back_no_other(
    failed: Workflow,
) -> None:
    StructureVersion.objects.filter(workflow=failed).update(
        graph={"activities": [], "transitions": []}
    )
    with sample_workflow(nothing, name="second") as second:
        fail(second)

        restarting.look(after(hours=1))

        second.refresh_from_db()
        assert second.state == State.STARTED


def test_success_begins_with_the_shortest_delay_again(failed: Workflow) -> None:
    restarting.look(after(seconds=30))
    tick(after(minutes=1))
    work_off(after(minutes=1))
    fail(failed, after(minutes=2))

    restarting.look(after(minutes=2, seconds=1))

    failed.refresh_from_db()
    assert failed.restart_at == after(minutes=2, seconds=30)
    assert failed.restarts_of_day == 1
