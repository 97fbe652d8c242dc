"""Lists that may be kept as views: their names, pages and tables.

A page whose list is registered here offers saved views; one with a table also
offers the choice of columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import django_tables2 as tables
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from workflows.actions.saved_views import visible_views
from workflows.console import columns
from workflows.exceptions import DuplicateRegistration, NotFound
from workflows.models import SavedView

#: These say where in a list one is, not which list it is.
_POSITION = frozenset({"page", "before", "after", "format", "columns"})


@dataclass(frozen=True, slots=True)
class Listing:
    """A list by its name: the page that shows it, and its table where it has one."""

    name: str
    url_name: str
    table: type[tables.Table] | None = None

    @property
    def url(self) -> str:
        """Return the address of the page."""
        return reverse(self.url_name)


@dataclass(frozen=True, slots=True)
class ShownView:
    """A saved view as a tab."""

    view: SavedView
    url: str
    is_current: bool
    is_mine: bool


@dataclass(frozen=True, slots=True)
class Tools:
    """What stands above a list: the way to kept views and a file, the columns."""

    listing: Listing
    query: str
    columns: list[columns.Choice]
    csv_url: str


_listings: dict[str, Listing] = {}


def register(listing: Listing) -> Listing:
    """Add a list; raises DuplicateRegistration when another has its name."""
    present = _listings.get(listing.name)
    if present is not None and present != listing:
        raise DuplicateRegistration(
            name=listing.name, first=present.url_name, second=listing.url_name
        )
    _listings[listing.name] = listing
    return listing


def find(name: str) -> Listing:
    """Return a list by its name; raises NotFound."""
    if name not in _listings:
        raise NotFound(_("There is no list %(name)s."), name=name)
    return _listings[name]


def query_of(data: Mapping[str, Any]) -> str:
    """Return filters, order and tab of a list as they stand behind its address."""
    kept = [
        (name, value)
        for name in sorted(data)
        if name not in _POSITION
        for value in _values(data, name)
        if value
    ]
    return urlencode(kept)


def tools(request: HttpRequest, listing: Listing) -> Tools:
    """Return what stands above a list. No SQL."""
    query = query_of(request.GET)
    chosen = (
        columns.choices(request, listing.name, listing.table) if listing.table else []
    )
    file = f"{query}&format=csv" if query else "format=csv"
    return Tools(listing, query, chosen, f"{listing.url}?{file}")


def views(request: HttpRequest, listing: Listing, query: str) -> list[ShownView]:
    """Return what the reader may open of a list, which shows ``query``. One query."""
    return [
        ShownView(
            view,
            f"{listing.url}?{view.query}" if view.query else listing.url,
            view.query == query,
            view.owner_id == request.user.pk,
        )
        for view in visible_views(request.user, listing.name)
    ]


def _values(data: Mapping[str, Any], name: str) -> list[str]:
    getlist = getattr(data, "getlist", None)
    return getlist(name) if getlist else [data[name]]
