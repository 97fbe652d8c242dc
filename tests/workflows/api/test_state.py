from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from tests.workflows.api.test_command_parameters import make_task
from workflows.models import (
    Freshness,
    JournalEntry,
    Run,
    RunStatus,
    RunTrigger,
    State,
    Substate,
    Task,
    TaskStatus,
)

ONE = "/api/v1/workflows/testsCount"


def make_run(workflow, **values) -> Run:
    now = timezone.now()
    return Run.objects.create(
        workflow=workflow,
        structure=workflow.structure,
        trigger=RunTrigger.COMMAND,
        status=RunStatus.FINISHED,
        created_at=now,
        started_at=now,
        ended_at=now,
        **values,
    )


def test_waiting_tells_why_nothing_runs(reader, workflow):
    items = reader.get(f"{ONE}/waiting").json()["items"]

    by_activity = {item["activity"]: item for item in items}
    assert by_activity["signal"]["code"] == "signal"
    assert by_activity["scheduler"]["code"] == "time"
    assert "waits for" in by_activity["scheduler"]["text"]
    assert by_activity["scheduler"]["until"].endswith("T04:00:00Z")


def test_waiting_names_who_paused(supervisor, workflow):
    supervisor.post(f"{ONE}/commands", {"command": "pause"})

    items = supervisor.get(f"{ONE}/waiting").json()["items"]

    assert {item["code"] for item in items} == {"paused"}
    assert items[0]["parameters"]["by"] == "supervisor"


def test_freshness_is_unknown_until_it_was_looked_at(reader, workflow):
    assert reader.get(f"{ONE}/freshness").json()["is_known"] is False


def test_freshness_tells_rows_and_age(reader, workflow):
    now = timezone.now()
    Freshness.objects.create(
        workflow=workflow,
        rows=212,
        oldest_at=now - timedelta(seconds=40),
        sampled_at=now,
    )

    shown = reader.get(f"{ONE}/freshness").json()

    assert (shown["is_known"], shown["rows"], shown["is_over"]) == (True, 212, False)
    assert shown["texts"] == ["212 rows wait, oldest 40 s."]


def test_run_tells_whether_it_is_a_simulation(reader, workflow):
    make_run(workflow, is_simulation=True)

    assert reader.get(f"{ONE}/runs").json()["items"][0]["is_simulation"] is True


def test_simulation_stands_beside_the_next_real_run(reader, workflow):
    make_run(workflow)
    simulation = make_run(workflow, is_simulation=True)
    real = make_run(workflow)
    make_run(workflow)
    for run, count, simulated in ((simulation, 7, True), (real, 9, False)):
        Task.objects.create(
            workflow=workflow, run=run, activity="count", activity_type="script",
            status=TaskStatus.COMPLETED, substate=Substate.NONE, record_count=count,
            is_simulated=simulated, created_at=run.created_at,
        )  # fmt: skip
    JournalEntry.objects.create(
        workflow=workflow, run=simulation, activity="count", at=simulation.created_at,
        message="%(name)s was not executed: it would treat %(count)s.",
        parameters={"name": "count", "count": 7},
    )  # fmt: skip

    shown = reader.get(f"{ONE}/runs/{simulation.pk}/comparison").json()

    row = shown["activities"][0]
    assert (shown["simulation"]["id"], shown["real"]["id"]) == (simulation.pk, real.pk)
    assert (row["simulated"]["count"], row["simulated"]["is_executed"]) == (7, False)
    assert row["simulated"]["lines"] == ["count was not executed: it would treat 7."]
    assert (row["real"]["count"], row["real"]["is_executed"]) == (9, True)


def test_simulation_without_a_real_run_after_it_stands_alone(reader, workflow):
    make_run(workflow)
    simulation = make_run(workflow, is_simulation=True)

    shown = reader.get(f"{ONE}/runs/{simulation.pk}/comparison").json()

    assert shown["real"] is None


def test_real_run_has_no_comparison(reader, workflow):
    run = make_run(workflow)

    assert reader.get(f"{ONE}/runs/{run.pk}/comparison").status_code == 404


def test_nothing_runs_so_nothing_is_stuck(reader, workflow):
    assert reader.get(f"{ONE}/stuck").json()["items"] == []


def test_silent_task_without_a_worker_is_stuck(supervisor, workflow):
    now = timezone.now()
    task = make_task(
        workflow, status=TaskStatus.ACTIVE, substate=Substate.RUNNING,
        host="worker-3", pid=4711, epoch=2, attempt=1,
        heartbeat_at=now - timedelta(seconds=90),
    )  # fmt: skip
    JournalEntry.objects.create(
        workflow=workflow, run=task.run, task=task, at=now,
        message="%(count)s rows read.", parameters={"count": 500},
    )  # fmt: skip

    item = supervisor.get(f"{ONE}/stuck").json()["items"][0]

    assert (item["task_id"], item["is_stuck"]) == (task.pk, True)
    assert item["silent_seconds"] >= 90
    assert (item["host"], item["pid"], item["epoch"]) == ("worker-3", 4711, 2)
    assert (item["has_worker"], item["sql"]) == (False, "")
    assert item["last_line"] == "500 rows read."


