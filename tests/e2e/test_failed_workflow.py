"""A workflow in error is mended, then resumed."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import axe
from tests.e2e.conftest import OpenPage, Workflows
from tests.live import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]
AT_FAULT = "vars.scheduledFor / 2 > 10"
OPEN = {"queued", "running", "deferred", "failed"}
MENDED = "vars.waiting is undefined or vars.waiting > 20"


def structure_with(before: Any, condition: str) -> dict[str, Any]:
    """Return a structure whose work depends on a condition."""
    activities = copy.deepcopy(before["activities"])
    branch = {"name": "many", "label": "Many", "condition": condition}
    activities.insert(
        1,
        {
            "name": "enough",
            "type": "test",
            "label": "Enough events",
            "parameters": {"branches": [branch], "use_default": True},
        },
    )
    ways = (
        ("scheduler", "ok", "enough"),
        ("enough", "many", "route_events"),
        ("enough", "default", "end"),
        ("route_events", "ok", "end"),
    )
    transitions = [
        {"source": source, "output": output, "destination": destination}
        for source, output, destination in ways
    ]
    return {"activities": activities, "transitions": transitions}


@pytest.fixture
def failed(batch_events: str, workflows: Workflows) -> str:
    """A workflow in error by a condition that cannot be evaluated; mended after."""
    before = workflows.get(batch_events, "structure")
    workflows.put(batch_events, "structure", structure_with(before, AT_FAULT))
    workflows.command(batch_events, "wake")
    wait_until(lambda: workflows.get(batch_events)["failed"], seconds=15)
    workflows.put(batch_events, "structure", structure_with(before, MENDED))
    return batch_events


def is_well(workflows: Workflows, name: str) -> bool:
    """Return whether it goes on and none of its runs is open or failed."""
    now = workflows.get(name)
    runs = workflows.get(name, "runs")["items"]
    is_started = now["state"] == "started" and not now["failed"]
    return is_started and OPEN.isdisjoint(run["status"] for run in runs)


def test_failed_workflow_tells_its_cause_and_resumes_once_mended(
    page: Page, failed: str, workflows: Workflows
) -> None:
    page.goto(f"/workflows/{failed}/")
    expect(page.locator("#workflow-head h1 .chip")).to_have_text("Failed")
    expect(page.locator("#workflow-alerts")).to_contain_text(AT_FAULT)

    page.get_by_role("button", name="Start (resume)").click()

    expect(page.locator("#workflow-head h1 .chip")).to_have_text("Started")
    wait_until(lambda: is_well(workflows, failed), seconds=15)
    expect(page.locator("#workflow-alerts .notice-bad")).to_have_count(0)


def test_failed_workflow_is_found_opened_and_started_without_script(
    open_page: OpenPage, failed: str, workflows: Workflows
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/workflows/")

    page.get_by_role("navigation", name="Views").get_by_text("Failed").click()
    page.get_by_role("link", name="Processing batch events").first.click()
    page.get_by_role("button", name="Start (resume)").click()

    expect(page.locator("#workflow-head h1 .chip")).not_to_have_text("Failed")
    wait_until(lambda: is_well(workflows, failed), seconds=15)


def test_failed_workflow_is_found_opened_and_started_by_keys(
    page: Page, failed: str, workflows: Workflows
) -> None:
    page.goto("/monitoring/")

    page.keyboard.press("g")
    page.keyboard.press("w")
    page.wait_for_url("**/workflows/")
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type("batch")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=batch**")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/workflows/{failed}/")
    page.keyboard.press("s")

    expect(page.locator("#workflow-head h1 .chip")).to_have_text("Started")
    wait_until(lambda: is_well(workflows, failed), seconds=15)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_failure_is_told_accessibly(
    open_page: OpenPage, failed: str, language: str
) -> None:
    page = open_page(locale=language, reduced_motion="reduce")

    page.goto("/workflows/?state=failed")
    listed = axe.faults_in_both_themes(page)
    page.goto(f"/workflows/{failed}/?tab=tasks")
    told = axe.faults_in_both_themes(page)
    page.goto("/monitoring/")
    supervised = axe.faults_in_both_themes(page)

    assert (listed, told, supervised) == ([], [], [])
