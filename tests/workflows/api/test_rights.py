from __future__ import annotations

import pytest
from django.test import Client

ONE = "/api/v1/workflows/testsCount"
STANDARD = "/local/campaign/workflow/execution/testsCount"
READING = [
    "/api/v1/workflows",
    ONE,
    f"{ONE}/runs",
    f"{ONE}/tasks",
    f"{ONE}/logs",
    f"{ONE}/commands",
    f"{ONE}/occurrences",
    f"{ONE}/next",
    f"{ONE}/schedule",
    f"{ONE}/structure",
    f"{ONE}/waiting",
    f"{ONE}/stuck",
    f"{ONE}/freshness",
    f"{ONE}/properties",
    "/api/v1/monitoring",
    "/api/v1/monitoring/stuck",
    "/api/v1/instance/freeze",
    "/api/v1/approvals",
    "/api/v1/activities",
    STANDARD,
]
ADMINISTERING = ["/api/v1/audit", "/api/v1/options"]
MESSAGES = ["/api/v1/deliveries", "/api/v1/logs"]
EVERYTHING = READING + ADMINISTERING + MESSAGES


@pytest.mark.parametrize("path", EVERYTHING)
def test_no_token_is_401(workflow, path):
    answer = Client().get(path)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error_code"] == "token_missing"


@pytest.mark.parametrize("path", EVERYTHING)
def test_unknown_token_is_401(db, path):
    answer = Client(headers={"authorization": "Bearer nonsense"}).get(path)

    assert answer.status_code == 401
    assert answer.json()["error_code"] == "token_unknown"


@pytest.mark.parametrize("path", EVERYTHING)
def test_operator_without_right_is_403(outsider, workflow, path):
    answer = outsider.get(path)

    assert answer.status_code == 403
    assert answer.json()["permission"]


@pytest.mark.parametrize("path", EVERYTHING)
def test_administrator_reads_everything(administrator, workflow, path):
    assert administrator.get(path).status_code == 200


@pytest.mark.parametrize("path", READING)
def test_reader_reads_workflows(reader, workflow, path):
    assert reader.get(path).status_code == 200


@pytest.mark.parametrize("path", ADMINISTERING + MESSAGES)
def test_workflow_scope_opens_nothing_else(reader, workflow, path):
    answer = reader.get(path)

    assert answer.status_code == 403
    assert answer.json()["error_code"] == "scope_missing"


@pytest.mark.parametrize("path", READING)
def test_event_scope_does_not_open_workflows(shop, workflow, path):
    assert shop.get(path).status_code == 403


def test_reader_may_not_command(reader, workflow):
    answer = reader.post(f"{ONE}/commands", {"command": "pause"})

    assert answer.status_code == 403
    assert answer.json()["error_code"] == "scope_missing"


def test_supervisor_may_not_change_the_schedule(supervisor, workflow):
    answer = supervisor.put(f"{ONE}/schedule", {"kind": "daily"}, if_match="1")

    assert answer.status_code == 403


def test_supervisor_may_not_change_the_structure(supervisor, workflow):
    body = {"activities": [], "transitions": []}

    assert supervisor.put(f"{ONE}/structure", body, if_match="1").status_code == 403


def test_api_key_header_signs_in(administrator, workflow):
    bearer = administrator.client.defaults["HTTP_AUTHORIZATION"]
    client = Client(headers={"x-api-key": bearer.removeprefix("Bearer ")})

    assert client.get(ONE).status_code == 200


def test_session_does_not_sign_in(client, administrator, workflow):
    from campaign.access.models import Operator  # noqa: PLC0415

    client.force_login(
        Operator.objects.get(username="boss"),
        "django.contrib.auth.backends.ModelBackend",
    )

    assert client.get(ONE).status_code == 401
