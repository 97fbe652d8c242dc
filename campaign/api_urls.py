"""Addresses below ``/api/``."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from campaign.api import url_patterns
from campaign.api_docs import show_docs
from workflows.api import problems


@csrf_exempt
def unknown(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer 404 in the API's own form."""
    return problems.not_found()


urlpatterns = [
    path("docs", show_docs, name="api_docs"),
    path("v1/", (url_patterns(), "ninja", "api")),
    re_path(r"^(?P<rest>.*)$", unknown),
]
