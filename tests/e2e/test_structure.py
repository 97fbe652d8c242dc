"""The structure editor in a real browser: by keyboard in the drawing, and as forms."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import axe
from tests.e2e.conftest import OpenPage, Workflows

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]
NAME = "batchEventsProcessing"
STRUCTURE = f"/workflows/{NAME}/structure/"
KILOBYTE = 1024


@pytest.fixture
def structure(batch_events: str) -> str:
    """The address of a structure that is as before afterwards."""
    return STRUCTURE


def discard(page: Page) -> None:
    """Throw the draft away."""
    page.goto(STRUCTURE)
    button = page.get_by_role("button", name="Throw the draft away")
    if button.count():
        button.click()
        page.wait_for_load_state()


def open_drawing(page: Page, address: str) -> None:
    """Open the drawing and wait until it is drawn."""
    page.goto(f"{address}drawing/")
    page.locator("#editor[data-ready=yes]").wait_for()


def test_an_activity_is_added_and_saved_by_keyboard(
    page: Page, structure: str, workflows: Workflows
) -> None:
    discard(page)
    open_drawing(page, structure)
    page.locator("[data-activity=route_events]").focus()

    page.keyboard.press("a")
    page.locator("#add-type").select_option("wait")
    page.locator("#add-form button[value=ok]").press("Enter")
    expect(page.locator("#editor-foot")).to_contain_text("Kept in the draft")
    page.locator("[data-activity=Wait]").focus()
    page.keyboard.press("Enter")
    field = page.locator("#panel input[name='parameters.duration']")
    field.fill("5s")
    with page.expect_response("**/structure/activities/Wait/"):
        field.press("Enter")
    expect(field).to_have_value("5s")
    page.locator("[data-activity=Wait]").focus()
    page.keyboard.press("c")
    page.locator("#connect-target").select_option("end")
    page.locator("#connect-form button[value=ok]").press("Enter")
    expect(page.locator("#editor-foot")).to_contain_text("Connected")
    page.locator("[data-save]").press("Enter")
    page.get_by_role("button", name="Save as a new version").press("Enter")

    page.wait_for_url(f"**/workflows/{NAME}/")
    saved = workflows.get(NAME, "structure")
    assert [one["type"] for one in saved["activities"] if one["name"] == "Wait"] == [
        "wait"
    ]


def test_undo_and_delete_by_keyboard(page: Page, structure: str) -> None:
    discard(page)
    open_drawing(page, structure)
    page.locator("[data-activity=end]").focus()

    page.keyboard.press("Delete")
    expect(page.locator("[data-activity=end]")).to_have_count(0)
    page.keyboard.press("Control+z")

    expect(page.locator("[data-activity=end]")).to_have_count(1)
    discard(page)


def test_arrows_move_an_activity(page: Page, structure: str) -> None:
    discard(page)
    open_drawing(page, structure)
    page.locator("[data-activity=end]").focus()

    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#editor-foot")).to_contain_text("Kept in the draft")

    places = page.evaluate(
        "fetch(document.getElementById('editor').dataset.draft).then(a => a.json())"
    )["graph"]["activities"]
    end = next(one for one in places if one["name"] == "end")
    assert end["position"]["x"] > 0
    discard(page)


def test_the_same_without_script(
    open_page: OpenPage, structure: str, workflows: Workflows
) -> None:
    discard(open_page())
    page = open_page(java_script_enabled=False)
    page.goto(structure)

    page.locator("#add-type").select_option("wait")
    page.locator("#add-label").fill("Rest")
    page.locator("#add-after").select_option("route_events ok")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("input[name='parameters.duration']").fill("5s")
    page.get_by_role("button", name="Keep in the draft").click()
    page.get_by_role("link", name="Review and save").click()
    page.get_by_role("button", name="Save as a new version").click()

    saved = workflows.get(NAME, "structure")
    ways = [(one["source"], one["destination"]) for one in saved["transitions"]]
    assert ("route_events", "Rest") in ways
    assert ("Rest", "end") in ways


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_drawing_is_accessible(
    open_page: OpenPage, structure: str, scheme: str
) -> None:
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    open_drawing(page, structure)
    axe.load(page)

    assert axe.violations(page) == []


def test_the_drawing_stays_in_its_budget(open_page: OpenPage, structure: str) -> None:
    page = open_page()
    open_drawing(page, structure)
    page.wait_for_load_state("networkidle")

    transferred = page.evaluate(
        "() => [...performance.getEntriesByType('navigation'),"
        " ...performance.getEntriesByType('resource')]"
        ".reduce((sum, entry) => sum + entry.transferSize, 0)"
    )

    assert 0 < transferred < 350 * KILOBYTE
