"""What packages tell the supervision page and the overview.

A package registers in its ``console`` module::

    supervision.register_figures(pending_events)       # cards
    supervision.register_concerns(failed_deliveries)   # lines under "Needs attention"

Both are called with the request and the instant, on every visit and every live
refresh: each may ask one bounded query or two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest

from workflows.console.appearance import Look
from workflows.console.menu import Text


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name; ``tone`` is "", ok, warn or bad.

    ``since`` is the age of the oldest thing counted, where that says something.
    ``name`` tells figures apart, ``order`` places them.
    """

    name: str
    label: Text
    value: object
    url: str = ""
    tone: str = ""
    note: Text = ""
    since: datetime | None = None
    order: int = 50


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that waits for a person, with where to look."""

    look: Look
    title: str
    url: str
    text: str = ""
    at: datetime | None = None


Figures = Callable[[HttpRequest, datetime], Iterable[Figure]]
Concerns = Callable[[HttpRequest, datetime], Iterable[Concern]]
_figures: list[Figures] = []
_concerns: list[Concerns] = []


def register_figures(provider: Figures) -> Figures:
    """Have the figures of ``provider`` shown; once, however often it is called."""
    if provider not in _figures:
        _figures.append(provider)
    return provider


def register_concerns(provider: Concerns) -> Concerns:
    """Have the concerns of ``provider`` shown; once, however often it is called."""
    if provider not in _concerns:
        _concerns.append(provider)
    return provider


def figures(request: HttpRequest, at: datetime) -> list[Figure]:
    """Return the figures of every package, in their order."""
    found = [figure for provider in _figures for figure in provider(request, at)]
    return sorted(found, key=lambda figure: figure.order)


def concerns(request: HttpRequest, at: datetime) -> list[Concern]:
    """Return every concern, the newest first."""
    found = [concern for provider in _concerns for concern in provider(request, at)]
    oldest = datetime.min.replace(tzinfo=at.tzinfo)
    return sorted(found, key=lambda concern: concern.at or oldest, reverse=True)
