"""Events, event types and templates over the documented API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from campaign.access.models import Operator
from campaign.messagecenter.models import EventType, MessageTemplate
from tests.campaign.messagecenter.conftest import token_with
from tests.campaign.messagecenter.factories import make_event, make_template
from workflows.models import AuditEntry

pytestmark = pytest.mark.django_db


class Api:
    """A client that sends a token and JSON."""

    def __init__(self, client: Client, token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        return self._client.generic(
            method,
            f"/api/v1{path}",
            data=b"" if body is None else _json(body),
            content_type="application/json",
            headers=self._headers,
        )


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


@pytest.fixture
def api(client: Client, administrator: Operator) -> Api:
    return Api(client, token_with(administrator, "admin"))


def test_events_are_listed_newest_first_in_pages(
    api: Api, order_shipped: EventType
) -> None:
    events = [make_event(order_shipped) for _ in range(3)]

    first = api("GET", "/events?limit=2").json()
    rest = api("GET", f"/events?limit=2&cursor={first['next']}").json()

    ids = [event["id"] for event in first["items"] + rest["items"]]
    assert ids == [f"rt-{event.pk}" for event in reversed(events)]
    assert rest["next"] is None


def test_events_are_narrowed_by_status_or_type(
    api: Api, order_shipped: EventType, password_reset: EventType
) -> None:
    make_event(order_shipped, status=5)
    make_event(password_reset)

    by_status = api("GET", "/events?status=routingFailed").json()
    by_type = api("GET", "/events?type=EVTpasswordReset").json()
    batch = api("GET", "/events?queue=batch").json()
    wrong = api("GET", "/events?status=lost")

    assert [event["type"] for event in by_status["items"]] == ["EVTorderShipped"]
    assert [event["status"] for event in by_type["items"]] == ["pending"]
    assert batch["items"] == []
    assert wrong.status_code == 400


def test_list_needs_scope_and_right(
    client: Client, outsider: Operator, order_shipped: EventType
) -> None:
    pusher = Api(client, token_with(outsider, "event:push"))
    reader = Api(client, token_with(outsider, "event:read"))

    assert pusher("GET", "/events").status_code == 403
    assert reader("GET", "/events").status_code == 403


def test_push_and_read_stand_in_the_document(api: Api) -> None:
    paths = api("GET", "/openapi.json").json()["paths"]

    push = paths["/api/v1/events/{event}"]["post"]
    batch = paths["/api/v1/events:batch"]["post"]
    assert (
        "ctx"
        in push["requestBody"]["content"]["application/json"]["schema"]["required"]
    )
    assert push["parameters"][-1]["name"] == "Idempotency-Key"
    assert "202" in push["responses"]
    assert (
        batch["requestBody"]["content"]["application/json"]["schema"]["properties"][
            "events"
        ]["maxItems"]
        == 1000
    )
    assert "get" in paths["/api/v1/events/{event}"]
    assert "/api/v1/event-types/{event_id}" in paths


def test_push_works_through_django_alone(api: Api, order_shipped: EventType) -> None:
    body = {"email": "anna@example.com", "ctx": {}}

    pushed = api("POST", "/events/EVTorderShipped", body)
    batch = api(
        "POST", "/events:batch", {"events": [{"type": "EVTorderShipped", **body}]}
    )
    read = api("GET", f"/events/{pushed.json()['id']}")

    assert pushed.status_code == 202
    assert batch.json()["stored"] == 1
    assert read.json()["email"] == "anna@example.com"


def test_event_type_and_template_from_nothing_to_published(api: Api) -> None:
    created = api(
        "POST",
        "/event-types",
        {
            "event_id": "invoiceReady",
            "label": "Invoice ready",
            "attributes": [{"name": "number", "type": "string"}],
        },
    )
    published = api("POST", "/event-types/EVTinvoiceReady/publish", {})
    template = api(
        "POST",
        "/templates",
        {
            "internal_name": "invoiceReady",
            "event_id": "EVTinvoiceReady",
            "label": "Invoice",
            "subject": "Invoice {{ ctx.number }}",
            "text": "Here it is.",
            "sample": {"ctx": {"number": "7"}},
        },
    )
    preview = api("POST", "/templates/invoiceReady/preview", {})
    sent = api("POST", "/templates/invoiceReady/publish", {"reason": "first"})

    assert created.status_code == 201
    assert created.json()["event_id"] == "EVTinvoiceReady"
    assert published.json()["publication_state"] == "published"
    assert template.status_code == 201
    assert preview.json()["subject"] == "Invoice 7"
    assert sent.json()["published_version"] == 1
    assert AuditEntry.objects.get(action="messagecenter.template.published").reason == (
        "first"
    )


def test_template_goes_through_its_states(api: Api, order_shipped: EventType) -> None:
    make_template(order_shipped)

    states = [
        api("POST", f"/templates/orderShipped/{verb}", {}).json()["publication_state"]
        for verb in ("pause", "resume", "unpublish")
    ]
    refused = api("POST", "/templates/orderShipped/pause", {})

    assert states == ["paused", "published", "draft"]
    assert refused.status_code == 409
    assert refused.json()["error_code"] == "publication_refused"


def test_change_of_a_published_type_is_audited(
    api: Api, order_shipped: EventType
) -> None:
    changed = api("PATCH", "/event-types/EVTorderShipped", {"label": "Shipped"})
    entry = AuditEntry.objects.get(action="messagecenter.event_type.changed")

    assert changed.json()["label"] == "Shipped"
    assert entry.changes == {"label": ["Order shipped", "Shipped"]}


def test_changes_need_administrator_rights(
    client: Client, administrator: Operator, order_shipped: EventType
) -> None:
    reader = Api(client, token_with(administrator, "event:read"))

    refused = reader("PATCH", "/event-types/EVTorderShipped", {"label": "x"})

    assert refused.status_code == 403


def test_missing_ones_are_404(api: Api) -> None:
    assert api("GET", "/event-types/EVTnothing").status_code == 404
    assert api("GET", "/templates/nothing").status_code == 404
    assert not MessageTemplate.objects.exists()


def test_events_are_narrowed_by_channel_errors_and_period(
    api: Api, order_shipped: EventType
) -> None:
    event = make_event(order_shipped, error_count=2)
    make_event(order_shipped, wished_channel=1)
    day = "2026-03-10T00:00:00Z"

    faulty = api("GET", "/events?errors=true").json()["items"]
    sms = api("GET", "/events?channel=1").json()["items"]
    late = api("GET", "/events?since=2026-03-11T00:00:00Z").json()["items"]
    period = api("GET", f"/events?since={day}&until=2026-03-11T00:00:00Z").json()

    assert [row["id"] for row in faulty] == [f"rt-{event.pk}"]
    assert [row["channel"] for row in sms] == [1]
    assert late == []
    assert len(period["items"]) == 2
