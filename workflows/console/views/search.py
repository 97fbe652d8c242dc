"""The command palette, and the same as a page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from workflows.console import access, finding


@access.requires()
def search(request: HttpRequest) -> HttpResponse:
    """Show what matches ``q``; a request of the palette gets the hits alone."""
    context = finding.as_context(request, request.GET.get("q", ""))
    is_part = request.headers.get("X-Requested-With") == "palette"
    template = "workflows/_search_hits.html" if is_part else "workflows/search.html"
    return render(request, template, context)
