"""Many events in one request: one result per index."""

from __future__ import annotations

from typing import Any

import pytest

from campaign.messagecenter.models import BatchEvent, EventType, RtEvent
from tests.campaign.messagecenter.conftest import Caller

PATH = "/api/v1/events:batch"


def item(number: int = 0, **values: Any) -> dict[str, Any]:
    return {
        "type": "EVTorderShipped",
        "email": f"anna{number}@example.com",
        "ctx": {"order_number": f"A-{number}"},
        **values,
    }


def test_each_index_has_its_result_in_order(
    call: Caller, order_shipped: EventType
) -> None:
    reply = call("POST", PATH, {"events": [item(n) for n in range(20)]})

    results = reply.body["results"]
    stored = {
        f"rt-{pk}": email for pk, email in RtEvent.objects.values_list("pk", "email")
    }
    assert reply.status == 202
    assert (reply.body["stored"], reply.body["refused"]) == (20, 0)
    assert [result["index"] for result in results] == list(range(20))
    assert [stored[result["id"]] for result in results] == [
        f"anna{n}@example.com" for n in range(20)
    ]
    assert results[0]["status"] == "pending"
    assert results[0]["type"] == "EVTorderShipped"
    assert results[0]["href"] == f"/api/v1/events/{results[0]['id']}"


def test_valid_events_are_stored_beside_invalid_ones(
    call: Caller, order_shipped: EventType, password_reset: EventType
) -> None:
    events = [
        item(0),
        item(1, email="nothing"),
        item(2, type="EVTunknown"),
        item(3, type="EVTpasswordReset", ctx={"link": "https://example.com"}),
        item(4, type="EVTpasswordReset"),
        "no object",
        item(6, queue="batch", scheduled="2999-01-01"),
        item(7, ctx={"order_number": "x" * 70_000}),
        {"email": "anna@example.com", "ctx": {}},
        item(9, ctx={"order_number": 'tab\tline\nquote"back\\slash {brace,} NULL é'}),
    ]

    reply = call("POST", PATH, {"events": events})

    results = reply.body["results"]
    statuses = [
        result["error"]["status"] if "error" in result else 0 for result in results
    ]
    assert statuses == [0, 400, 404, 0, 400, 400, 0, 413, 400, 0]
    assert (reply.body["stored"], reply.body["refused"]) == (4, 6)
    assert {error["field"] for error in results[4]["error"]["errors"]} == {
        "ctx.order_number",
        "ctx.link",
    }
    assert RtEvent.objects.count() == 3
    assert BatchEvent.objects.get().process_on.year == 2999
    assert RtEvent.objects.get(email="anna9@example.com").ctx == events[9]["ctx"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"events": []},
        {"events": {}},
        {"events": [{}] * 1001},
        {"events": [{}], "more": 1},
    ],
)
def test_batch_of_the_wrong_shape_is_refused(
    call: Caller, order_shipped: EventType, body: Any
) -> None:
    reply = call("POST", PATH, body)

    assert reply.status == 400
    assert reply.body["errors"][0]["field"] == "events"


def test_batch_over_eight_mib_is_refused(call: Caller, db: None) -> None:
    assert call("POST", PATH, raw=b" " * (8 * 1024 * 1024 + 1)).status == 413


def test_thousand_events_are_taken(call: Caller, order_shipped: EventType) -> None:
    reply = call("POST", PATH, {"events": [item(n) for n in range(1000)]})

    assert reply.body["stored"] == 1000
    assert RtEvent.objects.count() == 1000


def test_same_key_returns_the_first_results(
    call: Caller, order_shipped: EventType
) -> None:
    body = {"events": [item(0), item(1, email="nothing")]}

    first = call("POST", PATH, body, key="k1")
    again = call("POST", PATH, body, key="k1")
    other = call("POST", PATH, {"events": [item(2)]}, key="k1")

    assert again.body == first.body
    assert other.status == 409
    assert RtEvent.objects.count() == 1


def test_key_of_one_event_is_no_key_of_a_batch(
    call: Caller, order_shipped: EventType
) -> None:
    call("POST", "/api/v1/events/EVTorderShipped", item(0) | {}, key="k0")
    body = {"email": "anna@example.com", "ctx": {}}
    call("POST", "/api/v1/events/EVTorderShipped", body, key="k1")

    reply = call("POST", PATH, {"events": [item(0)]}, key="k1")

    assert reply.status == 409


def test_attribute_declared_a_moment_ago_is_accepted(
    call: Caller, order_shipped: EventType
) -> None:
    call("POST", PATH, {"events": [item(0)]})
    order_shipped.attributes = [{"name": "new", "type": "string", "mandatory": False}]
    order_shipped.save()

    events = [item(1, ctx={"new": "x"}), item(2)]
    reply = call("POST", PATH, {"events": events})

    assert "id" in reply.body["results"][0]
    assert reply.body["results"][1]["error"]["status"] == 400


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "\n"])
def test_type_that_no_database_holds_is_unknown(call: Caller, name: str) -> None:
    reply = call("POST", "/api/v1/events:batch", {"events": [{"type": name}]})

    assert reply.status == 202
    assert reply.body["results"][0]["error"]["status"] == 404
