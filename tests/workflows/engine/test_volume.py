"""Sample history for measurements: as asked for, confirmed, and removable."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.workflows.samples import START, sample_workflow, three_rows, tick, work_off
from workflows.models import (
    AuditEntry,
    JournalEntry,
    Occurrence,
    Run,
    RunStatus,
    Task,
    TaskStatus,
    Workflow,
)

pytestmark = pytest.mark.django_db
FIRED = START.replace(minute=1, second=0)


def volume(*arguments: str, **options: Any) -> None:
    """Call the command, confirmed."""
    call_command(
        "volume",
        *arguments,
        database=connection.settings_dict["NAME"],
        yes=True,
        stdout=StringIO(),
        stderr=StringIO(),
        **options,
    )


def fill() -> None:
    """Write 400 runs of three workflows with ten lines each."""
    volume(runs=400, journal=4_000, workflows=3)


def test_history_has_the_size_asked_for() -> None:
    fill()

    assert Run.objects.count() == Occurrence.objects.count() == 400
    assert JournalEntry.objects.count() == 4_000


def test_only_skipped_runs_have_no_tasks() -> None:
    fill()

    skipped = Run.objects.filter(status=RunStatus.SKIPPED)
    assert skipped.count() == 8
    assert not skipped.filter(tasks__isnull=False).exists()
    assert Task.objects.count() == 3 * 392


def test_sample_history_holds_nothing_for_workers_or_clock() -> None:
    fill()

    assert not Task.objects.filter(status=TaskStatus.ACTIVE).exists()
    assert not Run.objects.filter(status__in=RunStatus.live()).exists()


def test_keys_grow_with_time() -> None:
    fill()

    instants = list(JournalEntry.objects.order_by("pk").values_list("at", "run_id"))
    assert instants == sorted(instants, key=lambda line: line[1])


def test_second_call_is_refused_until_the_first_is_cleared() -> None:
    fill()

    with pytest.raises(CommandError, match="--clear"):
        fill()


def test_clear_leaves_the_history_of_others() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(FIRED)
        work_off(FIRED)
        runs_before = Run.objects.count()
        lines_before = JournalEntry.objects.count()
        fill()

        volume(clear=True)

        assert workflow.runs.exists()
        assert Run.objects.count() == runs_before
        assert JournalEntry.objects.count() == lines_before
        assert not Workflow.objects.filter(internal_name__startswith="volume_").exists()
        assert not AuditEntry.objects.filter(action="workflows.workflow.changed")


@pytest.mark.parametrize(
    "confirmation", [{"yes": True}, {"database": "other", "yes": True}]
)
def test_nothing_is_written_to_an_unnamed_database(
    confirmation: dict[str, Any],
) -> None:
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("volume", runs=10, journal=10, **confirmation)

    assert not Run.objects.exists()


def test_nothing_is_written_without_yes() -> None:
    name = connection.settings_dict["NAME"]

    with pytest.raises(CommandError, match="--yes"):
        call_command("volume", runs=10, journal=10, database=name)

    assert not Run.objects.exists()


def test_no_runs_are_refused_naming_the_option() -> None:
    with pytest.raises(CommandError, match="--runs is 0"):
        volume(runs=0)
