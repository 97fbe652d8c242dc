from __future__ import annotations

from tests.workflows.api.test_command_parameters import make_task
from workflows.models import (
    AuditEntry,
    Freeze,
    Source,
    State,
    Substate,
    TaskStatus,
)

URL = "/api/v1/instance/freeze"
BODY = {"reason": "database move", "until": "2099-01-05T11:00:00+01:00"}


def test_freeze_tells_reason_author_and_progress(administrator, workflow):
    make_task(workflow, status=TaskStatus.ACTIVE, substate=Substate.RUNNING)

    answer = administrator.post(URL, BODY)

    body = answer.json()
    workflow.refresh_from_db()
    assert answer.status_code == 201
    assert (body["is_frozen"], body["reason"], body["author"], body["source"]) == (
        True,
        "database move",
        "boss",
        "api",
    )
    assert body["until"] == "2099-01-05T10:00:00Z"
    assert body["progress"]["running"] == 1
    assert body["progress"]["is_drained"] is False
    assert workflow.state == State.STARTED


def test_instance_that_is_not_frozen_says_so(reader, workflow):
    assert reader.get(URL).json()["is_frozen"] is False


def test_freeze_is_seen_by_those_who_only_read(administrator, reader, workflow):
    administrator.post(URL, BODY)

    shown = reader.get(URL).json()

    assert (shown["is_frozen"], shown["reason"]) == (True, "database move")


def test_thaw_ends_the_freeze(administrator, workflow):
    administrator.post(URL, BODY)

    answer = administrator.client.delete(URL)

    assert answer.status_code == 200
    assert (answer.json()["is_frozen"], answer.json()["ended_by"]) == (False, "boss")
    assert administrator.get(URL).json()["is_frozen"] is False


def test_freeze_and_thaw_are_in_the_audit_trail(administrator, workflow):
    administrator.post(URL, BODY)
    administrator.client.delete(URL)

    rows = (
        AuditEntry.objects.filter(object_type="workflows.freeze")
        .order_by("pk")
        .values_list("action", "source", "author")
    )
    assert list(rows) == [
        ("workflows.instance.frozen", Source.API, "boss"),
        ("workflows.instance.thawed", Source.API, "boss"),
    ]


def test_second_freeze_is_409(administrator, workflow):
    administrator.post(URL, BODY)

    answer = administrator.post(URL, BODY)

    assert answer.status_code == 409
    assert Freeze.objects.count() == 1


def test_thaw_of_what_is_not_frozen_is_409(administrator, workflow):
    assert administrator.client.delete(URL).status_code == 409


def test_freeze_needs_its_own_right(supervisor, workflow):
    answer = supervisor.post(URL, BODY)

    assert answer.status_code == 403
    assert answer.json()["permission"] == "workflows.freeze"
    assert not Freeze.objects.exists()


def test_reading_scope_does_not_thaw(administrator, reader, workflow):
    administrator.post(URL, BODY)

    assert reader.client.delete(URL).status_code == 403
    assert Freeze.objects.filter(ended_at=None).exists()


def test_faults_of_a_freeze_are_told_at_once(administrator, workflow):
    answer = administrator.post(URL, {"reason": " ", "until": "2020-01-01T00:00:00Z"})

    assert answer.status_code == 400
    assert {fault["field"] for fault in answer.json()["errors"]} == {"reason", "until"}
