"""The documentation in the console: each page knows the chapter that explains it.

Packages say which chapter is theirs::

    help.register("deliveries:", "events")          # every page of that name space
    help.register("deliveries:log_list", "events", "what-became-of-a-message")
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.token import Token

from workflows.exceptions import NotFound

#: Chapters of developers alone are not offered.
LEFT_OUT = frozenset({"measurements", "performance"})
FIRST = "concepts"
_SLUG = re.compile(r"[^\w]+")
_NAME = re.compile(r"^[a-z][a-z0-9-]*$")
_chapters: dict[str, tuple[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Chapter:
    """A document by its name, with its title and its headings."""

    name: str
    title: str
    headings: tuple[tuple[str, str], ...]
    html: SafeString
    text: str

    @property
    def url(self) -> str:
        """Return the address of the chapter in the console."""
        return reverse("workflows:help_chapter", args=[self.name])


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading under which words were found."""

    chapter: Chapter
    heading: str
    url: str


def register(view: str, chapter: str, anchor: str = "") -> None:
    """Say which chapter explains a page, or all pages of a name space ("app:")."""
    _chapters[view] = (chapter, anchor)


def url_of(request: HttpRequest) -> str:
    """Return the address of the help for the page that is shown. No SQL."""
    match = request.resolver_match
    view = match.view_name if match else ""
    space = f"{view.partition(':')[0]}:"
    name, anchor = _chapters.get(view) or _chapters.get(space) or (FIRST, "")
    address = reverse("workflows:help_chapter", args=[name])
    return f"{address}#{anchor}" if anchor else address


def chapters() -> list[Chapter]:
    """Return every chapter by title."""
    names = (path.stem for path in _folder().glob("*.md"))
    found = (find(name) for name in names if name not in LEFT_OUT)
    return sorted(found, key=lambda chapter: chapter.title)


def find(name: str) -> Chapter:
    """Return a chapter; raises NotFound."""
    path = _folder() / f"{name}.md"
    if not _NAME.match(name) or not path.is_file():
        raise NotFound(_("The help has no chapter %(name)s."), name=name)
    return _read(path, path.stat().st_mtime_ns)


def search(words: str) -> Iterator[Passage]:
    """Yield the headings under which all of ``words`` stand."""
    wanted = words.casefold().split()
    if not wanted:
        return
    for chapter in chapters():
        for title, part in _parts(chapter.text):
            if all(word in part.casefold() for word in wanted):
                yield Passage(chapter, title, f"{chapter.url}#{slug(title)}")


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    return _SLUG.sub("-", heading.replace("`", "").casefold()).strip("-")


def _folder() -> Path:
    return Path(settings.BASE_DIR) / "docs"


@cache
def _read(path: Path, _changed: int) -> Chapter:
    text = path.read_text(encoding="utf-8")
    # Raw HTML stays text: "html" is off in this preset.
    reader = MarkdownIt("js-default", {"html": False}).enable("table")
    tokens = reader.parse(text)
    headings = tuple(_anchor(tokens))
    _rewrite(tokens)
    html = reader.renderer.render(tokens, reader.options, {})
    title = next((title for _id, title in headings), path.stem)
    return Chapter(path.stem, title, headings[1:], mark_safe(html), text)  # noqa: S308


def _anchor(tokens: list[Token]) -> Iterator[tuple[str, str]]:
    """Give every heading its anchor; yield anchor and title of the first two ranks."""
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            title = tokens[index + 1].content.replace("`", "")
            token.attrSet("id", slug(title))
            if token.tag in {"h1", "h2"}:
                yield slug(title), title
        elif token.type == "table_open":
            token.attrSet("class", "grid grid-lines")
        elif token.type == "fence":
            token.attrSet("translate", "no")


def _rewrite(tokens: list[Token]) -> None:
    """Lead links between documents to their chapters; drop pictures of files."""
    for token in tokens:
        if token.children:
            token.children = [one for one in token.children if one.type != "image"]
        for child in token.children or ():
            if child.type == "link_open":
                target = str(child.attrGet("href") or "")
                name, _hash, anchor = target.partition("#")
                if name.endswith(".md") and "/" not in name:
                    address = reverse("workflows:help_chapter", args=[name[:-3]])
                    child.attrSet("href", f"{address}#{anchor}" if anchor else address)
                elif "://" not in target and not target.startswith("#"):
                    child.attrSet("href", reverse("workflows:help"))


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """Yield each heading with the text below it."""
    title, lines = "", list[str]()
    for line in text.splitlines():
        if line.startswith("#"):
            if title:
                yield title, "\n".join([title, *lines])
            title, lines = line.lstrip("# ").replace("`", ""), []
        else:
            lines.append(line)
    if title:
        yield title, "\n".join([title, *lines])


def as_context(words: str) -> dict[str, Any]:
    """Return what the index of the help shows."""
    return {"words": words, "chapters": chapters(), "passages": list(search(words))}


for _view, _chapter, _anchor_of in (
    ("workflows:", "concepts", ""),
    ("workflows:workflow_detail", "concepts", ""),
    ("workflows:command", "concepts", ""),
    ("workflows:freeze", "operate", ""),
    ("workflows:properties", "care", ""),
    ("workflows:notification_list", "notifications", ""),
    ("workflows:mute", "notifications", ""),
    ("workflows:keep_paused", "care", "paused-for-long"),
    ("workflows:schedule_list", "schedules", ""),
    ("workflows:schedule", "schedules", ""),
    ("workflows:heat_map", "schedules", ""),
    ("workflows:audit", "operate", ""),
    ("workflows:log_search", "operate", ""),
    ("workflows:running", "operate", ""),
    ("access:", "access", ""),
    ("platform:", "configuration", ""),
    ("supervision:", "operate", ""),
    ("deliveries:", "events", ""),
    ("messagecenter:", "events", ""),
    ("packages:", "configuration", ""),
):
    register(_view, _chapter, _anchor_of)
