"""Single keys and live refresh, as one who never touches a mouse meets them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Workflows

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]


def test_j_and_k_move_through_the_list_and_enter_opens(page: Page) -> None:
    page.goto("/workflows/")
    rows = page.locator("tr[data-row]")

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows.nth(1).locator("[data-open]")).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(0).locator("[data-open]")).to_be_focused()
    name = rows.nth(0).locator("code").inner_text()
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(f"/workflows/{name}/$"))


def test_p_pauses_and_s_resumes(page: Page, status_copy: str) -> None:
    page.goto(f"/workflows/{status_copy}/")
    chip = page.locator("#workflow-head h1 .chip")

    page.keyboard.press("p")
    expect(chip).to_have_text("Paused")
    page.keyboard.press("s")

    expect(chip).not_to_have_text("Paused")


def test_keys_are_silent_while_one_types(page: Page, status_copy: str) -> None:
    page.goto(f"/workflows/{status_copy}/")

    page.keyboard.press("/")
    page.keyboard.type("gwsp?")

    expect(page).to_have_url(re.compile(f"/workflows/{status_copy}/$"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#workflow-head h1 .chip")).not_to_have_text("Paused")


def test_question_mark_lists_the_keys(page: Page) -> None:
    page.goto("/workflows/")

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Technical workflows")
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)


def test_refresh_keeps_focus_and_selection(
    page: Page, status_copy: str, workflows: Workflows
) -> None:
    page.goto("/workflows/")
    row = page.locator("tr[data-row]", has_text=status_copy)
    row.locator("[data-select]").check()
    row.locator("[data-open]").focus()

    workflows.command(status_copy, "pause")

    expect(row.locator("[id^=state-] .chip")).to_have_text("Paused")
    expect(row.locator("[data-open]")).to_be_focused()
    expect(row.locator("[data-select]")).to_be_checked()
    expect(page.locator("[data-selection-count]")).to_have_text("1 selected")
