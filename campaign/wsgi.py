"""The WSGI application: the event API on its short way, everything else by Django."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
django_application = get_wsgi_application()

from campaign.messagecenter import intake  # noqa: E402 (needs the applications)


def application(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """Answer a request; the event API bypasses the middleware chain."""
    if intake.accepts(environ.get("PATH_INFO", "")):
        return intake.serve(environ, start_response)
    return django_application(environ, start_response)
