from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaign.access.models import Operator
from tests.workflows.samples import START, sample_workflow, three_rows, tick
from workflows.actions import next_runs, preview_schedule, save_schedule, schedule_of
from workflows.exceptions import InvalidInput, PermissionRefused, StaleVersion
from workflows.models import AuditEntry, Source

pytestmark = pytest.mark.django_db
DAILY = {"kind": "daily", "time": "04:00"}


def save(schedule: dict[str, Any], operator: Operator, **more: Any) -> Any:
    return save_schedule(
        internal_name="sample",
        schedule=schedule,
        expected_version=more.pop("expected_version", 1),
        acting_operator=operator,
        source=Source.API,
        at=START,
        **more,
    )


def test_saving_plans_anew_and_triggers_no_run(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        save(DAILY, administrator)
        tick(START + timedelta(minutes=5))

        assert not workflow.runs.exists()
        assert next_runs(workflow, START, 1) == [datetime(2026, 1, 6, 4, 0, tzinfo=UTC)]


def test_saving_makes_a_version_and_an_audit_entry(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        version = save(DAILY, administrator)

        entry = AuditEntry.objects.get(action="workflows.workflow.schedule_changed")
        assert version.number == 2
        assert not version.is_factory
        assert entry.object_id == "sample"
        assert entry.changes["schedule"][1]["time"] == "04:00"
        workflow.refresh_from_db()
        assert schedule_of(workflow)["kind"] == "daily"


def test_journal_tells_old_and_new_instant(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        save(DAILY, administrator)

        line = workflow.journal.get(message__startswith="The next run was planned")
        assert line.parameters["before"] == "2026-01-05T10:01:00+00:00"
        assert line.parameters["after"] == "2026-01-06T04:00:00+00:00"


def test_stale_version_changes_nothing(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        save(DAILY, administrator)

        with pytest.raises(StaleVersion):
            save({"kind": "daily", "time": "05:00"}, administrator)

        workflow.refresh_from_db()
        assert schedule_of(workflow)["time"] == "04:00"


def test_faults_name_their_fields(administrator: Operator) -> None:
    with sample_workflow(three_rows), pytest.raises(InvalidInput) as refused:
        save({"kind": "weekly", "time": "25:00"}, administrator)

    assert {fault.field for fault in refused.value.faults} == {"time", "weekdays"}


def test_schedule_needs_the_right(outsider: Operator) -> None:
    with sample_workflow(three_rows), pytest.raises(PermissionRefused):
        save(DAILY, outsider)


def test_technical_workflow_waits_for_a_schedule_after_its_last_instant(
    administrator: Operator,
) -> None:
    once = {"kind": "once", "start_date": "2026-01-05", "time": "10:00:33"}
    with sample_workflow(three_rows, signals=()) as workflow:
        save(once, administrator)
        tick(START + timedelta(seconds=3))
        assert workflow.runs.count() == 1

        workflow.refresh_from_db()
        assert workflow.state == "started"
        save(DAILY, administrator, expected_version=2)
        assert next_runs(workflow, START, 1)


def test_preview_shows_both_and_changes_nothing(administrator: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        shown = preview_schedule(workflow=workflow, schedule=DAILY, at=START)

        assert (len(shown.old), len(shown.new)) == (10, 10)
        assert shown.sentence_new == "Every day at 04:00"
        workflow.refresh_from_db()
        assert workflow.structure.number == 1
