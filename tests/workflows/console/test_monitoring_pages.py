"""Runs, their comparison, "why did it not run?", logs of all workflows, the audit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.workflows.console.conftest import NOW, MakeWorkflow, add_run, add_task
from workflows import audit
from workflows.models import (
    Command,
    JournalEntry,
    Level,
    Occurrence,
    OccurrenceOutcome,
    Run,
    RunStatus,
    Source,
    Workflow,
)

HTML = {"accept": "text/html"}


def page(client: Client, address: str) -> str:
    answer = client.get(address, headers=HTML)
    assert answer.status_code == 200
    return answer.content.decode()


def add_line(workflow: Workflow, message: str, **values: Any) -> JournalEntry:
    """Write a journal line."""
    return JournalEntry.objects.create(
        workflow=workflow, message=message, at=NOW, activity="work", **values
    )


@pytest.fixture
def run(make_workflow: MakeWorkflow) -> Run:
    """A run of two tasks, the second of which took two seconds."""
    made = add_run(make_workflow())
    add_task(made, completed_at=made.created_at + timedelta(seconds=1))
    add_task(
        made,
        "alert",
        completed_at=made.created_at + timedelta(seconds=2),
        record_count=7,
    )
    return made


def test_a_run_shows_its_tasks_over_time(admin_client: Client, run: Run) -> None:
    text = page(admin_client, f"/workflows/sample/runs/{run.pk}/")

    assert text.count('class="gantt-bar') == 2
    assert "Collect rows" in text
    assert ">7<" in text.replace("\n", "").replace(" ", "")


def test_a_run_shows_its_journal(admin_client: Client, run: Run) -> None:
    add_line(run.workflow, "Seven rows were collected.", run=run)

    text = page(admin_client, f"/workflows/sample/runs/{run.pk}/")

    assert "Seven rows were collected." in text


def test_a_run_of_another_workflow_is_missing(
    admin_client: Client, run: Run, make_workflow: MakeWorkflow
) -> None:
    make_workflow("other")

    answer = admin_client.get(f"/workflows/other/runs/{run.pk}/", headers=HTML)

    assert answer.status_code == 404


def test_a_run_costs_ten_queries_at_most(
    admin_client: Client, run: Run, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(10):
        page(admin_client, f"/workflows/sample/runs/{run.pk}/")


def test_two_runs_are_compared_by_activity(admin_client: Client, run: Run) -> None:
    later = add_run(run.workflow)
    add_task(later, completed_at=later.created_at + timedelta(seconds=3))

    text = page(
        admin_client, f"/workflows/sample/runs/{later.pk}/compare/?with={run.pk}"
    )

    assert "3 ×" in text


@pytest.mark.parametrize("other", ["", "0", "99999999", "nonsense"])
def test_a_comparison_needs_two_runs(
    admin_client: Client, run: Run, other: str
) -> None:
    answer = admin_client.get(
        f"/workflows/sample/runs/{run.pk}/compare/?with={other}", headers=HTML
    )

    assert answer.status_code == 404


@pytest.fixture
def held(make_workflow: MakeWorkflow) -> Occurrence:
    """Three planned instants in a row that a pause held."""
    return Occurrence.objects.create(
        workflow=make_workflow(),
        activity="scheduler",
        scheduled_for=NOW,
        last_scheduled_for=NOW + timedelta(hours=2),
        count=3,
        outcome=OccurrenceOutcome.HELD_PAUSE,
        reason="by the night shift",
        recorded_at=NOW,
    )


def test_an_instant_within_a_row_of_equal_ones_is_explained(
    admin_client: Client, held: Occurrence
) -> None:
    text = page(admin_client, "/workflows/sample/why/?at=2026-11-22T11:00")

    assert "Held by a pause" in text
    assert "by the night shift" in text
    assert "Nothing was planned" not in text


def test_an_instant_that_was_never_planned_is_told(
    admin_client: Client, held: Occurrence
) -> None:
    text = page(admin_client, "/workflows/sample/why/?at=2026-11-20T11:00")

    assert "Nothing was planned for this instant" in text


def test_without_an_instant_the_newest_are_shown(
    admin_client: Client, held: Occurrence
) -> None:
    assert "Held by a pause" in page(admin_client, "/workflows/sample/why/")


def test_a_wrong_instant_names_the_field(
    admin_client: Client, held: Occurrence
) -> None:
    answer = admin_client.get("/workflows/sample/why/?at=soon", headers=HTML)

    assert answer.status_code == 400


def test_why_shows_the_commands_around_it(
    admin_client: Client, held: Occurrence
) -> None:
    Command.objects.create(
        workflow=held.workflow,
        name="pause",
        status="applied",
        author="night",
        source=Source.CONSOLE,
        requested_at=NOW - timedelta(minutes=5),
        reason="maintenance of the relay",
    )

    text = page(admin_client, "/workflows/sample/why/?at=2026-11-22T10:00")

    assert "maintenance of the relay" in text


def test_the_log_search_finds_lines_of_every_workflow(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    add_line(make_workflow("first"), "The file is missing.")
    add_line(make_workflow("second"), "The table is missing.")
    add_line(make_workflow("third"), "All is well.")

    text = page(admin_client, "/monitoring/logs/?text=missing")

    assert "The file is missing." in text
    assert "The table is missing." in text
    assert "All is well." not in text


def test_the_log_search_is_narrowed_by_workflow_and_level(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    first = make_workflow("first")
    add_line(first, "Grave.", level=Level.ERROR)
    add_line(first, "Usual.")
    add_line(make_workflow("second"), "Elsewhere.", level=Level.ERROR)

    text = page(admin_client, "/monitoring/logs/?workflow=first&level=40")

    assert "Grave." in text
    assert "Usual." not in text
    assert "Elsewhere." not in text


def test_a_line_has_an_address_of_its_own(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow()
    lines = [add_line(workflow, f"Line {number}.") for number in range(30)]

    text = page(admin_client, f"/monitoring/logs/{lines[15].pk}/")

    assert 'aria-current="true"' in text
    assert "Line 15." in text
    assert "Line 14." in text
    assert "Line 29." not in text


def test_a_missing_line_says_so(admin_client: Client) -> None:
    assert admin_client.get("/monitoring/logs/404/", headers=HTML).status_code == 404


def test_following_asks_again_by_itself(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    add_line(make_workflow(), "Line.")

    assert 'hx-trigger="every 3s"' in page(admin_client, "/monitoring/logs/?follow=1")
    assert 'hx-trigger="every 3s"' not in page(admin_client, "/monitoring/logs/")


def test_the_log_can_be_downloaded(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    add_line(make_workflow(), "The file is missing.")

    answer = admin_client.get("/monitoring/logs/?format=csv")

    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "The file is missing." in text


def changed(workflow: Workflow) -> None:
    """Record a change of a property."""
    audit.record(
        action="workflows.workflow.properties_changed",
        object_type="workflows.workflow",
        object_id=workflow.internal_name,
        object_label=workflow.internal_name,
        changes={"history_days": [30, 60]},
        acting_operator=None,
        source=Source.API,
        at=NOW,
    )


def test_the_audit_tells_before_and_after(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    changed(make_workflow())

    text = page(admin_client, "/audit/")

    assert "Properties changed" in text
    assert "30 → 60" in text


def test_the_audit_is_narrowed(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    changed(make_workflow("first"))
    changed(make_workflow("second"))

    text = page(admin_client, "/audit/?object=first&source=api&since=2026-11-01")

    assert "first" in text
    assert ">second<" not in text


def test_the_audit_needs_its_right(viewer_client: Client) -> None:
    assert viewer_client.get("/audit/", headers=HTML).status_code == 403


def test_the_commands_of_all_workflows_are_listed(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    Command.objects.create(
        workflow=make_workflow(),
        name="pause",
        status="refused",
        author="night",
        source=Source.CONSOLE,
        requested_at=NOW,
    )

    text = page(admin_client, "/audit/?tab=commands")

    assert "Refused" in text
    assert "night" in text


@pytest.mark.parametrize("address", ["/audit/", "/audit/?tab=commands"])
def test_the_audit_can_be_downloaded(
    admin_client: Client, make_workflow: MakeWorkflow, address: str
) -> None:
    changed(make_workflow())
    glue = "&" if "?" in address else "?"

    answer = admin_client.get(f"{address}{glue}format=csv")

    assert answer["Content-Type"].startswith("text/csv")
    assert b"".join(answer.streaming_content)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "address",
    ["/audit/", "/audit/?tab=commands", "/monitoring/logs/", "/monitoring/running/"],
)
def test_each_list_costs_ten_queries_at_most(
    admin_client: Client,
    make_workflow: MakeWorkflow,
    address: str,
    django_assert_max_num_queries: Any,
) -> None:
    for number in range(5):
        workflow = make_workflow(f"sample_{number}")
        changed(workflow)
        add_line(workflow, "Line.", run=add_run(workflow))

    with django_assert_max_num_queries(10):
        page(admin_client, address)


def test_nothing_running_is_said(admin_client: Client) -> None:
    assert "Nothing runs at this moment." in page(admin_client, "/monitoring/running/")


def test_a_failed_run_tells_its_error(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    failed = add_run(make_workflow(), RunStatus.FAILED, error="The file is missing.")

    text = page(admin_client, f"/workflows/sample/runs/{failed.pk}/")

    assert "The file is missing." in text
