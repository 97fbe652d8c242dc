from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.workflows.api.conftest import Caller, caller
from workflows.models import Level, Notification, NotificationKind, Workflow

PATH = "/api/v1/notifications"


@pytest.fixture
def told(workflow: Workflow) -> list[Notification]:
    at = timezone.now()
    return [
        Notification.objects.create(
            kind=kind,
            workflow=workflow,
            activity="count",
            fingerprint=f"f{number}",
            level=Level.ERROR,
            message="%(name)s failed: %(error)s",
            parameters={"name": "count", "error": "gone", "run": 7, "task": 9},
            path=workflow.get_absolute_url(),
            first_at=at,
            last_at=at - timedelta(minutes=number),
            resolved_at=resolved,
        )
        for number, (kind, resolved) in enumerate(
            [(NotificationKind.FAILED, None), (NotificationKind.OVERDUE, at)]
        )
    ]


def test_list_shows_the_latest_first(reader: Caller, told: list[Notification]) -> None:
    answer: Any = reader.get(PATH).json()

    first = answer["items"][0]
    assert [row["id"] for row in answer["items"]] == [row.pk for row in told]
    assert first["message"] == "count failed: gone"
    assert (first["level"], first["workflow"]) == ("error", "testsCount")
    assert (first["run_id"], first["task_id"]) == (7, 9)
    assert first["last_at"].endswith("Z")


def test_pages_follow_each_other(reader: Caller, told: list[Notification]) -> None:
    first: Any = reader.get(PATH, limit=1).json()
    second: Any = reader.get(PATH, limit=1, cursor=first["next"]).json()

    assert [page["items"][0]["id"] for page in (first, second)] == [
        row.pk for row in told
    ]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"kind": "overdue"}, ["overdue"]),
        ({"is_open": "true"}, ["failed"]),
        ({"is_open": "false"}, ["overdue"]),
        ({"workflow": "other"}, []),
    ],
)
def test_list_is_narrowed(
    reader: Caller, told: list[Notification], query: Any, expected: list[str]
) -> None:
    answer: Any = reader.get(PATH, **query).json()

    assert [row["kind"] for row in answer["items"]] == expected


def test_unknown_kind_is_refused_by_name(reader: Caller, db: None) -> None:
    answer: Any = reader.get(PATH, kind="gossip")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "kind"


def test_list_needs_the_scope_to_read(db: None) -> None:
    assert caller("pusher", "event:push").get(PATH).status_code == 403
