"""Accessibility rules of axe-core, applied to a page in the browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

SCRIPT = (
    Path(__file__).resolve().parent.parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
).read_text(encoding="utf-8")
#: Web Content Accessibility Guidelines 2.0 to 2.2, levels A and AA.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
#: What another theme can change: everything else is the same document.
OF_COLOUR = ["color-contrast", "link-in-text-block"]
_RUN = "only => axe.run(document, {runOnly: only, resultTypes: ['violations']})"


def faults_in_both_themes(page: Page) -> list[str]:
    """Return what breaks the guidelines, light or dark, on a page still as loaded.

    The page has to be opened with reduced motion: colours change at once then.
    """
    page.emulate_media(color_scheme="light")
    load(page)
    light = [f"light: {line}" for line in violations(page)]
    page.emulate_media(color_scheme="dark")
    return light + [f"dark: {line}" for line in violations_of_colour(page)]


def load(page: Page) -> None:
    """Bring the rules into the page; it knows them until it is left."""
    page.evaluate(SCRIPT)


def violations(page: Page) -> list[str]:
    """Return what breaks the guidelines, a line for each rule."""
    return _run(page, {"type": "tag", "values": TAGS})


def violations_of_colour(page: Page) -> list[str]:
    """Return what breaks the guidelines by its colours alone."""
    return _run(page, {"type": "rule", "values": OF_COLOUR})


def _run(page: Page, only: dict[str, object]) -> list[str]:
    found = page.evaluate(_RUN, only)["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): "
        + "; ".join(str(node["target"]) for node in rule["nodes"])
        for rule in found
    ]
