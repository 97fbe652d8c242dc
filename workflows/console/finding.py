"""What the command palette finds: pages, workflows and their commands, things.

A package adds what it can find::

    finding.register("events", find_events)

``find_events(request, words)`` yields :class:`Hit` for what the reader may open;
it has to be bounded and quick, for it is asked at every stroke.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from workflows.console import commands, menu, queries
from workflows.exceptions import DuplicateRegistration
from workflows.models import Workflow

#: So many of one kind are shown.
MOST = 8
LONGEST = 100


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found: where it is, and what it is."""

    label: str
    url: str
    icon: str
    kind: str
    note: str = ""
    asks: bool = False


Finder = Callable[[HttpRequest, str], Iterable[Hit]]
_finders: dict[str, Finder] = {}


def register(name: str, finder: Finder) -> Finder:
    """Add a finder; raises DuplicateRegistration for another of that name."""
    present = _finders.get(name)
    if present is not None and present is not finder:
        raise DuplicateRegistration(
            name=name, first=present.__module__, second=finder.__module__
        )
    _finders[name] = finder
    return finder


def find(request: HttpRequest, text: str) -> list[Hit]:
    """Return what matches ``text``: workflows, commands, pages, then the rest.

    Nothing asked, nothing but pages. Two queries at most for the workflows, and
    what the finders of the packages need.
    """
    words = " ".join(text.replace("\x00", " ").split())[:LONGEST]
    hits = list(islice(_pages(request, words), MOST if words else 40))
    if not words:
        return hits
    whole = _workflows(request, words)
    verb, _space, name = words.partition(" ")
    found = whole or (_workflows(request, name) if name else [])
    workflows = [_workflow_hit(workflow) for workflow in found]
    offered = list(islice(_commands(request, "" if whole else verb, found), MOST))
    # A verb and a name ask for the command, a name alone for the workflow.
    hits = [*workflows, *offered, *hits] if whole else [*offered, *workflows, *hits]
    for finder in _finders.values():
        hits += islice(finder(request, words), MOST)
    return hits


def _pages(request: HttpRequest, words: str) -> Iterator[Hit]:
    wanted = words.casefold()
    for group, entries in menu.tree(request):
        for entry in entries:
            label, heading = str(entry.label), str(group.label)
            if wanted in f"{heading} {label}".casefold():
                yield Hit(label, entry.url, entry.icon, _("Page"), heading)


def _workflows(request: HttpRequest, words: str) -> list[Workflow]:
    if not request.user.has_perm("workflows.view"):
        return []
    return list(queries.search(Workflow.objects.visible(), words)[:MOST])


def _workflow_hit(workflow: Workflow) -> Hit:
    return Hit(
        workflow.label,
        workflow.get_absolute_url(),
        "sitemap",
        _("Workflow"),
        workflow.internal_name,
    )


def _commands(
    request: HttpRequest, verb: str, found: Iterable[Workflow]
) -> Iterator[Hit]:
    """Yield the open commands that begin with ``verb``; without one those of one."""
    workflows = list(found)
    if not verb and len(workflows) != 1:
        return
    for workflow in workflows:
        for offer in commands.offers(request, workflow).values():
            label = str(offer.label)
            if offer.is_open and label.casefold().startswith(verb.casefold()):
                yield Hit(
                    f"{label}: {workflow.label}",
                    offer.confirm_url,
                    offer.button.icon,
                    _("Command"),
                    workflow.internal_name,
                    asks=True,
                )


def as_context(request: HttpRequest, text: str) -> dict[str, Any]:
    """Return what page and palette show."""
    return {"text": text, "hits": find(request, text)}
