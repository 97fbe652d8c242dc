"""The command heatmap says what the pages show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from workflows.models import Run, RunStatus, RunTrigger, Workflow


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("heatmap", *arguments, stdout=out)
    return out.getvalue()


def told(*arguments: str) -> Any:
    return json.loads(printed(*arguments, "--json"))


def test_hours_to_come_are_printed_with_what_is_free(workflow: Workflow) -> None:
    found = told("--days=2")

    assert len(found["hours"]) == 48
    assert max(hour["at_once"] for hour in found["hours"]) >= 1
    assert found["gaps"]


def test_every_workflow_counts_for_the_free_stretches_when_asked(
    workflow: Workflow,
) -> None:
    usual = told("--days=1")["gaps"]

    counted = told("--days=1", "--with-frequent")["gaps"]

    assert sum(gap["seconds"] for gap in counted) < sum(gap["seconds"] for gap in usual)


def test_day_gone_by_has_as_many_hours_as_its_zone_gave_it(db: None) -> None:
    lines = printed("--past=2026-03-29", "--tz=Europe/Paris").splitlines()

    assert len(lines) == 23
    assert lines[0].startswith("2026-03-29 00:00 CET")


def test_day_gone_by_is_filtered_by_workflow_and_duration(workflow: Workflow) -> None:
    begun = datetime(2026, 3, 2, 4, tzinfo=UTC)
    Run.objects.create(
        workflow=workflow,
        structure_id=workflow.structure_id,
        trigger=RunTrigger.SCHEDULE,
        status=RunStatus.FINISHED,
        created_at=begun,
        started_at=begun,
        ended_at=begun + timedelta(seconds=30),
    )
    day = "--past=2026-03-02"

    assert told(day, "--workflow=testsCount")["runs"] == 1
    assert told(day, "--workflow=other")["runs"] == 0
    assert told(day, "--least-seconds=31")["runs"] == 0


@pytest.mark.parametrize("given", ["--days=15", "--past=tomorrow", "--tz=Mars/Base"])
def test_bad_option_is_refused(given: str) -> None:
    with pytest.raises(CommandError):
        printed(given)