def test_task_with_a_sign_of_life_is_not_stuck(supervisor, workflow):
    make_task(
        workflow, status=TaskStatus.ACTIVE, substate=Substate.RUNNING,
        heartbeat_at=timezone.now() - timedelta(seconds=30),
    )  # fmt: skip

    items = supervisor.get("/api/v1/monitoring/stuck").json()["items"]

    assert [item["is_stuck"] for item in items] == [False]


def test_grades_are_those_that_the_caller_may_use(
    reader, supervisor, administrator, workflow
):
    make_task(workflow, status=TaskStatus.ACTIVE, substate=Substate.RUNNING)

    grades = [
        caller.get(f"{ONE}/stuck").json()["items"][0]["grades"]
        for caller in (reader, supervisor, administrator)
    ]

    assert grades == [[], ["ask", "sql"], ["ask", "sql", "force"]]


def test_all_running_tasks_cost_one_statement(
    reader, workflow, django_assert_max_num_queries
):
    for _number in range(5):
        make_task(workflow, status=TaskStatus.ACTIVE, substate=Substate.RUNNING)
    reader.get("/api/v1/monitoring/stuck")

    with django_assert_max_num_queries(5):  # the operator and rights; two of ours
        reader.get("/api/v1/monitoring/stuck")


@pytest.mark.django_db(transaction=True)
def test_sql_and_who_blocks_it_are_shown(supervisor, workflow):
    from workflows.engine.locks import lock_key  # noqa: PLC0415

    task = make_task(workflow, status=TaskStatus.ACTIVE, substate=Substate.RUNNING)
    parameters = connection.get_connection_params()
    for own in ("cursor_factory", "context"):
        parameters.pop(own, None)
    with (
        psycopg.connect(**parameters, application_name="intruder") as blocker,
        psycopg.connect(**parameters, autocommit=True) as worker,
    ):
        blocker.execute("LOCK TABLE workflows_auditentry IN ACCESS EXCLUSIVE MODE")
        worker.execute("SELECT pg_advisory_lock(%s)", [lock_key(task.pk)])
        worker.pgconn.send_query(b"SELECT count(*) FROM workflows_auditentry")

        item = _wait_for_blocker(supervisor)

        worker.cancel()
        worker.close()
        blocker.rollback()
    assert item["has_worker"] is True
    assert item["sql"] == "SELECT count(*) FROM workflows_auditentry"
    assert item["wait_event"].startswith("Lock")
    assert item["blockers"][0]["application"] == "intruder"
    assert item["blockers"][0]["sql"].startswith("LOCK TABLE workflows_auditentry")
    assert item["blockers"][0]["state"] == "idle in transaction"


def _wait_for_blocker(caller):
    for _attempt in range(100):
        item = caller.get(f"{ONE}/stuck").json()["items"][0]
        if item["blockers"]:
            return item
    pytest.fail(f"nothing blocks: {item}")


def test_properties_come_with_a_version_and_are_changed_by_it(administrator, workflow):
    shown = administrator.get(f"{ONE}/properties")

    answer = administrator.put(
        f"{ONE}/properties",
        {"severity": 1, "supervisors": ["Administrators"]},
        if_match=shown["ETag"],
    )

    workflow.refresh_from_db()
    assert answer.status_code == 200
    assert answer["ETag"] != shown["ETag"]
    assert (answer.json()["severity"], workflow.severity) == (1, 1)
    assert answer.json()["supervisors"] == ["Administrators"]
    assert workflow.state == State.STARTED


def test_answer_of_properties_can_be_put_back(administrator, workflow):
    shown = administrator.get(f"{ONE}/properties")

    answer = administrator.put(
        f"{ONE}/properties", shown.json(), if_match=shown["ETag"]
    )

    assert answer.status_code == 200
    assert answer["ETag"] == shown["ETag"]


def test_stale_properties_are_412(administrator, workflow):
    tag = administrator.get(f"{ONE}/properties")["ETag"]
    administrator.put(f"{ONE}/properties", {"severity": 2}, if_match=tag)

    answer = administrator.put(f"{ONE}/properties", {"severity": 0}, if_match=tag)

    workflow.refresh_from_db()
    assert answer.status_code == 412
    assert workflow.severity == 2


def test_properties_without_version_are_428(administrator, workflow):
    assert administrator.put(f"{ONE}/properties", {"severity": 1}).status_code == 428


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"supervisors": ["Nobody"]}, "supervisors"),
        ({"run_as": "nobody"}, "run_as"),
        ({"state": "finished"}, "state"),
        ({"overlap_policy": "sometimes"}, "overlap_policy"),
        ({"severity": None}, "severity"),
        ({"history_days": -1}, "history_days"),
    ],
)
def test_fault_of_a_property_is_named(administrator, workflow, body, field):
    answer = administrator.put(f"{ONE}/properties", body, if_match="*")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_supervisor_may_not_change_properties(supervisor, workflow):
    answer = supervisor.put(f"{ONE}/properties", {"severity": 1}, if_match="*")

    assert answer.status_code == 403
