"""Notes that the session of a request lives."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from campaign.access.services import sessions

Answer = Callable[[HttpRequest], HttpResponse]


class SeenMiddleware:
    """Keep the last sight of sessions; stands after the authentication.

    Requests without a session cookie (the event API, probes) pass untouched.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            settings.SESSION_COOKIE_NAME in request.COOKIES
            and request.user.is_authenticated
        ):
            sessions.seen(request)
        return self.get_response(request)
