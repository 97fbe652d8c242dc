"""Events, their messages and templates in the console."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import event_address

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]


def test_event_is_found_by_its_recipient_and_opened(
    page: Page, push: Callable[..., str]
) -> None:
    push("found@example.com", ctx={"order_number": "A-1027"})
    push("somebody-else@example.com")
    page.goto("/message-center/events/")

    page.locator("[data-search]").fill("found@example.com")
    page.locator("[data-search]").press("Enter")
    rows = page.locator("tr[data-row]")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("found@example.com")
    rows.first.locator("[data-open]").click()

    expect(page.locator("#event-facts")).to_contain_text("f•••@example.com")
    expect(page.locator("main")).to_contain_text("A-1027")


def test_event_page_follows_the_way_to_sent(
    page: Page, push: Callable[..., str]
) -> None:
    page.goto(event_address(push("followed@example.com")))

    expect(page.locator("#event-state")).to_have_text("Sent")

    steps = page.locator("#event-steps")
    steps.get_by_role("link").last.click()
    expect(page.locator("main")).to_contain_text("f•••@example.com")

    page.get_by_role("link", name="Reveal").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("the customer asked")
    dialog.get_by_role("button", name="Reveal").click()
    expect(page.locator("main")).to_contain_text("followed@example.com")


def test_caught_mail_shows_the_message_that_was_sent(
    page: Page, push: Callable[..., str]
) -> None:
    push("caught@example.com")
    page.goto("/monitoring/caught-mail/")
    row = page.locator("tr[data-row]", has_text="caught@example.com")
    expect(row).to_have_count(1)

    row.locator("[data-open]").click()

    expect(page.locator("main")).to_contain_text("To caught@example.com")
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("Example Shop")


def test_template_is_drafted_previewed_and_published(
    page: Page, push: Callable[..., str]
) -> None:
    page.goto("/message-center/templates/")
    page.get_by_role("link", name="Account created").first.click()

    page.get_by_label("Subject").fill("Under way: {{ event.type }}")
    page.get_by_role("button", name="Preview").click()
    frame = page.frame_locator("iframe[name=preview]")
    expect(frame.locator("table.headers")).to_contain_text(
        "Under way: EVTaccountCreated"
    )
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("The draft differs")
    page.get_by_role("button", name="Publish the changes").click()

    expect(page.locator("main")).not_to_contain_text("The draft differs")
    push("new-version@example.com", type="EVTaccountCreated")
    page.goto("/monitoring/caught-mail/")
    row = page.locator("tr[data-row]", has_text="new-version@example.com")
    expect(row).to_contain_text("Under way: EVTaccountCreated")


def test_event_of_the_list_is_chosen_and_the_refusal_tells_why(
    page: Page, push: Callable[..., str]
) -> None:
    page.goto(event_address(push("again@example.com")))
    expect(page.locator("#event-state")).to_have_text("Sent")
    page.goto("/message-center/events/?q=again@example.com")

    page.locator("[data-select]").first.check()
    page.get_by_role("button", name="Process again").click()

    expect(page.locator("main")).to_contain_text("its message was sent")
    expect(page.locator("main").get_by_role("button", name="Process")).to_be_disabled()


def test_delivery_is_paused_and_resumed(page: Page, push: Callable[..., str]) -> None:
    page.goto(event_address(push("steered@example.com")))
    expect(page.locator("#event-state")).to_have_text("Sent")
    page.locator("#event-steps").get_by_role("link", name="Delivery").first.click()

    page.get_by_role("link", name="Pause…").click()
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.locator("#delivery-state")).to_have_text("Paused")
    waiting = push("held@example.com")
    page.get_by_role("link", name="Resume…").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    expect(page.locator("#delivery-state")).to_have_text("In progress")

    page.goto(event_address(waiting))
    expect(page.locator("#event-state")).to_have_text("Sent")
