from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from campaign.access.models import Operator, Scope
from campaign.access.services import tokens
from campaign.deliveries.models import (
    BroadLog,
    Delivery,
    DeliveryState,
    LogStatus,
    TargetType,
)

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MONTH = date(2026, 3, 1)


@pytest.fixture
def client(db) -> Client:
    operator = Operator.objects.create_user("reader")
    operator.groups.add(Group.objects.get(name="Standard Users"))
    made = tokens.create_token(
        name="reader", operator=operator, scopes=[Scope.EVENT_READ]
    )
    return Client(headers={"authorization": f"Bearer {made.secret}"})


@pytest.fixture
def delivery(db) -> Delivery:
    return Delivery.objects.create(
        internal_name="DM1", label="Order shipped 2026-03", part_month=MONTH
    )


@pytest.fixture
def logs(delivery) -> list[BroadLog]:
    return [
        BroadLog.objects.create(
            part_month=MONTH,
            delivery=delivery,
            target_type=TargetType.RT_EVENT,
            target_id=number,
            address=f"someone{number}@example.com",
            status=status,
            event_at=AT,
            valid_until=AT + timedelta(days=5),
            message_id=f"<{number}@example.com>",
            context={"ctx": {"secret": "code"}},
            created_at=AT,
            last_modified=AT,
        )
        for number, status in enumerate(
            [LogStatus.SENT, LogStatus.FAILED, LogStatus.SENT]
        )
    ]


def test_deliveries_are_listed_and_shown(client, delivery):
    listed = client.get("/api/v1/deliveries").json()["items"]
    shown = client.get(f"/api/v1/deliveries/{delivery.pk}").json()

    assert listed == [shown]
    assert shown["internal_name"] == "DM1"
    assert shown["state_label"] == "Editing"


def test_logs_are_listed_newest_first_in_pages(client, logs):
    first = client.get("/api/v1/logs", {"limit": 2}).json()
    second = client.get("/api/v1/logs", {"limit": 2, "cursor": first["next"]}).json()

    shown = [row["id"] for row in first["items"] + second["items"]]
    assert shown == [log.pk for log in reversed(logs)]


def test_personalisation_data_stays_inside(client, logs):
    text = client.get(f"/api/v1/logs/{logs[0].pk}").content.decode()

    assert "secret" not in text
    assert '"status_label": "Sent"' in text


def test_logs_of_a_delivery_are_narrowed_by_status(client, delivery, logs):
    query = {"delivery_id": delivery.pk, "status": LogStatus.FAILED.value}

    rows = client.get("/api/v1/logs", query).json()["items"]

    assert [row["address"] for row in rows] == ["s•••@example.com"]


def test_log_of_an_event_is_found(client, logs):
    query = {"target_type": TargetType.RT_EVENT.value, "target_id": 2}

    rows = client.get("/api/v1/logs", query).json()["items"]

    assert [row["id"] for row in rows] == [logs[2].pk]


def test_filters_that_would_read_everything_are_refused(client, logs):
    answer = client.get("/api/v1/logs", {"status": 99, "target_id": 2})

    fields = [fault["field"] for fault in answer.json()["errors"]]
    assert answer.status_code == 400
    assert fields == ["status", "delivery_id", "target_type"]


@pytest.mark.parametrize("path", ["/api/v1/deliveries/5", "/api/v1/logs/5"])
def test_unknown_number_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_delivery_is_paused_over_the_api_and_by_the_command_line(
    client: Client, administrator: Operator, delivery: Delivery
) -> None:
    Delivery.objects.update(state=DeliveryState.IN_PROGRESS)
    secret = tokens.create_token(
        name="steering", operator=administrator, scopes=["admin"]
    ).secret

    def post(verb: str, query: str = "") -> Any:
        return client.post(
            f"/api/v1/deliveries/{delivery.pk}/{verb}{query}",
            "{}",
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )

    told = post("pause", "?preview=1").json()
    done = post("pause").json()
    refused = post("explode")
    out = io.StringIO()
    call_command("delivery", "resume", str(delivery.pk), "--json", stdout=out)

    assert told["effects"]
    assert (done["state_label"], done["noop"]) == ("paused", False)
    assert refused.status_code == 400
    assert '"in_progress"' in out.getvalue()
