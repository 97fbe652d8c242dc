"""Events are processed again where that is allowed, by whichever surface."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from campaign.access.models import Operator
from campaign.deliveries.models import BroadLog, Delivery, LogStatus, TargetType
from campaign.messagecenter.models import EventStatus, EventType, RtEvent
from campaign.messagecenter.services.event_keys import EventKey
from campaign.messagecenter.services.reprocessing import (
    preview_again,
    process_again,
    read_ids,
)
from tests.campaign.messagecenter.conftest import token_with
from tests.campaign.messagecenter.factories import AT, make_event
from workflows.exceptions import InvalidInput, PermissionRefused
from workflows.models import AuditEntry, Source

pytestmark = pytest.mark.django_db
AGAIN = "/message-center/events/process-again/"


@pytest.fixture
def delivery(db: None) -> Delivery:
    return Delivery.objects.create(
        internal_name="mc1", label="Shipped", part_month=AT.date().replace(day=1)
    )


@pytest.fixture
def failed(order_shipped: EventType, delivery: Delivery) -> RtEvent:
    """An event whose message was refused."""
    event = make_event(
        order_shipped,
        status=EventStatus.DELIVERY_ERROR,
        delivery=delivery,
        processed_at=AT,
        external_id="shop-1",
    )
    log = BroadLog.objects.create(
        part_month=delivery.part_month,
        delivery=delivery,
        target_type=TargetType.RT_EVENT,
        target_id=event.pk,
        address=event.email,
        status=LogStatus.FAILED,
        event_at=AT,
        valid_until=AT + timedelta(days=5),
        message_id="m@example.com",
        created_at=AT,
        last_modified=AT,
    )
    event.broadlog_id = log.pk
    event.save()
    return event


def again(*events: Any, **values: Any) -> Any:
    return process_again(
        **{
            "keys": [EventKey("rt", event.pk) for event in events],
            "acting_operator": None,
            "source": Source.CLI,
            "at": AT,
            **values,
        }
    )


def waiting(event_type: EventType, **values: Any) -> Any:
    later = AT + timedelta(hours=1)
    return make_event(event_type, error_count=3, process_on=later, **values)


def test_event_that_waits_after_an_error_is_due_at_once(
    order_shipped: EventType,
) -> None:
    event = waiting(order_shipped)

    done = again(event)

    event.refresh_from_db()
    assert done.hastened == (f"rt-{event.pk}",)
    assert event.process_on == AT
    assert event.error_count == 3


def test_failed_event_is_recycled_as_a_new_one(failed: RtEvent) -> None:
    done = again(failed)

    new = RtEvent.objects.get(recycled_from=failed.pk)
    failed.refresh_from_db()
    assert done.recycled == ((f"rt-{failed.pk}", f"rt-{new.pk}"),)
    assert failed.status == EventStatus.DELIVERY_ERROR
    assert (new.status, new.email, new.ctx) == (0, failed.email, failed.ctx)
    assert (new.external_id, new.process_on, new.error_count) == ("shop-1", AT, 0)
    assert new.broadlog_id is None


def test_second_time_does_nothing_more(
    failed: RtEvent, order_shipped: EventType
) -> None:
    event = waiting(order_shipped)
    again(failed, event)

    second = again(failed, event)

    assert second.taken == 0
    assert RtEvent.objects.filter(recycled_from=failed.pk).count() == 1
    assert AuditEntry.objects.filter(action__contains="event.").count() == 2


@pytest.mark.parametrize(
    "values",
    [
        {"status": EventStatus.NOT_COVERED},
        {"status": EventStatus.EXPIRED},
        {"status": EventStatus.PAUSED},
        {"status": EventStatus.TARGETING_FAILED},
        {"status": EventStatus.PENDING},
        {"process_on": AT + timedelta(hours=1), "scheduled": AT + timedelta(hours=1)},
        {"process_on": AT + timedelta(hours=1), "expiration": AT},
    ],
)
def test_event_that_may_not_is_left_alone_with_the_reason(
    order_shipped: EventType, values: dict[str, Any]
) -> None:
    event = make_event(order_shipped, **values)
    before = RtEvent.objects.values().get(pk=event.pk)

    done = again(event)

    assert done.taken == 0
    assert done.refused[0].events == (f"rt-{event.pk}",)
    assert done.refused[0].reason
    assert RtEvent.objects.values().get(pk=event.pk) == before


def test_message_of_unknown_outcome_is_never_sent_twice(failed: RtEvent) -> None:
    BroadLog.objects.update(status=LogStatus.UNKNOWN)

    done = again(failed)

    assert done.taken == 0
    assert "outcome is unknown" in done.refused[0].reason


def test_type_that_is_not_published_is_refused(failed: RtEvent) -> None:
    EventType.objects.update(publication_state="draft")

    assert again(failed).taken == 0


def test_preview_tells_the_numbers_and_changes_nothing(
    failed: RtEvent, order_shipped: EventType
) -> None:
    sent = make_event(order_shipped, status=EventStatus.EXPIRED)
    keys = [EventKey("rt", e.pk) for e in (failed, waiting(order_shipped), sent)]

    told = preview_again(
        keys=[*keys, EventKey("batch", 999)], acting_operator=None, at=AT
    )

    assert (told.taken, sum(r.count for r in told.refused)) == (2, 2)
    assert not RtEvent.objects.filter(recycled_from__isnull=False).exists()


def test_operator_needs_the_right_and_the_queue(
    failed: RtEvent, outsider: Operator
) -> None:
    outsider.user_permissions.add(Permission.objects.get(codename="process_again"))

    with pytest.raises(PermissionRefused, match="view_rtevent"):
        again(failed, acting_operator=Operator.objects.get(pk=outsider.pk))


@pytest.mark.parametrize("ids", [[], ["rt-x"], [f"rt-{n}" for n in range(1, 502)]])
def test_bad_choice_is_refused(ids: list[str]) -> None:
    with pytest.raises(InvalidInput):
        read_ids(ids)


def test_page_asks_first_and_then_does_it(
    admin_client: Client, failed: RtEvent
) -> None:
    choice = {"event": [f"rt-{failed.pk}"], "queue": "rt"}
    page = admin_client.get(AGAIN, choice).content.decode()
    before = RtEvent.objects.count()

    reply = admin_client.post(AGAIN, {**choice, "reason": "relay is back"})

    assert "1 event with a delivery error is recycled" in page
    assert before == 1
    assert reply.status_code == 302
    entry = AuditEntry.objects.get(action="messagecenter.event.recycled")
    assert entry.reason == "relay is back"


def test_page_tells_why_nothing_can_be_done(
    admin_client: Client, order_shipped: EventType
) -> None:
    event = make_event(order_shipped, status=EventStatus.NOT_COVERED)

    page = admin_client.get(AGAIN, {"event": f"rt-{event.pk}"}).content.decode()

    assert "no template covered it" in page
    assert "disabled" in page


def test_nothing_chosen_leads_back(admin_client: Client) -> None:
    assert admin_client.get(AGAIN).status_code == 302


def test_reader_sees_the_button_disabled_with_the_reason(
    client: Client, outsider: Operator, order_shipped: EventType
) -> None:
    make_event(order_shipped)
    outsider.user_permissions.add(Permission.objects.get(codename="view_rtevent"))
    client.force_login(outsider)

    page = client.get("/message-center/events/").content.decode()
    refused = client.get(AGAIN, {"event": "rt-1"}, headers={"accept": "text/html"})

    assert "You lack the right messagecenter.process_again" in page
    assert refused.status_code == 403


def test_api_processes_again_and_previews(
    client: Client, administrator: Operator, failed: RtEvent
) -> None:
    headers = {"Authorization": f"Bearer {token_with(administrator, 'admin')}"}
    body = json.dumps({"ids": [f"rt-{failed.pk}"], "reason": "x"})
    address = "/api/v1/events:process-again"

    def post(query: str = "", sent: str = body) -> Any:
        return client.post(
            address + query, sent, content_type="application/json", headers=headers
        )

    told = post("?preview=1").json()
    done = post().json()
    wrong = post(sent='{"ids": ["x"]}')

    assert told["recycled"] == [{"id": f"rt-{failed.pk}", "new": ""}]
    assert done["recycled"][0]["new"].startswith("rt-")
    assert wrong.status_code == 400


def test_api_needs_the_right(client: Client, outsider: Operator) -> None:
    headers = {"Authorization": f"Bearer {token_with(outsider, 'event:push')}"}

    reply = client.post(
        "/api/v1/events:process-again",
        '{"ids": ["rt-1"]}',
        content_type="application/json",
        headers=headers,
    )

    assert reply.status_code == 403


def test_command_line_processes_again(failed: RtEvent) -> None:
    out = io.StringIO()

    call_command("events", "process-again", f"rt-{failed.pk}", stdout=out)

    assert f"rt-{failed.pk} -> rt-" in out.getvalue()
    assert AuditEntry.objects.get().source == Source.CLI


def test_command_line_refuses_a_bad_id(db: None) -> None:
    with pytest.raises(CommandError) as raised:
        call_command("events", "process-again", "rt-x", stdout=io.StringIO())

    assert raised.value.returncode == 4


def test_new_event_tells_what_it_was_made_of(
    admin_client: Client, failed: RtEvent
) -> None:
    again(failed, at=timezone.now())
    new = RtEvent.objects.get(recycled_from=failed.pk)

    old_page = admin_client.get(failed.get_absolute_url()).content.decode()
    new_page = admin_client.get(new.get_absolute_url()).content.decode()

    assert new.get_absolute_url() in old_page
    assert failed.get_absolute_url() in new_page
