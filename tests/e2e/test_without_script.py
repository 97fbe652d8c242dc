"""Every form works where scripts do not run."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Workflows

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page(java_script_enabled=False)


def test_stop_is_confirmed_on_a_page_of_its_own(
    page: Page, status_copy: str, workflows: Workflows
) -> None:
    page.goto(f"/workflows/{status_copy}/")

    page.get_by_role("link", name="Stop").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Stop")
    page.get_by_role("button", name="Stop").click()

    expect(page.locator("#workflow-head h1 .chip")).to_have_text("Finished")
    assert workflows.get(status_copy)["state"] == "finished"


def test_schedule_is_previewed_and_saved(
    page: Page, batch_events: str, workflows: Workflows
) -> None:
    page.goto(f"/workflows/{batch_events}/schedule/scheduler/")
    page.get_by_label("Daily", exact=True).check()
    page.locator("input[name=times]").fill("03:45")

    page.get_by_role("button", name="Update").click()
    expect(page.locator("#schedule-preview")).to_contain_text("03:45")
    page.get_by_role("button", name="Save").click()

    expect(page.locator("#toasts")).to_contain_text("no run was triggered")
    assert workflows.get(batch_events, "schedule")["kind"] == "daily"


def test_list_is_filtered(page: Page) -> None:
    page.goto("/workflows/")

    page.locator("[data-search]").fill("status")
    page.get_by_role("button", name="Filter").click()

    expect(page.locator("tr[data-row]")).to_have_count(1)
    expect(page.locator("tr[data-row]")).to_contain_text("updateEventsStatus")
