"""The documentation, chapter by chapter, and its index with a search."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from workflows.console import access, help


@access.requires()
def help_index(request: HttpRequest) -> HttpResponse:
    """Show the chapters, and what ``q`` is found under."""
    words = request.GET.get("q", "").strip()[:100]
    return render(request, "workflows/help.html", help.as_context(words))


@access.requires()
def help_chapter(request: HttpRequest, name: str) -> HttpResponse:
    """Show one chapter."""
    context = {"chapter": help.find(name), "chapters": help.chapters()}
    return render(request, "workflows/help_chapter.html", context)
