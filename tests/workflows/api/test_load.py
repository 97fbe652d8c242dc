from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from workflows.models import Run, RunStatus, RunTrigger, Task

CRON = "/api/v1/schedules/from-cron"


def test_schedules_are_listed_with_sentence_and_zone(reader, workflow):
    items = reader.get("/api/v1/schedules", q="testsCount").json()["items"]

    assert [item["sentence"] for item in items] == ["Every day at 04:00"]
    assert items[0]["zone"] == "UTC"


def test_schedules_need_the_right_to_see_workflows(outsider, workflow):
    assert outsider.get("/api/v1/schedules").status_code == 403


def test_cron_becomes_a_schedule(reader):
    answer = reader.post(CRON, {"cron": "30 2 * * *", "zone": "Europe/Paris"})

    body = answer.json()
    assert answer.status_code == 200
    assert body["sentence"] == "Every day at 02:30"
    assert body["schedule"]["tz"] == "Europe/Paris"
    assert len(body["instants"]) == 10
    assert {item["effect"] for item in body["changes"]} == {"moved", "first_of_two"}


def test_cron_without_equivalent_names_the_field(reader):
    answer = reader.post(CRON, {"cron": "0 4 1 * 1"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "cron"


def test_unknown_zone_names_the_field(reader):
    answer = reader.post(CRON, {"cron": "0 4 * * *", "zone": "Mars/Base"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "zone"


def test_heat_map_covers_the_days_asked_for(reader, workflow):
    body = reader.get("/api/v1/heat-map", days=2).json()

    assert len(body["items"]) == 2 * 288
    assert body["limit"] >= 1


def test_heat_map_of_more_days_than_are_planned_is_refused(reader):
    assert reader.get("/api/v1/heat-map", days=15).status_code == 400


def test_heat_map_does_not_begin_in_the_past(reader):
    past = (timezone.now() - timedelta(days=1)).isoformat()
    answer = reader.get("/api/v1/heat-map", **{"from": past})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "from"


def test_past_heat_map_tells_the_day(reader):
    body = reader.get(
        "/api/v1/heat-map/past", day="2026-03-29", zone="Europe/Paris"
    ).json()

    assert len(body["items"]) == 23 * 12
    assert body["runs"] == 0


def test_past_heat_map_is_filtered_by_name(reader, workflow):
    now = timezone.now()
    Run.objects.create(
        workflow=workflow,
        structure=workflow.structure,
        trigger=RunTrigger.SCHEDULE,
        status=RunStatus.FINISHED,
        created_at=now,
        started_at=now - timedelta(seconds=1),
        ended_at=now,
    )
    day = f"{now - timedelta(seconds=1):%Y-%m-%d}"

    found = [
        reader.get("/api/v1/heat-map/past", day=day, q=text).json()["runs"]
        for text in ("testsC", "other")
    ]

    assert found == [1, 0]


def test_without_a_plan_all_time_is_free(reader):
    Task.objects.all().delete()

    items = reader.get("/api/v1/maintenance-gaps", days=1).json()["items"]

    assert [item["seconds"] for item in items] == [86_400]


def test_gaps_leave_out_and_name_what_begins_every_few_minutes(reader, workflow):
    body = reader.get("/api/v1/maintenance-gaps", days=1).json()

    assert "rtEventsProcessing" in body["left_out"]
    assert body["items"]
    assert body["items"] == sorted(
        body["items"], key=lambda gap: (-gap["seconds"], gap["begins"])
    )


def test_clock_changes_of_a_schedule(reader, workflow):
    body = reader.get("/api/v1/workflows/testsCount/schedule/clock-changes").json()

    assert body == {"zone": "UTC", "items": [], "next": None}


def test_clock_changes_of_an_unknown_scheduler_are_404(reader, workflow):
    url = "/api/v1/workflows/testsCount/schedule/clock-changes"

    assert reader.get(url, activity="other").status_code == 404
