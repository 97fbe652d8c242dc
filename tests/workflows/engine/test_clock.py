from __future__ import annotations

from datetime import timedelta

import pytest

from tests.workflows.samples import START, sample_workflow, three_rows, tick
from workflows import conf
from workflows.engine import clock, rescue, supervision
from workflows.models import Heartbeat, HeartbeatKind, RunTrigger, Signal, Task

pytestmark = pytest.mark.django_db


def test_signals_asked_for_twice_are_written_once() -> None:
    with sample_workflow(three_rows) as workflow:
        clock.raise_signals({"sample"}, START)
        clock.raise_signals({"sample"}, START)

        assert workflow.signals.count() == 1


def test_signal_for_an_unknown_workflow_is_dropped() -> None:
    clock.raise_signals({"nowhere"}, START)

    assert not Signal.objects.exists()


def test_broken_schedule_puts_only_its_workflow_in_error() -> None:
    with (
        sample_workflow(three_rows) as broken,
        sample_workflow(three_rows, name="second") as sound,
    ):
        graph = broken.structure.graph
        graph["activities"][0]["parameters"]["schedule"] = {"kind": "never"}
        broken.structure.save()

        tick(START + timedelta(minutes=1))

        broken.refresh_from_db()
        assert (broken.state, broken.failed) == ("paused", True)
        assert sound.runs.get().trigger == RunTrigger.SCHEDULE


def test_duty_is_taken_by_one_clock_only() -> None:
    supervision.take_due_duties(START)

    assert supervision.take_due_duties(START) == []


def test_duty_is_due_again_after_its_period() -> None:
    supervision.take_due_duties(START)

    later = START + timedelta(seconds=conf.RESCUE_SECONDS)
    assert supervision.RESCUE in supervision.take_due_duties(later)


def test_silent_clock_and_queue_are_reported_down() -> None:
    supervision.beat_clock(START)
    supervision.take_due_duties(START)

    well = supervision.component_status(START)
    ill = supervision.component_status(START + timedelta(seconds=31))

    assert all(part.is_up for part in well.values())
    assert [name for name, part in ill.items() if part.is_up] == ["database"]


def test_safety_net_ticks_without_looking_like_a_clock() -> None:
    clock.safety_net()

    assert not Heartbeat.objects.filter(kind=HeartbeatKind.CLOCK).exists()


def test_queued_task_nobody_took_is_announced_again() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(START + timedelta(minutes=1))
        later = START + timedelta(minutes=2)

        assert rescue.announce_lost(later) >= 1
        assert workflow.tasks.get(activity="process").enqueued_at == later
        assert rescue.announce_lost(later) == 0


def test_sleep_lasts_until_the_next_instant_at_most() -> None:
    with sample_workflow(three_rows):
        Task.objects.filter(activity="scheduler").update(
            process_at="2999-01-01T00:00:00Z"
        )

        assert clock.seconds_to_next() == clock.LONGEST_SLEEP
