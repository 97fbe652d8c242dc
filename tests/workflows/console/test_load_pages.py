from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.workflows.console.conftest import MakeWorkflow, add_run, add_task
from workflows import conf
from workflows.models import State, Substate, Task, Workflow

AHEAD = "/schedules/heat-map/"
PAST = "/schedules/heat-map/past/"
ALL = "/schedules/"


def plan(workflow: Workflow, **values: Any) -> Task:
    """Give a started workflow the scheduler task that waits for tomorrow at 04:00."""
    now = timezone.now()
    tomorrow = (now + timedelta(days=1)).replace(
        hour=4, minute=0, second=0, microsecond=0
    )
    at = tomorrow - timedelta(days=1) if now.hour < 4 else tomorrow
    values.setdefault("scheduled_for", at)
    return Task.objects.create(
        workflow=workflow,
        activity="scheduler",
        activity_type="scheduler",
        substate=Substate.PENDING,
        process_at=values["scheduled_for"],
        created_at=now,
        **values,
    )


@pytest.mark.parametrize("address", [AHEAD, PAST, ALL, AHEAD + "?days=14"])
def test_page_opens_with_nothing_at_all(viewer_client: Client, address: str) -> None:
    assert viewer_client.get(address).status_code == 200


@pytest.mark.parametrize("address", [AHEAD, PAST, ALL])
def test_page_needs_the_right_to_see_workflows(
    outsider_client: Client, address: str
) -> None:
    answer = outsider_client.get(address, headers={"accept": "text/html"})

    assert answer.status_code == 403


def test_heat_map_counts_what_is_planned_at_once(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    for name in ("one", "two", "three"):
        plan(make_workflow(name))

    grid = viewer_client.get(AHEAD).context["grid"]

    assert grid.busiest == 3


def test_heat_map_leaves_out_what_is_not_started(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    plan(make_workflow("one"))
    plan(make_workflow("two", state=State.PAUSED))

    assert viewer_client.get(AHEAD).context["grid"].busiest == 1


@pytest.mark.parametrize("address", [AHEAD + "?days=14", PAST, ALL])
def test_page_asks_at_most_ten_queries(
    viewer_client: Client,
    make_workflow: MakeWorkflow,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    address: str,
) -> None:
    for number in range(8):
        workflow = make_workflow(f"w{number}")
        plan(workflow)
        add_task(add_run(workflow))

    conf.option("WORKFLOW_MAX_ACTIVE")  # kept for seconds by a process at work
    with django_assert_max_num_queries(10):
        viewer_client.get(address)


def test_cell_names_the_workflows_planned_in_it(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    task = plan(make_workflow("one"))
    at = f"{task.scheduled_for:%Y-%m-%dT%H:%M:%SZ}"

    page = viewer_client.get(AHEAD, {"cell": at})

    rows = page.context["cell_rows"]
    assert [row.planned.workflow.internal_name for row in rows] == ["one"]


def test_unknown_cell_is_passed_over(viewer_client: Client) -> None:
    page = viewer_client.get(AHEAD, {"cell": "yesterday", "days": "999"})

    assert page.status_code == 200
    assert page.context["days"] == 1


def test_crowded_workflow_is_offered_a_quieter_time(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    for name in ("one", "two", "three"):
        plan(make_workflow(name))

    page = supervisor_client.get(AHEAD)

    assert "/workflows/one/schedule/scheduler/?shift=1" in page.content.decode()


def test_reader_sees_why_the_change_is_not_offered(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    for name in ("one", "two", "three"):
        plan(make_workflow(name))

    page = viewer_client.get(AHEAD).content.decode()

    assert "?shift=" not in page
    assert "workflows.change_technical" in page


def test_past_day_lists_runs_of_a_cell_with_links(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    run = add_run(make_workflow("one"))
    add_task(run)

    page = viewer_client.get(
        PAST, {"day": "2026-11-22", "cell": "2026-11-22T09:55:00Z"}
    )

    assert page.context["grid"].busiest == 1
    text = page.content.decode()
    assert f"/workflows/one/?tab=log&amp;run={run.pk}" in text
    assert "work" in text


def test_past_day_that_is_to_come_shows_today(viewer_client: Client) -> None:
    page = viewer_client.get(PAST, {"day": "2999-01-01"})

    assert page.context["day"] == timezone.localdate()


def test_past_day_without_a_match_says_so(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    add_run(make_workflow("one"))

    page = viewer_client.get(PAST, {"day": "2026-11-22", "q": "two"}).content.decode()

    assert "No run of this day matches." in page


def test_schedules_show_what_is_at_rest_too(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    plan(make_workflow("one"))
    make_workflow("two", state=State.PAUSED)

    rows = viewer_client.get(ALL).context["rows"]

    assert {row.workflow.internal_name: row.is_planned for row in rows} == {
        "one": True,
        "two": False,
    }


def test_schedules_are_filtered_by_text_and_package(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    plan(make_workflow("one"))
    plan(make_workflow("two", package="other"))

    by_text = viewer_client.get(ALL, {"q": "on"}).context
    by_package = viewer_client.get(ALL, {"package": "other"}).context

    assert [row.workflow.internal_name for row in by_text["rows"]] == ["one"]
    assert [row.workflow.internal_name for row in by_package["rows"]] == ["two"]
    assert by_package["grid"].busiest == 1
