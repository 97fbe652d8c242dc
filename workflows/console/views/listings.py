"""Keeping views of lists, choosing their columns, and how dense they are."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.request import QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from workflows.actions import saved_views
from workflows.console import access, columns, listings
from workflows.exceptions import InvalidInput
from workflows.models import Source


@access.requires()
@require_http_methods(["GET", "HEAD", "POST"])
def view_list(request: HttpRequest, name: str) -> HttpResponse:
    """Show the kept views of a list (GET); keep one more (POST).

    A request of htmx gets the views alone, for the menu above the list.
    """
    listing = listings.find(name)
    if request.method == "POST":
        return _save(request, listing)
    query = listings.query_of(QueryDict(request.GET.get("query", "")))
    context = {
        "listing": listing,
        "query": query,
        "views": listings.views(request, listing, query),
    }
    is_part = bool(request.htmx)  # type: ignore[attr-defined]
    template = "workflows/_view_rows.html" if is_part else "workflows/view_list.html"
    return render(request, template, context)


def _save(request: HttpRequest, listing: listings.Listing) -> HttpResponse:
    query = listings.query_of(QueryDict(request.POST.get("query", "")))
    view = saved_views.save_view(
        listing=listing.name,
        label=request.POST.get("label", ""),
        query=query,
        is_shared=request.POST.get("is_shared") == "on",
        acting_operator=request.user,
        source=Source.CONSOLE,
        at=timezone.now(),
    )
    messages.success(request, _("View %(name)s kept.") % {"name": view.label})
    return redirect(f"{listing.url}?{query}" if query else listing.url)


@access.requires()
@require_POST
def delete_view(request: HttpRequest, number: int) -> HttpResponse:
    """Delete a kept view, and show its list without filters."""
    view = saved_views.delete_view(
        number=number,
        acting_operator=request.user,
        source=Source.CONSOLE,
        at=timezone.now(),
    )
    messages.success(request, _("View %(name)s deleted.") % {"name": view.label})
    return redirect(listings.find(view.listing).url)


@access.requires()
@require_POST
def choose_columns(request: HttpRequest, name: str) -> HttpResponse:
    """Remember which columns of a list the reader wants; ``reset`` forgets it."""
    listing = listings.find(name)
    if listing.table is None:
        raise InvalidInput(_("The columns of this list cannot be chosen."))
    shown: list[str] | None = None
    if request.POST.get("do") != "reset":
        known: Any = columns.names(listing.table)
        asked = set(request.POST.getlist("column"))
        shown = [column for column in known if column in asked]
    columns.keep(request, listing.name, shown, request.POST.get("density", ""))
    query = listings.query_of(QueryDict(request.POST.get("query", "")))
    return redirect(f"{listing.url}?{query}" if query else listing.url)
