"""The reader's language and time zone, and errors of ours as pages."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation

from workflows.exceptions import AppError

Answer = Callable[[HttpRequest], HttpResponse]


class ConsoleMiddleware:
    """Activate the operator's language and zone; show an AppError as a page.

    Requests without a session cookie (the event API, probes) pass untouched.
    Stands after the authentication and locale middlewares.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return self.get_response(request)
        if not request.user.is_authenticated:
            return self.get_response(request)
        language = getattr(request.user, "language", "")
        if language and language in dict(settings.LANGUAGES):
            translation.activate(language)
            request.LANGUAGE_CODE = translation.get_language() or language
        with timezone.override(zone_of(request)):
            return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Answer an error of ours with its own words and status."""
        if not isinstance(exception, AppError):
            return None
        is_page = "text/html" in request.headers.get("Accept", "")
        if not is_page and "HX-Request" not in request.headers:
            return None
        return render(
            request, "error.html", {"error": exception}, status=exception.status
        )


def zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo:
    """Return the operator's zone, else the server's."""
    name = getattr(request.user, "time_zone", "") or settings.TIME_ZONE
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo(settings.TIME_ZONE)
