"""The three technical workflows as the engine sees them."""

from __future__ import annotations

from typing import Any

import pytest

from campaign.deliveries.models import BroadLog
from campaign.deliveries.services import hooks
from campaign.messagecenter import technical_workflows
from campaign.messagecenter.models import BatchEvent, EventType, RtEvent
from campaign.messagecenter.services import routing, wake
from campaign.messagecenter.services.options import BATCH_SIZE
from campaign.platform.services import options
from tests.campaign.messagecenter.factories import AT, make_event, make_template
from tests.campaign.messagecenter.test_status_copy import Run
from workflows.models import Source
from workflows.queue import CLOCK_CHANNEL, open_listener
from workflows.registry import Again, Done, declarations

pytestmark = pytest.mark.django_db


def test_exactly_these_three_are_declared() -> None:
    ours = {
        name: [(a.name, a.after, a.queue) for a in declaration.activities]
        for name, declaration in declarations().items()
        if declaration.owner.__module__ == technical_workflows.__name__
    }

    assert ours == {
        "rtEventsProcessing": [("route_events", ("scheduler", "signal"), "realtime")],
        "batchEventsProcessing": [("route_events", ("scheduler",), "workflows")],
        "updateEventsStatus": [("copy_statuses", ("scheduler", "signal"), "workflows")],
    }


@pytest.mark.parametrize(
    ("workflow", "model"),
    [
        (technical_workflows.RealTimeEventsProcessing, RtEvent),
        (technical_workflows.BatchEventsProcessing, BatchEvent),
    ],
)
def test_run_drains_its_queue_in_batches(
    order_shipped: EventType, workflow: Any, model: type[RtEvent | BatchEvent]
) -> None:
    make_template(order_shipped)
    options.set_value(
        name=BATCH_SIZE.name,
        value=2,
        acting_operator=None,
        source=Source.ENGINE,
        at=AT,
    )
    for _ in range(5):
        make_event(order_shipped, model=model)
    run = Run()

    done = workflow().route_events(run)
    again = workflow().route_events(run)

    assert done == Done(count=5, read=5, written=5)
    assert again == Done(is_idle=True)
    assert run.checkpoints == 5
    assert BroadLog.objects.count() == 5


def test_run_hands_over_when_its_time_is_up(order_shipped: EventType) -> None:
    make_event(order_shipped)

    result = routing.drain(Run(seconds_left=0), "rt")

    assert isinstance(result, Again)
    assert RtEvent.objects.get().status == 0


def test_events_without_template_are_told_in_the_journal(
    order_shipped: EventType,
) -> None:
    make_event(order_shipped)
    run = Run()

    done = routing.drain(run, "rt")

    assert done == Done(read=1, rejected=1)
    assert run.lines == ["%(count)s events are covered by no message template."]


def test_the_senders_know_whom_to_tell() -> None:
    path = f"{wake.__name__}.{wake.on_logs_final.__name__}"

    assert path in hooks._paths


@pytest.mark.django_db(transaction=True)
def test_final_logs_wake_the_status_copy() -> None:
    listener = open_listener(CLOCK_CHANNEL)

    hooks.logs_are_final([1, 2, 3])
    heard = [note.payload for note in listener.notifies(timeout=5, stop_after=1)]
    listener.close()

    assert heard == ["signal:updateEventsStatus"]
