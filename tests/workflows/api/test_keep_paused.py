from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from workflows.models import AuditEntry, State, Workflow

ONE = "/api/v1/workflows/testsCount"
URL = f"{ONE}/keep-paused"


def later(days: int = 30) -> str:
    return (timezone.now() + timedelta(days=days)).isoformat()


@pytest.fixture
def paused(workflow: Workflow) -> Workflow:
    """A workflow that has been paused for ten days and was told of once."""
    workflow.state = State.PAUSED
    workflow.paused_at = timezone.now() - timedelta(days=10)
    workflow.pause_notice_count = 1
    workflow.save()
    return workflow


def test_paused_workflow_is_kept_so(supervisor, paused):
    until = later()

    answer = supervisor.post(URL, {"until": until, "reason": "vendor"})

    paused.refresh_from_db()
    entry = AuditEntry.objects.get(action="workflows.workflow.kept_paused")
    assert answer.status_code == 200
    assert answer.json()["state"] == "paused"
    assert paused.snoozed_until.isoformat() == until
    assert paused.pause_notice_count == 0
    assert (entry.author, entry.source, entry.reason) == ("supervisor", "api", "vendor")
    assert supervisor.get(ONE).json()["snoozed_until"] is not None


def test_workflow_that_is_not_paused_is_409(supervisor, workflow):
    assert supervisor.post(URL, {"until": later()}).status_code == 409


@pytest.mark.parametrize("days", [-1, 400])
def test_date_has_to_be_within_a_year(supervisor, paused, days):
    answer = supervisor.post(URL, {"until": later(days)})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "until"


def test_date_needs_its_offset(supervisor, paused):
    answer = supervisor.post(URL, {"until": "2099-01-05T10:00:00"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "until"


def test_reader_may_not_keep_it_paused(reader, paused):
    assert reader.post(URL, {"until": later()}).status_code == 403


def test_monitoring_names_what_is_paused_for_long(reader, paused):
    assert reader.get("/api/v1/monitoring").json()["paused_long"] == ["testsCount"]


def test_monitoring_leaves_out_what_was_paused_lately(reader, paused):
    paused.paused_at = timezone.now() - timedelta(days=6)
    paused.save()

    assert reader.get("/api/v1/monitoring").json()["paused_long"] == []


def test_command_line_keeps_it_paused(paused):
    out, until = StringIO(), later()

    call_command(
        "workflow", "keep-paused", "testsCount", "--until", until, "--json", stdout=out
    )

    paused.refresh_from_db()
    assert paused.snoozed_until.isoformat() == until
    assert json.loads(out.getvalue())["state"] == "paused"


def test_command_line_tells_until_when(paused):
    out = StringIO()

    call_command(
        "workflow", "keep-paused", "testsCount", "--until", later(), stdout=out
    )

    assert "testsCount: kept paused until" in out.getvalue()


def test_command_line_refuses_what_is_not_paused(workflow):
    with pytest.raises(CommandError) as refused:
        call_command("workflow", "keep-paused", "testsCount", "--until", later())

    assert refused.value.returncode == 4
