"""Draw the pictures of the documentation from a running installation."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.live import PASSWORD, LiveStack, live_stack

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
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
PICTURES = {
    "workflows": "/workflows/",
    "workflow": "/workflows/rtEventsProcessing/",
    "schedule": "/workflows/batchEventsProcessing/schedule/",
    "events": "/message-center/events/",
    "supervision": "/monitoring/",
}


def main() -> int:
    """Start an installation, let some events through it, and take the pictures."""
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser_path is None:
        print("The pictures need Chromium; install the package chromium.")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with live_stack() as stack, sync_playwright() as playwright:
        _let_events_through(stack)
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        for scheme in ("light", "dark"):
            context = browser.new_context(
                color_scheme=scheme, viewport={"width": 1280, "height": 800}
            )
            page = context.new_page()
            _sign_in(page, stack.url)
            for name, address in PICTURES.items():
                page.goto(stack.url + address)
                page.screenshot(path=FOLDER / f"{name}-{scheme}.png")
            context.close()
        browser.close()
    return 0


def _let_events_through(stack: LiveStack) -> None:
    for number in range(12):
        stack.call(
            "POST",
            "/api/v1/events/EVTorderShipped",
            {"email": f"customer-{number}@example.com", "ctx": {}},
        )
        time.sleep(0.3)
    stack.call(
        "POST", "/api/v1/workflows/batchEventsProcessing/commands", {"command": "pause"}
    )
    time.sleep(3)


def _sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/workflows/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/workflows/")


if __name__ == "__main__":
    sys.exit(main())
