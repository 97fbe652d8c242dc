"""The main job: what an administrator pauses stays until it is resumed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Workflows, event_address
from tests.live import LiveStack, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]


def is_mailed(stack: LiveStack, address: str) -> bool:
    return any(address.encode() in message for message in stack.messages())


def test_status_stays_while_its_workflow_is_paused_and_follows_the_resume(
    page: Page, stack: LiveStack, push: Callable[..., str], status_copy: str
) -> None:
    page.goto(f"/workflows/{status_copy}/")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#workflow-head h1 .chip")).to_have_text("Paused")

    event = push("paused-status@example.com")
    wait_until(lambda: is_mailed(stack, "paused-status@example.com"), seconds=10)
    page.goto(event_address(event))
    expect(page.locator("#event-state")).to_have_text("Pending delivery")
    page.wait_for_timeout(2_500)  # a refresh later it is still so
    expect(page.locator("#event-state")).to_have_text("Pending delivery")

    other = page.context.new_page()
    other.goto(f"/workflows/{status_copy}/")
    other.get_by_role("button", name="Start (resume)").click()
    expect(other.locator("#workflow-head h1 .chip")).not_to_have_text("Paused")
    page.bring_to_front()
    expect(page.locator("#event-state")).to_have_text("Sent")


def test_ledger_shows_orders_with_author_reason_and_outcome(
    page: Page, status_copy: str
) -> None:
    page.goto(f"/workflows/{status_copy}/")
    chip = page.locator("#workflow-head h1 .chip")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(chip).to_have_text("Paused")
    page.get_by_role("button", name="Start (resume)").click()
    expect(chip).not_to_have_text("Paused")
    page.get_by_role("link", name="Stop").click()
    page.get_by_label("Reason").fill("Moved to another host")
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(chip).to_have_text("Finished")

    page.get_by_role("navigation", name="History").get_by_text("Commands").click()

    rows = page.locator("#workflow-rows tbody").first.locator("tr")
    expect(rows.nth(0)).to_contain_text("Stop")
    expect(rows.nth(0)).to_contain_text("Moved to another host")
    expect(rows.nth(1)).to_contain_text("Start")
    expect(rows.nth(2)).to_contain_text("Pause")
    expect(rows.nth(2)).to_contain_text("Started → Paused")
    expect(rows.nth(2)).to_contain_text("admin")
    expect(rows.nth(2)).to_contain_text("Applied")


def test_stop_asks_first_and_escape_gives_the_focus_back(
    page: Page, status_copy: str
) -> None:
    page.goto(f"/workflows/{status_copy}/")
    stop = page.get_by_role("link", name="Stop")

    stop.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")

    expect(dialog).to_have_count(0)
    expect(stop).to_be_focused()
    expect(page.locator("#workflow-head h1 .chip")).not_to_have_text("Finished")


def test_command_for_a_state_that_passed_is_refused_with_words(
    page: Page, status_copy: str, workflows: Workflows
) -> None:
    page.goto(f"/workflows/{status_copy}/")
    page.get_by_role("button", name="Pause the live refresh").first.click()
    workflows.command(status_copy, "stop")

    page.get_by_role("button", name="Pause", exact=True).click()

    expect(page.locator("#toasts .toast-bad")).to_contain_text("was refused")
