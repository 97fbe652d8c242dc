"""The workflow pages in a real browser: reach, looks and keys."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from campaign.access.models import Operator
from tests.workflows.console.conftest import NOW, MakeWorkflow, add_run, add_task
from workflows.models import JournalEntry, State, Substate, Task, Workflow

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

AXE = Path(settings.BASE_DIR) / "tests" / "vendor" / "axe-core-4.14.1" / "axe.min.js"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PASSWORD = "a long enough password"
PAGES = (
    "/workflows/",
    "/workflows/broken/",
    "/workflows/sample/?tab=tasks",
    "/workflows/sample/?tab=runs",
    "/workflows/sample/?tab=commands",
    "/workflows/sample/schedule/scheduler/",
    "/workflows/sample/properties/",
    "/workflows/sample/commands/stop/",
    "/workflows/sample/commands/pause/",
    "/workflows/sample/commands/restart_task/",
    "/workflows/sample/commands/cancel_task/",
    "/workflows/freeze/",
    "/accounts/profile/",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return the system's Chromium, or skip with the reason."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        reason = "no chromium on PATH: browser tests need the package chromium"
        if os.environ.get("CAMPAIGN_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    # Playwright keeps an event loop in this thread; the ORM is still used plainly.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def past(make_workflow: MakeWorkflow, failed_workflow: Workflow) -> Workflow:
    """Return a workflow with a past, beside one that failed."""
    workflow = make_workflow("sample")
    Task.objects.create(
        workflow=workflow,
        activity="scheduler",
        activity_type="scheduler",
        substate=Substate.PENDING,
        created_at=NOW,
        scheduled_for=NOW + timedelta(days=36500),
        process_at=NOW + timedelta(days=36500),
    )
    for number in range(3):
        run = add_run(workflow)
        add_task(run, record_count=574 + number, result_label="Ok")
        JournalEntry.objects.create(
            workflow=workflow, run=run, activity="work", message="Done.", at=NOW
        )
    return workflow


def _signed_in(
    browser: Browser, live_server: LiveServer, **options: object
) -> tuple[BrowserContext, Page, list[str]]:
    if not Operator.objects.filter(username="boss").exists():
        Operator.objects.create_superuser("boss", password=PASSWORD)
    context = browser.new_context(**options)  # type: ignore[arg-type]
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{live_server.url}/accounts/sign-in/?next=/workflows/")
    page.fill("[name=username]", "boss")
    page.fill("[name=password]", PASSWORD)
    page.click("button.btn-primary")
    page.wait_for_url("**/workflows/")
    return context, page, faults


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_pages_are_accessible_and_whole(
    theme: str,
    language: str,
    browser: Browser,
    live_server: LiveServer,
    past: Workflow,
) -> None:
    context, page, faults = _signed_in(
        browser,
        live_server,
        color_scheme=theme,
        locale=language,
        viewport={"width": 1280, "height": 800},
    )
    found: dict[str, object] = {}

    for address in PAGES:
        page.goto(live_server.url + address)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        result = page.evaluate(f"axe.run({{runOnly: {RULES}}})")
        if result["violations"]:
            found[address] = [
                (v["id"], v["nodes"][0]["target"]) for v in result["violations"]
            ]
        page.set_viewport_size({"width": 390, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        if wide:
            found[f"{address} at 390 px"] = "scrolls sideways"
        page.set_viewport_size({"width": 1280, "height": 800})

    context.close()
    assert (found, faults) == ({}, [])


def test_pause_and_start_in_the_list_keep_the_focus(
    browser: Browser, live_server: LiveServer, past: Workflow
) -> None:
    context, page, faults = _signed_in(browser, live_server)
    row = page.locator("tr[data-row=sample]")
    button = row.locator("td.actions button").first

    button.click()
    page.wait_for_selector("tr[data-row=sample] .chip:has-text('Paused')")
    past.refresh_from_db()
    focused = page.evaluate("document.activeElement.id")

    assert past.state == State.PAUSED
    assert focused == f"main-{past.pk}"
    assert faults == []
    context.close()


def test_stop_asks_in_a_dialog_and_harmless_choice_has_focus(
    browser: Browser, live_server: LiveServer, past: Workflow
) -> None:
    context, page, _faults = _signed_in(browser, live_server)
    page.goto(f"{live_server.url}/workflows/sample/")

    page.click("#command-stop")
    page.wait_for_selector("dialog[open]")
    focused = page.evaluate("document.activeElement.textContent.trim()")
    page.click("dialog[open] .btn-primary")
    page.wait_for_selector("#workflow-head .chip:has-text('Finished')")

    past.refresh_from_db()
    assert focused == "Cancel"
    assert past.state == State.FINISHED
    context.close()


def test_failed_workflow_is_reached_by_keys(
    browser: Browser, live_server: LiveServer, past: Workflow
) -> None:
    context, page, _faults = _signed_in(browser, live_server)

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/workflows/broken/")
    page.keyboard.press("?")
    page.wait_for_selector("dialog#keys[open]")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("w")
    page.wait_for_url("**/workflows/")

    context.close()


def test_schedule_preview_follows_typing(
    browser: Browser, live_server: LiveServer, past: Workflow
) -> None:
    context, page, faults = _signed_in(browser, live_server)
    page.goto(f"{live_server.url}/workflows/sample/schedule/")

    page.fill("[name=times]", "05:45")
    page.wait_for_selector("#schedule-preview :text('Every day at 05:45')")
    page.click("button[value=save]")
    page.wait_for_url("**/workflows/sample/")

    assert "no run was triggered" in page.inner_text("#toasts")
    assert faults == []
    context.close()


def test_everything_works_without_script(
    browser: Browser, live_server: LiveServer, past: Workflow
) -> None:
    context, page, _faults = _signed_in(browser, live_server, java_script_enabled=False)

    page.check("input[value=sample]")
    page.click("[data-selection] button[value=pause]")
    page.wait_for_selector("h1:has-text('Pause')")
    page.goto(f"{live_server.url}/workflows/sample/")
    page.click("#command-start")
    page.wait_for_selector("#workflow-head .chip:has-text('Started')")

    past.refresh_from_db()
    assert past.state == State.STARTED
    context.close()


def test_dialog_rehearses_what_is_chosen_in_it(
    browser: Browser, live_server: LiveServer, past: Workflow
) -> None:
    context, page, faults = _signed_in(browser, live_server)
    page.goto(f"{live_server.url}/workflows/sample/")

    page.click("#more-commands")
    page.click("#menu-commands a:has-text('Pause until')")
    page.wait_for_selector("dialog[open] #effects li")
    page.fill("dialog [name=until]", "2099-01-05T10:00")
    page.dispatch_event("dialog [name=until]", "change")
    page.wait_for_selector("dialog #effects:has-text('It resumes by itself')")
    page.fill("dialog [name=reason]", "relay under repair")
    page.click("dialog[open] form[data-command] button.btn-primary")
    page.wait_for_selector("#workflow-head .chip:has-text('Paused')")

    past.refresh_from_db()
    context.close()
    assert past.pause_comment == "relay under repair"
    assert past.resume_at is not None
    assert faults == []
