"""Language and theme are the operator's own and stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, event_address
from tests.e2e.operators import TRAVELLER

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]


@pytest.fixture
def page(open_page: OpenPage) -> Iterator[Page]:
    """A page of an operator of its own, in English and the system's theme after."""
    opened = open_page(TRAVELLER, color_scheme="light")
    yield opened
    for menu, value in (("language", "en"), ("theme", "")):
        opened.goto("/workflows/")
        opened.locator(f"[popovertarget=menu-{menu}]").click()
        opened.locator(f"#menu-{menu} button[value='{value}']").click()
        opened.wait_for_load_state()


def test_korean_names_workflows_and_statuses(
    page: Page, push: Callable[..., str]
) -> None:
    event = push("korean@example.com")
    page.goto("/workflows/")
    page.get_by_role("button", name="Language").click()
    page.get_by_role("button", name="한국어").click()

    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.locator("tr[data-row]", has_text="updateEventsStatus")).to_contain_text(
        "이벤트 상태 업데이트"
    )
    page.goto(event_address(event))
    expect(page.locator("#event-state")).to_have_text("전송됨")


def test_dark_theme_stays(page: Page) -> None:
    page.goto("/workflows/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.get_by_role("button", name="Theme").click()
    page.get_by_role("button", name="Dark").click()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/monitoring/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
