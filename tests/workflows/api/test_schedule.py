from __future__ import annotations

from workflows.models import AuditEntry, Run, StructureVersion

ONE = "/api/v1/workflows/testsCount"
URL = f"{ONE}/schedule"
HOURLY = {"kind": "several_times_a_day", "every": "PT1H", "from": "00:00"}


def test_schedule_comes_in_its_stored_shape_with_a_version(reader, workflow):
    answer = reader.get(URL)

    assert answer["ETag"] == '"1"'
    assert answer.json()["kind"] == "daily"
    assert answer.json()["time"] == "04:00"
    assert answer.json()["version"] == 1


def test_change_gives_a_new_version(administrator, workflow):
    answer = administrator.put(URL, HOURLY, if_match='"1"')

    assert answer.status_code == 200
    assert answer["ETag"] == '"2"'
    assert answer.json()["every"] == "PT1H"
    assert administrator.get(URL).json() == answer.json()


def test_change_triggers_no_run_and_moves_the_next(administrator, workflow):
    administrator.put(URL, HOURLY, if_match="1")

    items = administrator.get(f"{ONE}/next", count=2).json()["items"]
    assert not Run.objects.exists()
    assert all(item.endswith(":00:00Z") for item in items)


def test_answer_of_get_can_be_put_back(administrator, workflow):
    before = administrator.get(URL).json()
    administrator.put(URL, HOURLY, if_match="1")

    answer = administrator.put(URL, before, if_match="2")

    assert answer.status_code == 200
    assert {**answer.json(), "version": 1} == before


def test_change_without_version_is_428(administrator, workflow):
    answer = administrator.put(URL, HOURLY)

    assert answer.status_code == 428
    assert "If-Match" in answer.json()["detail"]


def test_stale_version_is_412(administrator, workflow):
    administrator.put(URL, HOURLY, if_match="1")

    answer = administrator.put(URL, HOURLY, if_match="1")

    assert answer.status_code == 412
    assert answer.json()["version"] == 2
    assert StructureVersion.objects.filter(workflow=workflow).count() == 2


def test_star_means_any_version(administrator, workflow):
    assert administrator.put(URL, HOURLY, if_match="*").status_code == 200


def test_version_that_is_none_is_a_fault(administrator, workflow):
    answer = administrator.put(URL, HOURLY, if_match='"new"')

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "If-Match"


def test_faults_are_told_at_once(administrator, workflow):
    answer = administrator.put(
        URL, {"kind": "weekly", "time": "25:00", "weekdays": [9]}, if_match="1"
    )

    fields = {fault["field"].split(".")[0] for fault in answer.json()["errors"]}
    assert answer.status_code == 400
    assert fields >= {"time", "weekdays"}


def test_change_is_in_the_audit_trail(administrator, workflow):
    administrator.client.put(
        f"{URL}?reason=summer",
        HOURLY,
        content_type="application/json",
        headers={"if-match": "1"},
    )

    row = administrator.get("/api/v1/audit").json()["items"][0]
    assert row["action"] == "workflows.workflow.schedule_changed"
    assert row["author"] == "boss"
    assert row["source"] == "api"
    assert row["reason"] == "summer"
    assert AuditEntry.objects.filter(action=row["action"]).count() == 1


def test_unknown_scheduler_is_not_found(administrator, workflow):
    assert administrator.get(URL, activity="nothing").status_code == 404


def test_structure_is_read_and_replaced(administrator, workflow):
    shown = administrator.get(f"{ONE}/structure")
    body = shown.json()
    body["activities"][0]["label"] = "Every morning"

    answer = administrator.put(
        f"{ONE}/structure", {**body, "comment": "clearer"}, if_match=shown["ETag"]
    )

    assert answer.status_code == 200
    assert answer["ETag"] == '"2"'
    assert answer.json()["activities"][0]["label"] == "Every morning"
    assert answer.json()["author"] == "boss"
    assert answer.json()["comment"] == "clearer"


def test_earlier_structure_stays_readable(administrator, workflow):
    administrator.put(URL, HOURLY, if_match="1")

    first = administrator.get(f"{ONE}/structure", version=1).json()

    assert first["is_factory"] is True
    assert first["version"] == 1


def test_faulty_structure_is_refused_with_every_fault(administrator, workflow):
    body = administrator.get(f"{ONE}/structure").json()
    body["transitions"].append(
        {"source": "nowhere", "output": "ok", "destination": "end"}
    )
    body["activities"].append({"name": "odd", "type": "nonsense"})

    answer = administrator.put(f"{ONE}/structure", body, if_match="1")

    fields = {fault["field"] for fault in answer.json()["errors"]}
    assert answer.status_code == 400
    assert fields == {"nowhere", "odd"}


def test_structure_without_version_is_428(administrator, workflow):
    body = {"activities": [], "transitions": []}

    assert administrator.put(f"{ONE}/structure", body).status_code == 428
