"""What every page of the console knows: the menu, the health of the parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from workflows.console import columns, help, menu, notices, wording
from workflows.engine.freezing import DrainProgress, progress
from workflows.engine.supervision import Component, component_status

CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Part:
    """A clock or a queue as its last sign of life tells it."""

    name: str
    is_silent: bool
    message: str


def health_of(request: HttpRequest) -> dict[str, Component]:
    """Return the health of every part; one query for a request, however often asked."""
    known: dict[str, Component] | None = getattr(request, "component_status", None)
    if known is None:
        known = component_status(timezone.now())
        request.component_status = known  # type: ignore[attr-defined]
    return known


class ConsoleStatus:
    """The shell's data, each piece fetched when a template first asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def instance(self) -> str:
        """Return the name of this instance. No SQL."""
        return str(getattr(settings, "CAMPAIGN_ORG", ""))

    @property
    def theme(self) -> str:
        """Return light, dark, or "" to follow the system."""
        user = getattr(self._request, "user", None)
        chosen = getattr(user, "theme", "") or self._request.COOKIES.get("theme", "")
        return chosen if chosen in {"light", "dark"} else ""

    @property
    def languages(self) -> list[tuple[str, str]]:
        """Return code and own name of every language."""
        return [(code, str(_OWN_NAMES.get(code, name))) for code, name in _languages()]

    @property
    def health_url(self) -> str:
        """Return the supervision page, else the list of workflows. No SQL."""
        return menu.landmark(menu.SUPERVISION)

    @property
    def events_url(self) -> str:
        """Return the list of events where a package has one. No SQL."""
        return menu.landmark(menu.EVENTS)

    @property
    def system_url(self) -> str:
        """Return the rescue tables for superusers, or "". No SQL."""
        try:
            return reverse("admin:index")
        except NoReverseMatch:
            return ""

    @property
    def help_url(self) -> str:
        """Return the chapter that explains this page. No SQL."""
        return help.url_of(self._request)

    @property
    def density(self) -> str:
        """Return "compact" for rows of one line, else "". No SQL."""
        return columns.density(self._request)

    @property
    def single_keys(self) -> bool:
        """Return whether single-letter keys are on (WCAG 2.1.4)."""
        return self._request.COOKIES.get("single_keys", "on") != "off"

    @cached_property
    def menu(self) -> list[tuple[menu.Group, list[menu.ShownEntry]]]:
        """Return the tree for this reader; costs what its badges cost."""
        return menu.tree(self._request)

    @cached_property
    def parts(self) -> list[Part]:
        """Return every clock and queue, the silent ones first. One query."""
        status = health_of(self._request)
        parts = [
            _part(name, part)
            for name, part in status.items()
            if part.age_seconds is not None
        ]
        return sorted(parts, key=lambda part: (not part.is_silent, part.name))

    @cached_property
    def silent(self) -> list[Part]:
        """Return the parts that gave no sign of life for 30 s."""
        return [part for part in self.parts if part.is_silent]

    @property
    def bell(self) -> notices.Bell:
        """Return what is new, of whom nobody is told, what is frozen. One query."""
        return notices.bell_of(self._request)

    @cached_property
    def drain(self) -> DrainProgress:
        """Return how far a frozen instance has come to rest. Three queries."""
        return progress(timezone.now())

    @property
    def is_known(self) -> bool:
        """Return whether any part ever reported."""
        return bool(self.parts)


_OWN_NAMES = {
    "en": "English",
    "fr": "Français",
    "sv": "Svenska",
    "zh-hant": "繁體中文",
    "ko": "한국어",
}


def _languages() -> list[tuple[str, str]]:
    return list(settings.LANGUAGES)


def _part(name: str, component: Component) -> Part:
    if name == CLOCK:
        message = _(
            "The clock has been silent for %(age)s. Schedules and signals start late"
            " until it is back."
        )
    else:
        message = _(
            "The queue %(queue)s has not answered for %(age)s. Its tasks wait until a"
            " worker is back."
        )
    age = timedelta(seconds=component.age_seconds or 0)
    words = {"age": wording.span(age), "queue": name.removeprefix("queue:")}
    return Part(name, not component.is_up, message % words)


def console(request: HttpRequest) -> dict[str, Any]:
    """Add ``console`` to every template; costs nothing until it is used."""
    return {"console": ConsoleStatus(request)}
