"""A running installation, a real browser, and operators signed in to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.e2e import operators
from tests.live import BASE_DIR, PASSWORD, LiveStack, live_stack, wait_until

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PASSWORDS = {"admin": PASSWORD} | dict.fromkeys(operators.CAST, operators.PASSWORD)
WAIT_MS = 15_000
# A refusal that a test brings about is told by the browser as a failed resource.
REFUSAL = "the server responded with a status of 4"
OpenPage = Callable[..., Page]
expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Where Chromium is; skips without, or fails where it is required."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is not None:
        return found
    reason = f"Browser tests need Chromium: none of {', '.join(PROGRAMS)} is on PATH."
    if os.environ.get("CAMPAIGN_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def stack(browser_path: str) -> Iterator[LiveStack]:
    """An installation with sample data and the whole cast."""
    with live_stack() as started:
        subprocess.run(
            [sys.executable, "-m", "tests.e2e.operators"],
            cwd=BASE_DIR,
            env={
                "PATH": os.environ["PATH"],
                "CAMPAIGN_VAR": str(started.var),
                "DJANGO_SETTINGS_MODULE": "campaign.settings",
                "SECRET_KEY": (started.var / "secret_key").read_text().strip(),
                "CAMPAIGN_SECRETS_KEY": (started.var / "secrets_key")
                .read_text()
                .strip(),
            },
            check=True,
            timeout=60,
        )
        yield started


# Once per module: while Playwright is up, an event loop runs in this thread, and
# Django refuses the database to tests of other modules.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright, browser_path: str) -> Iterator[Browser]:
    """A browser with a profile of its own, thrown away after."""
    started = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
    yield started
    started.close()


@pytest.fixture(scope="session")
def sessions() -> dict[str, Any]:
    """The cookies of operators that signed in already, by name."""
    return {}


@pytest.fixture
def open_page(
    browser: Browser,
    stack: LiveStack,
    sessions: dict[str, Any],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Iterator[OpenPage]:
    """Open a page as an operator ("" for nobody), in a browser context of its own.

    A test fails when one of its pages meets an error of script, policy or server.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and REFUSAL not in message.text:
            errors.append(f"{message.location.get('url')}: {message.text}")

    def open_one(operator: str = "admin", **options: Any) -> Page:
        if operator and operator not in sessions:
            sessions[operator] = signed_in(browser, stack, operator)
        context = browser.new_context(
            base_url=stack.url,
            storage_state=sessions.get(operator),
            viewport={"width": 1280, "height": 800},
            **options,
        )
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    failed_before = request.session.testsfailed
    yield open_one
    for number, context in enumerate(contexts):
        for page in (
            context.pages if request.session.testsfailed > failed_before else ()
        ):
            page.screenshot(path=tmp_path / f"failure-{number}.png", full_page=True)
        context.close()
    assert errors == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page of the administrator."""
    return open_page()


def sign_in(page: Page, operator: str) -> None:
    """Fill in the form of sign-in and send it."""
    page.goto("/accounts/sign-in/")
    page.get_by_label("User name").or_(page.get_by_label("Username")).fill(operator)
    page.locator("input[name=password]").fill(PASSWORDS[operator])
    page.locator("input[name=password]").press("Enter")


def signed_in(browser: Browser, stack: LiveStack, operator: str) -> Any:
    """Sign an operator in; return the cookies of the session."""
    context = browser.new_context(base_url=stack.url)
    page = context.new_page()
    sign_in(page, operator)
    page.wait_for_url(f"{stack.url}/")
    state = context.storage_state()
    context.close()
    return state


class Workflows:
    """Workflows of the installation, steered over the API beside the browser."""

    def __init__(self, stack: LiveStack) -> None:
        self.stack = stack

    def get(self, name: str, part: str = "") -> Any:
        """Return what the API tells of a workflow."""
        path = f"/api/v1/workflows/{name}{f'/{part}' if part else ''}"
        answer = self.stack.call("GET", path)
        assert answer.status == 200, answer.body
        return answer.body

    def command(self, name: str, command: str, reason: str = "") -> None:
        """Give an order; it has taken effect on return."""
        answer = self.stack.call(
            "POST",
            f"/api/v1/workflows/{name}/commands",
            {"command": command, "reason": reason},
        )
        assert answer.status < 300, answer.body

    def put(self, name: str, part: str, body: Any) -> int:
        """Store a schedule or structure over the present one; return its version."""
        version = self.get(name, part)["version"]
        answer = self.stack.call(
            "PUT",
            f"/api/v1/workflows/{name}/{part}",
            body,
            {"If-Match": f'"{version}"'},
        )
        assert answer.status == 200, answer.body
        return int(answer.body["version"])

    def start_afresh(self, name: str) -> None:
        """Bring a workflow back to Started, whatever a test left behind."""
        now = self.get(name)
        if now["failed"] or now["state"] not in {"started", "finished"}:
            self.command(name, "kill")
        self.command(name, "start")
        wait_until(lambda: self.get(name)["state"] == "started", seconds=15)


@pytest.fixture
def workflows(stack: LiveStack) -> Workflows:
    return Workflows(stack)


@pytest.fixture
def push(stack: LiveStack) -> Callable[..., str]:
    """Push an event of a type of the sample; return its id."""

    def push_one(email: str, *, type: str = "EVTorderShipped", **more: Any) -> str:
        answer = stack.call(
            "POST",
            f"/api/v1/events/{type}",
            {"email": email, "ctx": {}, **more},
        )
        assert answer.status == 202, answer.body
        return str(answer.body["id"])

    return push_one


def event_address(event_id: str) -> str:
    """Return the address of an event's page."""
    return f"/message-center/events/{event_id.replace('-', '/', 1)}/"


def restored(name: str) -> Any:
    """Return a fixture that restores a workflow's schedule, structure and state."""

    @pytest.fixture
    def restore(workflows: Workflows) -> Iterator[str]:
        before = workflows.get(name, "structure")
        yield name
        present = workflows.get(name, "structure")
        parts = ("activities", "transitions")
        workflows.start_afresh(name)
        if any(before[part] != present[part] for part in parts):
            workflows.put(name, "structure", {part: before[part] for part in parts})

    return restore


status_copy = restored("updateEventsStatus")
batch_events = restored("batchEventsProcessing")
