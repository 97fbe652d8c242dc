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
