"""What an operator may not do is told, not hidden."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import OpenPage
from tests.e2e.operators import OUTSIDER, READER

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]


def test_reader_sees_buttons_that_say_why_they_are_off(open_page: OpenPage) -> None:
    page = open_page(READER)
    page.goto("/workflows/updateEventsStatus/")
    pause = page.locator("#command-pause")

    expect(pause).to_have_attribute("aria-disabled", "true")
    expect(pause).to_contain_text("workflows.operate_technical")
    pause.focus()
    page.keyboard.press("Enter")

    expect(pause).to_be_focused()
    expect(page.locator("#workflow-head h1 .chip")).not_to_have_text("Paused")


def test_reader_finds_the_schedule_closed_with_its_reason(open_page: OpenPage) -> None:
    page = open_page(READER)
    page.goto("/workflows/batchEventsProcessing/schedule/scheduler/")

    expect(page.locator("main")).to_contain_text("workflows.change_technical")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()


def test_outsider_is_told_which_right_is_missing(open_page: OpenPage) -> None:
    page = open_page(OUTSIDER)

    answer = page.goto("/workflows/")

    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("alert")).to_contain_text("workflows.view")
