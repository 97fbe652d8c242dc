"""The way of a tired operator: find what failed, why, mend it, see it finish.

Once by the keyboard alone, once without JavaScript: nothing is done over the API but
the breaking.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Workflows
from tests.e2e.test_failed_workflow import AT_FAULT, MENDED, is_well, structure_with
from tests.live import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]
CONDITION = "[name='parameters.branches.0.condition']"


@pytest.fixture
def broken(batch_events: str, workflows: Workflows) -> str:
    """A workflow in error by a condition that cannot be evaluated; not mended."""
    before = workflows.get(batch_events, "structure")
    workflows.put(batch_events, "structure", structure_with(before, AT_FAULT))
    workflows.command(batch_events, "wake")
    wait_until(lambda: workflows.get(batch_events)["failed"], seconds=15)
    return batch_events


def tab_to(page: Page, name: str, role: str = "link") -> None:
    """Press Tab until the element of that role and name has the focus."""
    wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
    for _step in range(120):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab never reaches {name}")


def test_a_failed_workflow_is_repaired_by_the_keyboard_alone(
    page: Page, broken: str, workflows: Workflows
) -> None:
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("w")
    page.wait_for_url("**/workflows/")
    page.keyboard.press("/")
    page.keyboard.type("batch")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=batch**")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/workflows/{broken}/")
    expect(page.locator("#workflow-alerts")).to_contain_text(AT_FAULT)

    tab_to(page, "Edit structure")
    page.keyboard.press("Enter")
    tab_to(page, "Enough events")
    page.keyboard.press("Enter")
    page.wait_for_url("**/activities/enough/")
    page.locator(CONDITION).focus()
    page.keyboard.press("Control+a")
    page.keyboard.type(MENDED)
    tab_to(page, "Keep in the draft", "button")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/workflows/{broken}/structure/")
    page.locator("#main").focus()
    tab_to(page, "Review and save")
    page.keyboard.press("Enter")
    page.wait_for_url("**/structure/review/")
    page.locator("#main").focus()
    tab_to(page, "Save as a new version", "button")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/workflows/{broken}/")
    page.keyboard.press("s")

    wait_until(lambda: is_well(workflows, broken), seconds=15)
    expect(page.locator("#workflow-head h1 .chip")).to_have_text("Started")
    expect(page.locator("#workflow-alerts .notice-bad")).to_have_count(0)


def test_a_failed_workflow_is_repaired_without_script(
    open_page: OpenPage, broken: str, workflows: Workflows
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/workflows/")
    page.get_by_role("navigation", name="Views").get_by_text("Failed").click()
    page.get_by_role("link", name="Processing batch events").first.click()
    expect(page.locator("#workflow-alerts")).to_contain_text(AT_FAULT)

    page.get_by_role("link", name="Edit structure").first.click()
    page.get_by_role("link", name="Enough events").first.click()
    page.locator(CONDITION).fill(MENDED)
    page.get_by_role("button", name="Keep in the draft").last.click()
    page.get_by_role("link", name="Review and save").click()
    expect(page.locator(".diff")).to_contain_text(MENDED)
    page.get_by_role("button", name="Save as a new version").click()
    page.get_by_role("button", name="Start (resume)").click()

    expect(page.locator("#workflow-head h1 .chip")).not_to_have_text("Failed")
    wait_until(lambda: is_well(workflows, broken), seconds=15)
