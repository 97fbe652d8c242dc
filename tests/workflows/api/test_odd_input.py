from __future__ import annotations

import pytest
from django.db import OperationalError

ONE = "/api/v1/workflows/testsCount"
HUGE = 10**30


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"{ONE}/tasks", {"run_id": HUGE}),
        (f"{ONE}/tasks", {"activity": "a\x00b"}),
        (f"{ONE}/logs", {"run_id": HUGE}),
        (f"{ONE}/structure", {"version": HUGE}),
        (f"{ONE}/schedule", {"activity": "\x00"}),
        (f"{ONE}/next", {"count": HUGE}),
        (f"{ONE}/commands/{HUGE}", {}),
        ("/api/v1/workflows/a%00b", {}),
        ("/api/v1/workflows", {"package": "\x00"}),
        ("/api/v1/deliveries", {"state": HUGE}),
        (f"/api/v1/deliveries/{HUGE}", {}),
        ("/api/v1/logs", {"delivery_id": HUGE}),
        ("/api/v1/logs", {"target_type": HUGE, "target_id": HUGE}),
        (f"/api/v1/logs/{HUGE}", {}),
        ("/api/v1/audit", {"object_id": "\x00"}),
    ],
)
def test_odd_value_never_fails_on_our_side(administrator, workflow, path, query):
    assert administrator.get(path, **query).status_code in {200, 400, 404}


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "a\u0000b"},
        {"parameters": {"note": "a\u0000b"}},
        {"expected_state": "x" * 200},
        {"expected_state": "\u0000"},
        {"parameters": {"activity": {"a": 1}}},
        {"command": ["pause"]},
    ],
)
def test_odd_command_never_fails_on_our_side(supervisor, workflow, change):
    answer = supervisor.post(f"{ONE}/commands", {"command": "wake", **change})

    assert answer.status_code in {202, 400, 409}


def test_command_over_64_kilobytes_is_413(supervisor, workflow):
    body = {"command": "start", "parameters": {"variables": {"n": "x" * 70_000}}}

    assert supervisor.post(f"{ONE}/commands", body).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        {"activities": [{}], "transitions": []},
        {"activities": [{"name": 5, "type": []}], "transitions": [{}]},
        {
            "activities": [{"name": "a", "type": "end", "parameters": 7}],
            "transitions": [],
        },
        {"activities": [], "transitions": [{"source": {}}]},
    ],
)
def test_odd_structure_never_fails_on_our_side(administrator, workflow, body):
    answer = administrator.put(f"{ONE}/structure", body, if_match="1")

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": []},
        {"kind": "daily", "time": {}},
        {"kind": "weekly"},
        {"kind": None},
    ],
)
def test_odd_schedule_never_fails_on_our_side(administrator, workflow, body):
    answer = administrator.put(f"{ONE}/schedule", body, if_match="1")

    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_database_away_is_503(administrator, workflow, monkeypatch):
    def away(*_args, **_options):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("workflows.api.rows.find_workflow", away)

    answer = administrator.get(ONE)

    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert answer.json()["error_code"] == "unavailable"


@pytest.mark.parametrize("text", [r'"\ud800"', r'{"reason": "\udfff"}', "[" * 5_000])
def test_body_that_no_text_can_hold_is_a_fault(supervisor, workflow, text):
    answer = supervisor.client.post(
        f"{ONE}/commands", text, content_type="application/json"
    )

    assert answer.status_code == 400
