"""Draw the pictures of the documentation from a running installation.

Every page once light, once dark and once on a phone; list and workflow page in each
language. ``docs/screenshots/README.md`` lists them.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from bench.installation import Installation, installation
from bench.load import ROOT
from tests.live import PASSWORD, LiveStack

FOLDER = ROOT / "docs" / "screenshots"
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
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LOOKS = (("light", "light", WIDE), ("dark", "dark", WIDE), ("phone", "light", PHONE))
LANGUAGES = ("en", "fr", "sv", "zh-TW", "ko")
#: These two in every language.
SPOKEN = {
    "workflow-list": "/workflows/",
    "workflow-detail": "/workflows/rtEventsProcessing/",
}
COLOURS = 192


def main() -> int:
    """Start an installation, let some events through it, and take the pictures."""
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser_path is None:
        print("The pictures need Chromium; install the package chromium.")
        return 1
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with installation() as running, sync_playwright() as playwright:
        _let_something_happen(running.stack)
        pages = _addresses(running)
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        for suffix, scheme, size in LOOKS:
            _draw(browser, running.stack.url, pages, suffix, scheme, size, "en")
        for language in LANGUAGES:
            _draw(browser, running.stack.url, SPOKEN, language, "light", WIDE, language)
        browser.close()
    _write_index(pages)
    return 0


def _addresses(running: Installation) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.addresses"],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=running.environment,
        check=True,
    )
    return dict(json.loads(done.stdout))


def _draw(
    browser: Browser,
    url: str,
    pages: dict[str, str],
    suffix: str,
    scheme: str,
    size: dict[str, int],
    language: str,
) -> None:
    context = browser.new_context(
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport=size,  # type: ignore[arg-type]
        locale=language,
        reduced_motion="reduce",
    )
    page = context.new_page()
    _sign_in(page, url)
    for name, address in pages.items():
        page.goto(url + address)
        page.wait_for_load_state("networkidle")
        _save(page.screenshot(), FOLDER / f"{name}-{suffix}.png")
    context.close()


def _save(picture: bytes, file: Path) -> None:
    """Keep a picture with few colours, a third of its size."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


def _write_index(pages: dict[str, str]) -> None:
    lines = ["# Pictures of every page", "", "`make screenshots` draws them.", ""]
    lines += ["| Page | Light | Dark | Phone |", "|---|---|---|---|"]
    for name in sorted(pages):
        looks = " | ".join(
            f"[{suffix}]({name}-{suffix}.png)" for suffix, _scheme, _size in LOOKS
        )
        lines.append(f"| {name.replace('-', ' ')} | {looks} |")
    spoken = [
        f"[{name.replace('-', ' ')}, {language}]({name}-{language}.png)"
        for name in SPOKEN
        for language in LANGUAGES
    ]
    lines += ["", "In each language: " + ", ".join(spoken) + ".", ""]
    (FOLDER / "README.md").write_text("\n".join(lines), encoding="utf-8")


def _let_something_happen(stack: LiveStack) -> None:
    """Push events, pause a workflow, and let another one fail."""
    for number in range(24):
        stack.call(
            "POST",
            "/api/v1/events/EVTorderShipped",
            {"email": f"customer-{number}@example.com", "ctx": {}},
        )
        time.sleep(0.2)
    _order(stack, "batchEventsProcessing", "pause")
    _let_fail(stack, "cleanupPausedWorkflows")
    time.sleep(6)


def _let_fail(stack: LiveStack, name: str) -> None:
    """Add an activity that asks for a file that is not there, and start at once."""
    address = f"/api/v1/workflows/{name}/structure"
    answer = stack.call("GET", address)
    graph = answer.body
    broken = {
        "name": "fetchRules",
        "type": "http",
        "label": "Fetch the rules",
        "parameters": {"url": "http://127.0.0.1:9/rules.xml"},
    }
    first = next(one for one in graph["transitions"] if one["source"] == "scheduler")
    transitions = [one for one in graph["transitions"] if one is not first]
    transitions += [
        {"source": "scheduler", "output": "ok", "destination": "fetchRules"},
        {"source": "fetchRules", "output": "ok", "destination": first["destination"]},
    ]
    body = {
        "activities": [*graph["activities"], broken],
        "transitions": transitions,
    }
    saved = stack.call("PUT", address, body, {"If-Match": f'"{graph["version"]}"'})
    if saved.status != 200:
        raise AssertionError(f"structure: {saved.status} {saved.body}")
    _order(stack, name, "wake")


def _order(stack: LiveStack, name: str, command: str) -> None:
    stack.call("POST", f"/api/v1/workflows/{name}/commands", {"command": command})


def _sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/workflows/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/workflows/")


if __name__ == "__main__":
    sys.exit(main())
