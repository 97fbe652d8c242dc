"""Every page, in two languages, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from tests.e2e import axe
from tests.e2e.conftest import OpenPage, event_address
from tests.e2e.operators import OUTSIDER, READER
from tests.live import LiveStack, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]
WIDTHS = (1280, 390)
WORKFLOW = "/workflows/rtEventsProcessing/"
PAGES = (
    "/",
    "/workflows/",
    f"{WORKFLOW}?tab=log",
    f"{WORKFLOW}?tab=tasks",
    f"{WORKFLOW}?tab=runs",
    f"{WORKFLOW}?tab=occurrences",
    f"{WORKFLOW}?tab=commands",
    f"{WORKFLOW}commands/stop/",
    f"{WORKFLOW}properties/",
    "/workflows/batchEventsProcessing/schedule/scheduler/",
    "/schedules/",
    "/schedules/heat-map/",
    "/schedules/heat-map/?days=14",
    "/schedules/heat-map/past/",
    f"{WORKFLOW}?tab=changes",
    f"{WORKFLOW}structure/",
    f"{WORKFLOW}structure/activities/route_events/",
    f"{WORKFLOW}versions/",
    f"{WORKFLOW}versions/factory/restore/",
    f"{WORKFLOW}waiting/",
    f"{WORKFLOW}why/",
    "/workflows/report/",
    "/views/workflows/",
    "/search/?q=events",
    "/help/",
    "/help/concepts/",
    "/audit/",
    "/audit/?tab=commands",
    "/monitoring/logs/",
    "/monitoring/running/",
    "/message-center/events/",
    "/message-center/events/?queue=batch",
    "/message-center/events/process-again/?event=rt-1",
    "/message-center/event-types/",
    "/message-center/event-types/EVTorderShipped/",
    "/message-center/templates/",
    "/message-center/new-template/",
    "/message-center/new-event-type/",
    "/deliveries/",
    "/deliveries/logs/",
    "/production/objects/",
    "/monitoring/",
    "/monitoring/caught-mail/",
    "/packages/",
    "/packages/mc-execution/remove/",
    "/options/",
    "/options/?changed=1",
    "/options/WORKFLOW_MIN_INTERVAL/",
    "/new-option/",
    "/external-accounts/",
    "/new-external-account/",
    "/new-external-account/routing/",
    "/new-external-account/webhook/",
    "/enumerations/",
    "/enumerations/urlCategory/",
    "/new-enumeration/",
    "/configuration/",
    "/about/",
    "/accounts/preferences/",
    "/accounts/profile/",
    "/accounts/profile/second-factor/",
    "/operators/",
    "/operators/new/",
    "/operators/1/",
    "/groups/",
    "/groups/new/",
    "/groups/rights/",
    "/groups/check/?operator=reader",
    "/groups/1/",
    "/tokens/",
    "/tokens/new/",
    "/tokens/1/",
    "/accounts/password/",
)


@pytest.fixture
def found_pages(stack: LiveStack, push: Callable[..., str]) -> list[str]:
    """Addresses of an event that was sent, its delivery and log, and its template."""
    event = push("accessible@example.com", ctx={"order_number": "A-1027"})

    def sent() -> object:
        row = stack.call("GET", f"/api/v1/events/{event}").body
        return row if row["status"] == "processed" else None

    row = wait_until(sent, seconds=15)
    template = stack.call("GET", "/api/v1/templates").body["items"][0]
    return [
        event_address(event),
        f"{event_address(event)}reveal/",
        f"/deliveries/{row['delivery']}/",
        f"/deliveries/{row['delivery']}/stop/",
        f"/deliveries/logs/{row['broadlog_id']}/reveal/",
        f"/deliveries/logs/{row['broadlog_id']}/",
        f"/message-center/templates/{template['internal_name']}/",
    ]


def faults_of(page: Page, address: str) -> Iterator[str]:
    """Yield what is wrong with a page in either theme and at either width."""
    page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    answer = page.goto(address)
    if answer is None or answer.status != 200:
        yield f"{address}: status {answer and answer.status}"
        return
    yield from (f"{address} {line}" for line in axe.faults_in_both_themes(page))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        over = page.evaluate(
            "document.documentElement.scrollWidth"
            " - document.documentElement.clientWidth"
        )
        if over > 0:
            yield f"{address}: {over} px too wide at {width}"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_pages_are_accessible_and_fit(
    open_page: OpenPage, found_pages: list[str], language: str
) -> None:
    page = open_page(locale=language, reduced_motion="reduce")

    faults = [
        fault
        for address in (*PAGES, *found_pages)
        for fault in faults_of(page, address)
    ]

    assert faults == []
    assert page.locator("html").get_attribute("lang") == language


@pytest.mark.parametrize("language", ["en", "ko"])
def test_sign_in_is_accessible_and_fits(open_page: OpenPage, language: str) -> None:
    page = open_page("", locale=language, reduced_motion="reduce")

    faults = list(faults_of(page, "/accounts/sign-in/"))

    assert faults == []


def test_pages_of_refusal_are_accessible(open_page: OpenPage) -> None:
    reader = open_page(READER, reduced_motion="reduce")
    reader.goto("/workflows/batchEventsProcessing/schedule/scheduler/")
    closed = axe.faults_in_both_themes(reader)
    outsider = open_page(OUTSIDER, reduced_motion="reduce")
    outsider.goto("/workflows/")
    refused = axe.faults_in_both_themes(outsider)
    reader.goto("/workflows/no_such_workflow/")
    missing = axe.faults_in_both_themes(reader)

    assert (closed, refused, missing) == ([], [], [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_open_menus_and_dialogs_are_accessible(
    open_page: OpenPage, scheme: str
) -> None:
    page = open_page(color_scheme=scheme)
    page.goto(WORKFLOW)
    axe.load(page)

    page.get_by_role("button", name="More commands").click()
    menu = axe.violations(page)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Stop").click()
    page.get_by_role("dialog").wait_for()
    dialog = axe.violations(page)

    assert (menu, dialog) == ([], [])
