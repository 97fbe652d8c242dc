"""Personal data of events: masked, revealed for a reason, exported."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client

from campaign.access.models import Operator
from campaign.messagecenter.models import EventType, RtEvent
from tests.campaign.messagecenter.conftest import send, token_with
from tests.campaign.messagecenter.factories import make_event
from workflows.models import AuditEntry

pytestmark = pytest.mark.django_db
EVENTS = "/message-center/events/"


@pytest.fixture
def event(order_shipped: EventType) -> RtEvent:
    return make_event(
        order_shipped, ctx={"first_name": "Annabella", "order_number": "A-1"}
    )


@pytest.fixture
def reader(client: Client, outsider: Operator) -> Client:
    """A client of somebody who may look at events, and no more."""
    outsider.user_permissions.add(Permission.objects.get(codename="view_rtevent"))
    client.force_login(outsider)
    return client


def test_list_masks_recipients_for_a_reader_without_the_right(
    reader: Client, event: RtEvent
) -> None:
    page = reader.get(EVENTS).content.decode()

    assert "anna@example.com" not in page
    assert "a•••@example.com" in page


def test_detail_masks_for_everybody_until_it_is_revealed(
    admin_client: Client, event: RtEvent
) -> None:
    page = admin_client.get(event.get_absolute_url()).content.decode()

    assert "anna@example.com" not in page
    assert "Annabella" not in page
    assert "A-1" in page


def test_reveal_shows_once_and_keeps_the_reason(
    admin_client: Client, event: RtEvent
) -> None:
    address = f"{event.get_absolute_url()}reveal/"

    reply = admin_client.post(address, {"reason": "case 1180"})

    page = reply.content.decode()
    entry = AuditEntry.objects.get(action="messagecenter.event.revealed")
    assert "anna@example.com" in page
    assert "Annabella" in page
    assert "data-live=" not in page
    assert "no-store" in reply["Cache-Control"]
    assert (entry.object_id, entry.reason) == (f"rt-{event.pk}", "case 1180")
    assert "anna" not in admin_client.get(event.get_absolute_url()).content.decode()


def test_reveal_needs_a_reason(admin_client: Client, event: RtEvent) -> None:
    reply = admin_client.post(f"{event.get_absolute_url()}reveal/", {"reason": " "})

    assert reply.status_code == 400
    assert "anna@example.com" not in reply.content.decode()
    assert not AuditEntry.objects.exists()


def test_reveal_needs_its_own_right(reader: Client, event: RtEvent) -> None:
    address = f"{event.get_absolute_url()}reveal/"

    reply = reader.post(address, {"reason": "curious"}, headers={"accept": "text/html"})

    page = reader.get(event.get_absolute_url()).content.decode()
    assert reply.status_code == 403
    assert "You lack the right deliveries.reveal_personal_data" in page


def test_reveal_of_a_missing_event_is_404(admin_client: Client) -> None:
    address = f"{EVENTS}rt/99999/reveal/"

    reply = admin_client.post(address, {"reason": "x"}, headers={"accept": "text/html"})

    assert reply.status_code == 404
    assert not AuditEntry.objects.exists()


def _lines(reply: Any) -> list[str]:
    return b"".join(reply.streaming_content).decode("utf-8-sig").splitlines()


def test_export_holds_the_filtered_events(
    admin_client: Client, event: RtEvent, password_reset: EventType
) -> None:
    make_event(password_reset)

    reply = admin_client.get(f"{EVENTS}export/", {"type": "EVTorderShipped"})

    lines = _lines(reply)
    assert reply["Content-Type"].startswith("text/csv")
    assert lines[0].startswith("id,type,channel,status,recipient")
    assert len(lines) == 2
    assert "anna@example.com" in lines[1]
    assert AuditEntry.objects.filter(action="messagecenter.event.exported").exists()


def test_export_is_masked_without_the_right(reader: Client, event: RtEvent) -> None:
    lines = _lines(reader.get(f"{EVENTS}export/"))

    assert "a•••@example.com" in lines[1]
    assert not AuditEntry.objects.exists()


def test_export_is_no_formula(admin_client: Client, order_shipped: EventType) -> None:
    make_event(order_shipped, external_id='=HYPERLINK("x")')

    assert "'=HYPERLINK" in _lines(admin_client.get(f"{EVENTS}export/"))[1]


def test_export_goes_on_behind_the_first_step(
    admin_client: Client, order_shipped: EventType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign.platform.exports._STEP", 2)
    for _number in range(5):
        make_event(order_shipped)

    assert len(_lines(admin_client.get(f"{EVENTS}export/"))) == 6


def test_export_needs_a_right(client: Client, outsider: Operator) -> None:
    client.force_login(outsider)

    reply = client.get(f"{EVENTS}export/", headers={"accept": "text/html"})

    assert reply.status_code == 403


def test_api_masks_what_others_pushed(outsider: Operator, event: RtEvent) -> None:
    token = token_with(outsider, "event:read")
    path = f"/api/v1/events/rt-{event.pk}"

    masked = send("GET", path, token=token).body
    RtEvent.objects.update(operator=outsider)
    own = send("GET", path, token=token).body

    assert masked["email"] == "a•••@example.com"
    assert masked["ctx"]["first_name"] == "A•••"
    assert own["email"] == "anna@example.com"


def test_api_reveals_for_a_reason(
    client: Client, administrator: Operator, event: RtEvent
) -> None:
    headers = {"Authorization": f"Bearer {token_with(administrator, 'admin')}"}

    def post(body: str) -> Any:
        return client.post(
            f"/api/v1/events:reveal/rt-{event.pk}",
            body,
            content_type="application/json",
            headers=headers,
        )

    shown = post('{"reason": "case 1180"}')
    silent = post('{"reason": " "}')

    assert shown.json()["email"] == "anna@example.com"
    assert silent.status_code == 400
    entry = AuditEntry.objects.get(action="messagecenter.event.revealed")
    assert entry.reason == "case 1180"


def test_api_exports(client: Client, administrator: Operator, event: RtEvent) -> None:
    headers = {"Authorization": f"Bearer {token_with(administrator, 'admin')}"}

    reply = client.get("/api/v1/events.csv", headers=headers)

    assert len(_lines(reply)) == 2


def test_command_line_exports_and_reveals(event: RtEvent) -> None:
    out, shown = io.StringIO(), io.StringIO()

    call_command("events", "export", "--status", "pending", stdout=out)
    call_command("events", "reveal", f"rt-{event.pk}", "--reason", "case", stdout=shown)

    assert "anna@example.com" in out.getvalue()
    assert "Annabella" in shown.getvalue()
