"""The first page after signing in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from workflows.console import access


@access.requires()
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the technical workflows."""
    return redirect("workflows:workflow_list")
