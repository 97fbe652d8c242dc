from __future__ import annotations

import pytest
from django.utils import timezone

from workflows.models import (
    JournalEntry,
    Level,
    Occurrence,
    OccurrenceOutcome,
    Run,
    Workflow,
)

BASE = "/api/v1/workflows"
ONE = f"{BASE}/testsCount"


def test_list_shows_state_and_next_run(reader, workflow):
    answer = reader.get(BASE, package="builtin").json()

    assert answer["next"] is None
    assert [row["internal_name"] for row in answer["items"]] == ["testsCount"]
    assert answer["items"][0]["state"] == "started"
    assert answer["items"][0]["next_run"].endswith("Z")
    assert answer["items"][0]["href"] == ONE


def test_list_costs_a_fixed_number_of_queries(
    reader, workflow, django_assert_max_num_queries
):
    reader.get(BASE)

    with django_assert_max_num_queries(6):
        reader.get(BASE)


def test_detail_shows_properties_and_allowed_commands(supervisor, workflow):
    shown = supervisor.get(ONE).json()

    assert shown["label"] == "Count"
    assert shown["package_label"] == "Installed by default"
    assert shown["version"] == 1
    assert shown["supervisors"] == ["Workflow supervisors"]
    assert set(shown["allowed_commands"]) == {
        "pause",
        "stop",
        "restart",
        "wake",
        "stop_after_run",
        "restart_task",
        "cancel_task",
        "purge",
    }


def test_other_spelling_is_read(reader, workflow):
    assert reader.get(f"{BASE}/testCount").json()["internal_name"] == "testsCount"


def test_unknown_workflow_is_a_problem(reader):
    answer = reader.get(f"{BASE}/nothing")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert "nothing" in answer.json()["detail"]


def test_unknown_filter_value_names_the_known_ones(reader, workflow):
    answer = reader.get(BASE, state="sleeping")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "state"
    assert "started" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("limit", ["0", "501", "many"])
def test_limit_out_of_bounds_is_a_fault(reader, workflow, limit):
    answer = reader.get(BASE, limit=limit)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "limit"


def test_pages_show_every_row_once(reader, workflow):
    for number in range(5):
        Workflow.objects.create(internal_name=f"extra{number}")

    names, cursor = [], ""
    for _page in range(20):
        query = {"limit": 2, "cursor": cursor} if cursor else {"limit": 2}
        answer = reader.get(BASE, **query).json()
        names += [row["internal_name"] for row in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            break

    assert names == sorted(names)
    assert len(names) == len(set(names)) == Workflow.objects.count()


def test_pages_stay_whole_when_rows_are_added(reader, workflow):
    now = timezone.now()

    def add() -> Run:
        return Run.objects.create(
            workflow=workflow,
            structure=workflow.structure,
            trigger="schedule",
            status="finished",
            created_at=now,
        )

    old = [add().pk for _number in range(4)]
    first = reader.get(f"{ONE}/runs", limit=2).json()
    add()

    second = reader.get(f"{ONE}/runs", limit=2, cursor=first["next"]).json()

    shown = [row["id"] for row in first["items"] + second["items"]]
    assert shown == sorted(old, reverse=True)
    assert second["next"] is None


@pytest.mark.parametrize("cursor", ["x", "W10", "eyJhIjoxfQ", "é", "a" * 300])
def test_foreign_cursor_is_a_fault(reader, workflow, cursor):
    answer = reader.get(f"{ONE}/runs", cursor=cursor)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "cursor"


def test_cursor_of_another_list_is_a_fault(reader, workflow):
    Workflow.objects.create(internal_name="extra")
    cursor = reader.get(BASE, limit=1).json()["next"]

    assert reader.get(f"{ONE}/runs", cursor=cursor).status_code == 400


def test_occurrences_of_one_instant_are_paged(reader, workflow):
    now = timezone.now()
    for name in ("a", "b", "c"):
        Occurrence.objects.create(
            workflow=workflow,
            activity=name,
            scheduled_for=now,
            last_scheduled_for=now,
            outcome=OccurrenceOutcome.RAN,
            recorded_at=now,
        )

    first = reader.get(f"{ONE}/occurrences", limit=2).json()
    second = reader.get(f"{ONE}/occurrences", limit=2, cursor=first["next"]).json()

    shown = [row["activity"] for row in first["items"] + second["items"]]
    assert shown == ["c", "b", "a"]


def test_logs_are_told_from_a_level_up(reader, workflow):
    for level in Level:
        JournalEntry.objects.create(
            workflow=workflow,
            level=level,
            message="%(count)s rows",
            parameters={"count": int(level)},
            at=timezone.now(),
        )

    rows = reader.get(f"{ONE}/logs", level="warning").json()["items"]

    assert [(row["level"], row["message"]) for row in rows] == [
        ("error", "40 rows"),
        ("warning", "30 rows"),
    ]


def test_tasks_are_listed(reader, workflow):
    rows = reader.get(f"{ONE}/tasks", status="active").json()["items"]

    assert {row["activity"] for row in rows} == {"scheduler", "signal"}


def test_next_gives_planned_instants(reader, workflow):
    items = reader.get(f"{ONE}/next", count=3).json()["items"]

    assert len(items) == 3
    assert items == sorted(items)
    assert all(item.endswith("T04:00:00Z") for item in items)


def test_label_follows_the_language_of_the_caller(reader, workflow):
    shown = reader.client.get(ONE, headers={"accept-language": "fr"}).json()

    assert shown["label"] == "Compter"
