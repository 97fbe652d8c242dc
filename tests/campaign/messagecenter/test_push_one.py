"""One event over HTTP: what is stored, what is refused, what is answered."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from campaign.access.models import Operator
from campaign.messagecenter.models import BatchEvent, EventType, IdempotencyKey, RtEvent
from tests.campaign.messagecenter.conftest import Caller, send, token_with

OWN = "/api/v1/events/EVTorderShipped"
STANDARD = "/local/campaign/mclocal/EVTorderShipped"
MINIMAL = {"email": "anna@example.com", "ctx": {}}


def test_own_face_answers_202_with_id_type_status_href(
    call: Caller, order_shipped: EventType
) -> None:
    reply = call("POST", OWN, MINIMAL)

    event = RtEvent.objects.get()
    assert reply.status == 202
    assert reply.body == {
        "id": f"rt-{event.pk}",
        "type": "EVTorderShipped",
        "status": "pending",
        "href": f"/api/v1/events/rt-{event.pk}",
    }
    assert reply.headers["Location"] == reply.body["href"]


def test_event_is_stored_with_every_field(
    call: Caller, order_shipped: EventType, administrator: Operator
) -> None:
    body = {
        "email": "anna@example.com",
        "mobile_phone": "+33 6 12 34 56 78",
        "channel": "email",
        "ctx": {
            "order_number": "A-1 é 漢 \\u0000",
            "lines": 3,
            "total": 12.5,
            "is_gift": False,
            "expected_on": "2026-03-01",
            "shipped_at": "2026-02-28 09:30:00",
        },
        "external_id": "shop-1",
        "language": "fr",
        "origin": "shop",
        "scheduled": "2999-03-01 10:00:00+01:00",
        "expiration": "2999-04-01T10:00:00Z",
    }

    reply = call("POST", OWN, body)

    event = RtEvent.objects.get()
    assert reply.status == 202, reply.body
    assert event.ctx == body["ctx"]
    assert event.scheduled.isoformat() == "2999-03-01T09:00:00+00:00"
    assert event.process_on == event.scheduled
    assert event.expiration.isoformat() == "2999-04-01T10:00:00+00:00"
    assert (event.email, event.mobile_phone) == (body["email"], body["mobile_phone"])
    assert (event.external_id, event.language, event.origin) == ("shop-1", "fr", "shop")
    assert event.event_type == order_shipped
    assert event.operator == administrator
    assert event.part_month.day == 1


def test_queue_batch_stores_a_batch_event(
    call: Caller, order_shipped: EventType
) -> None:
    reply = call("POST", OWN, {**MINIMAL, "queue": "batch"})

    assert reply.body["id"] == f"batch-{BatchEvent.objects.get().pk}"
    assert not RtEvent.objects.exists()


def test_own_face_shows_the_event(call: Caller, order_shipped: EventType) -> None:
    pushed = call("POST", OWN, {**MINIMAL, "external_id": "x"})

    reply = call("GET", pushed.body["href"])

    assert reply.status == 200
    assert reply.body["status"] == "pending"
    assert reply.body["external_id"] == "x"
    assert reply.body["queue"] == "realtime"


def test_standard_face_answers_201_and_reads_back(
    call: Caller, order_shipped: EventType
) -> None:
    pushed = call("POST", STANDARD, {**MINIMAL, "scheduled": "2999-01-01"})
    read = call("GET", f"/local/campaign/{pushed.body['href']}")

    assert pushed.status == 201
    assert pushed.body["PKey"].startswith("@")
    assert pushed.body["status"] == "pending"
    assert pushed.body["email"] == "anna@example.com"
    assert pushed.body["scheduled"] == "2999-01-01T00:00:00Z"
    assert pushed.body["href"] == f"mclocal/EVTorderShipped/{pushed.body['PKey']}"
    assert read.status == 200
    assert read.body == pushed.body


def test_pkey_of_another_type_or_with_a_changed_sign_is_not_found(
    call: Caller, order_shipped: EventType, password_reset: EventType
) -> None:
    pkey = call("POST", STANDARD, MINIMAL).body["PKey"]
    last = "A" if pkey[-1] != "A" else "B"

    other = call("GET", f"/local/campaign/mclocal/EVTpasswordReset/{pkey}")
    changed = call("GET", f"{STANDARD}/{pkey[:-1]}{last}")
    nonsense = call("GET", f"{STANDARD}/12")

    assert (other.status, changed.status, nonsense.status) == (404, 404, 404)


def test_every_fault_is_named_at_once(call: Caller, password_reset: EventType) -> None:
    body = {
        "email": "no address",
        "ctx": {"colour": "red"},
        "scheduled": "tomorrow",
        "expiration": "31/12/2026",
        "language": "français",
        "external_id": "x" * 129,
        "channel": "pigeon",
        "queue": "slow",
        "surprise": 1,
    }

    reply = call("POST", "/api/v1/events/EVTpasswordReset", body)

    assert reply.status == 400
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert {error["field"] for error in reply.body["errors"]} == {
        "surprise",
        "email",
        "ctx.colour",
        "ctx.link",
        "scheduled",
        "expiration",
        "language",
        "external_id",
        "channel",
        "queue",
    }
    assert not RtEvent.objects.exists()


def test_standard_face_names_faults_in_its_own_form(
    call: Caller, password_reset: EventType
) -> None:
    path = "/local/campaign/mclocal/EVTpasswordReset"

    reply = call("POST", path, {"email": "anna@example.com", "ctx": {"x": 1}})

    assert reply.status == 400
    assert reply.body["error_code"] == "RST-360011"
    assert [detail["parameter"] for detail in reply.body["details"]] == [
        "ctx.x",
        "ctx.link",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order_number", 5),
        ("order_number", "a\0b"),
        ("order_number", "\ud800"),
        ("lines", "3"),
        ("lines", 3.5),
        ("lines", True),
        ("total", "1"),
        ("is_gift", 1),
        ("expected_on", "1.3.2026"),
        ("shipped_at", "noon"),
        ("order_number", {"a": 1}),
    ],
)
def test_attribute_of_the_wrong_type_is_refused(
    call: Caller, order_shipped: EventType, name: str, value: Any
) -> None:
    reply = call("POST", OWN, {"email": "a@example.com", "ctx": {name: value}})

    assert reply.status == 400
    assert reply.body["errors"][0]["field"].startswith("ctx")


def test_null_attribute_counts_as_not_given(
    call: Caller, order_shipped: EventType, password_reset: EventType
) -> None:
    optional = call("POST", OWN, {"email": "a@example.com", "ctx": {"lines": None}})
    mandatory = call(
        "POST",
        "/api/v1/events/EVTpasswordReset",
        {"email": "a@example.com", "ctx": {"link": None}},
    )

    assert optional.status == 202
    assert mandatory.body["errors"][0]["field"] == "ctx.link"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ctx": {}}, "email"),
        ({"ctx": {}, "email": "a@example.com", "channel": "sms"}, "mobile_phone"),
        ({"ctx": {}, "email": "", "channel": 41}, "registration_token"),
        ({"email": "a@example.com"}, "ctx"),
        ({"email": "a@example.com", "ctx": []}, "ctx"),
        (
            {
                "email": "a@example.com",
                "ctx": {},
                "scheduled": "2030-01-02",
                "expiration": "2030-01-01",
            },
            "expiration",
        ),
    ],
)
def test_missing_address_or_payload_is_refused(
    call: Caller, order_shipped: EventType, body: dict[str, Any], field: str
) -> None:
    reply = call("POST", OWN, body)

    assert reply.status == 400
    assert [error["field"] for error in reply.body["errors"]] == [field]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"email": NaN}',
        b"\xff",
        b"[" * 60_000,
        b'{"ctx": {"lines": ' + b"9" * 5000 + b"}}",
    ],
)
def test_broken_json_is_refused(
    call: Caller, order_shipped: EventType, raw: bytes
) -> None:
    reply = call("POST", OWN, raw=raw)

    assert reply.status == 400
    assert reply.body["error_code"] == "invalid_json"


def test_number_that_no_database_holds_is_refused(
    call: Caller, order_shipped: EventType
) -> None:
    reply = call("POST", OWN, raw=b'{"email":"a@example.com","ctx":{"total":1e999}}')

    assert reply.status == 400


def test_body_that_is_no_object_is_refused(
    call: Caller, order_shipped: EventType
) -> None:
    assert call("POST", OWN, [1]).status == 400


def test_event_over_64_kib_is_refused(call: Caller, order_shipped: EventType) -> None:
    body = {**MINIMAL, "ctx": {"order_number": "x" * 65_536}}

    assert call("POST", OWN, body).status == 413
    assert call("POST", STANDARD, body).status == 413


def test_chunked_body_over_64_kib_is_refused(
    call: Caller, order_shipped: EventType
) -> None:
    reply = call(
        "POST",
        OWN,
        raw=b"x" * 70_000,
        CONTENT_LENGTH="",
        HTTP_TRANSFER_ENCODING="chunked",
    )

    assert reply.status == 413


def test_chunked_body_is_read(call: Caller, order_shipped: EventType) -> None:
    raw = b'{"email":"a@example.com","ctx":{}}'

    reply = call(
        "POST", OWN, raw=raw, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked"
    )

    assert reply.status == 202


def test_unknown_or_unpublished_type_is_404_and_stores_nothing(
    call: Caller, order_shipped: EventType
) -> None:
    unknown = call("POST", "/api/v1/events/EVTnothing", MINIMAL)
    order_shipped.publication_state = EventType.PublicationState.DRAFT
    order_shipped.save()
    unpublished = call("POST", STANDARD, MINIMAL)

    assert (unknown.status, unpublished.status) == (404, 404)
    assert not RtEvent.objects.exists()


def test_type_unpublished_after_it_was_cached_is_404(
    call: Caller, order_shipped: EventType
) -> None:
    call("POST", OWN, MINIMAL)
    order_shipped.publication_state = EventType.PublicationState.DRAFT
    order_shipped.save()

    reply = call("POST", OWN, MINIMAL)

    assert reply.status == 404
    assert RtEvent.objects.count() == 1


def test_attribute_declared_after_the_type_was_cached_is_accepted(
    call: Caller, order_shipped: EventType
) -> None:
    call("POST", OWN, MINIMAL)
    order_shipped.attributes = [{"name": "new", "type": "string", "mandatory": False}]
    order_shipped.save()

    reply = call("POST", OWN, {**MINIMAL, "ctx": {"new": "x"}})

    assert reply.status == 202


def test_same_key_and_body_returns_the_first_answer(
    call: Caller, order_shipped: EventType
) -> None:
    first = call("POST", OWN, MINIMAL, key="k1")
    again = call("POST", OWN, dict(reversed(MINIMAL.items())), key="k1")

    assert again.status == 202
    assert again.body == first.body
    assert RtEvent.objects.count() == IdempotencyKey.objects.count() == 1


def test_same_key_on_the_standard_face_returns_the_first_answer(
    call: Caller, order_shipped: EventType
) -> None:
    first = call("POST", STANDARD, MINIMAL, key="k1")
    again = call("POST", STANDARD, MINIMAL, key="k1")

    assert (again.status, again.body) == (201, first.body)


def test_same_key_returns_the_first_answer_when_the_type_is_gone(
    call: Caller, order_shipped: EventType
) -> None:
    first = call("POST", STANDARD, MINIMAL, key="k1")
    order_shipped.publication_state = EventType.PublicationState.DRAFT
    order_shipped.save()

    again = call("POST", STANDARD, MINIMAL, key="k1")

    assert (again.status, again.body) == (201, first.body)


def test_same_key_with_another_body_or_type_is_409(
    call: Caller, order_shipped: EventType, password_reset: EventType
) -> None:
    call("POST", OWN, MINIMAL, key="k1")

    body = call("POST", OWN, {**MINIMAL, "language": "fr"}, key="k1")
    face = call("POST", STANDARD, MINIMAL, key="k1")
    kind = call("POST", OWN, {**MINIMAL, "queue": "batch"}, key="k1")

    assert (body.status, face.status, kind.status) == (409, 409, 409)
    assert body.body["error_code"] == "idempotency_conflict"
    assert RtEvent.objects.count() == 1


def test_key_of_another_operator_is_another_key(
    call: Caller, order_shipped: EventType, outsider: Operator
) -> None:
    other = token_with(outsider, "event:push")

    call("POST", OWN, MINIMAL, key="k1")
    send("POST", OWN, MINIMAL, key="k1", token=other)

    assert RtEvent.objects.count() == 2


def test_refused_request_leaves_its_key_free(
    call: Caller, order_shipped: EventType
) -> None:
    refused = call("POST", OWN, {"ctx": {}}, key="k1")
    accepted = call("POST", OWN, MINIMAL, key="k1")

    assert (refused.status, accepted.status) == (400, 202)


def test_key_that_is_too_long_is_refused(
    call: Caller, order_shipped: EventType
) -> None:
    assert call("POST", OWN, MINIMAL, key="k" * 129).status == 400


def test_missing_or_wrong_token_is_401(order_shipped: EventType, db: None) -> None:
    missing = send("POST", OWN, MINIMAL)
    wrong = send("POST", OWN, MINIMAL, token="nonsense")

    assert (missing.status, wrong.status) == (401, 401)
    assert missing.headers["WWW-Authenticate"].startswith("Bearer")
    assert not RtEvent.objects.exists()


def test_scopes_are_kept_apart(order_shipped: EventType, outsider: Operator) -> None:
    pusher = token_with(outsider, "event:push")
    reader = token_with(outsider, "event:read")

    pushed = send("POST", OWN, MINIMAL, token=pusher)
    refused_push = send("POST", OWN, MINIMAL, token=reader)
    refused_read = send("GET", pushed.body["href"], token=pusher)
    read = send("GET", pushed.body["href"], token=reader)

    assert pushed.status == 202
    assert (refused_push.status, refused_read.status) == (403, 403)
    assert read.status == 200


def test_other_methods_are_405_with_the_allowed_ones(
    call: Caller, order_shipped: EventType
) -> None:
    reply = call("DELETE", OWN)

    assert reply.status == 405
    assert reply.headers["Allow"] == "POST, GET"


def test_unknown_event_is_404(call: Caller, db: None) -> None:
    assert call("GET", "/api/v1/events/rt-999999").status == 404
    assert call("GET", "/api/v1/events/rt-99999999999999999999").status == 404
    assert call("GET", "/api/v1/events/nonsense").status == 404


def test_ordinary_django_addresses_lead_to_the_same(
    client: Client, order_shipped: EventType, administrator: Operator
) -> None:
    token = token_with(administrator, "admin")

    response = client.post(
        STANDARD,
        MINIMAL,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )

    assert response.status_code == 201
    assert RtEvent.objects.count() == 1


def test_answer_does_not_depend_on_the_page_that_the_thread_drew_before(
    call: Caller, order_shipped: EventType
) -> None:
    english = call("POST", OWN, {"ctx": {}}).body

    translation.activate("ko")

    assert call("POST", OWN, {"ctx": {}}).body == english
