"""Walk through the console along its links, and read what a page says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

from django.http import HttpResponse
from django.test import Client
from django.urls import Resolver404, resolve

#: Elements whose content is data, code, or no text.
SILENT = frozenset(
    {"code", "kbd", "pre", "samp", "script", "style", "svg", "textarea", "time"}
)
VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "use"})
#: Attributes that are read out or shown.
SPOKEN = ("aria-label", "title", "placeholder", "alt")
#: One page of each of these tells enough: they are the same page.
DISTINGUISHING = ("tab", "state", "kind", "view")
_LEFT_ALONE = ("/accounts/sign-out/", "/system/", "/i18n/", "/api/", "/static/")


@dataclass(slots=True)
class PageText(HTMLParser):
    """The links of a page and the texts that a person gets to see or hear."""

    links: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    _open: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link and the spoken attributes; remember what is data."""
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "download" not in given:
            self.links.append(given.get("href", ""))
        is_silent = (
            tag in SILENT
            or given.get("translate") == "no"
            or ("lang" in given and tag != "html")
            or "mono" in given.get("class", "").split()
        )
        if not is_silent and not any(self._open):
            self.texts += [given[name] for name in SPOKEN if given.get(name)]
        if tag not in VOID:
            self._open.append(is_silent)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Read an element that closes itself."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        if self._open and tag not in VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Note a text that is no data."""
        text = " ".join(data.split())
        if text and not any(self._open):
            self.texts.append(text)


@dataclass(frozen=True, slots=True)
class Visited:
    """A page that was asked for, with what it says."""

    address: str
    view: str
    answer: HttpResponse
    texts: tuple[str, ...]


def walk(client: Client, *beginnings: str, **headers: str) -> Iterator[Visited]:
    """Yield one page of every kind that links lead to from ``beginnings``."""
    waiting, seen = list(beginnings), {_kind(one) for one in beginnings}
    while waiting:
        address = waiting.pop(0)
        answer = client.get(address, headers={"accept": "text/html", **headers})
        read = PageText()
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            read.feed(answer.content.decode())
        elif answer.status_code in {301, 302} and not answer.streaming:
            read.links.append(answer.headers["Location"])
        yield Visited(address, _view(address), answer, tuple(read.texts))
        for link in read.links:
            found = _own(urljoin(address, link))
            if found and (kind := _kind(found)) not in seen and kind:
                seen.add(kind)
                waiting.append(found)


def _own(address: str) -> str:
    """Return path and query of a page of the console, else ""."""
    parts = urlsplit(address)
    if parts.netloc or parts.scheme or not parts.path.startswith("/"):
        return ""
    if parts.path.startswith(_LEFT_ALONE):
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _view(address: str) -> str:
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return ""


def _kind(address: str) -> tuple[str, ...]:
    """Return what makes a page another page: its view and some of its query."""
    parts = urlsplit(address)
    name = _view(address)
    if not name:
        return ("unknown", parts.path)
    asked = parse_qs(parts.query)
    chosen = [f"{key}={asked[key][0]}" for key in DISTINGUISHING if key in asked]
    command = resolve(parts.path).kwargs.get("name", "") if ":command" in name else ""
    return (name, *chosen, str(command))
