"""Caught mail: what the built-in catcher took instead of a relay."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from campaign.deliveries.services import caught, caught_parts
from campaign.platform.foreign import SANDBOXED, foreign_answer
from workflows.console import access
from workflows.console.live import Fragments
from workflows.exceptions import NotFound

VIEW = "deliveries.view_broadlog"
PAGE = 50
View = Callable[..., HttpResponseBase]
_UNSAFE = re.compile(r"[^A-Za-z0-9._ -]")


def is_catching(_request: HttpRequest | None = None) -> bool:
    """Return whether the catcher is the relay."""
    return bool(settings.MAIL_CATCHER_ENABLED)


def _caught_view(view: View) -> View:
    """Let a view answer while the catcher is the relay."""

    @access.requires(VIEW)
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_catching():
            raise NotFound(_("Mail goes to a relay here; nothing is caught."))
        return view(request, *args, **kwargs)

    return guarded


def _table(request: HttpRequest) -> tuple[caught.CaughtPage, str]:
    page = caught.list_messages(before=request.GET.get("before") or None, limit=PAGE)
    return page, render_to_string("monitoring/_caught_rows.html", {"page": page})


@_caught_view
def caught_list(request: HttpRequest) -> HttpResponse:
    """Show the caught messages, newest first. No SQL of its own."""
    page, html = _table(request)
    fragments = Fragments()
    fragments.add("caught-rows", html)
    return render(
        request,
        "monitoring/caught_list.html",
        {
            "page": page,
            "is_first": not request.GET.get("before"),
            "token": fragments.token,
        },
    )


@_caught_view
def caught_list_changes(request: HttpRequest) -> HttpResponse:
    """Return the list again when mail came in since the reader's token."""
    _page, html = _table(request)
    fragments = Fragments()
    fragments.add("caught-rows", html)
    return fragments.answer(request.GET.get("token", ""), summary=True)


@_caught_view
def caught_detail(request: HttpRequest, message_id: str) -> HttpResponse:
    """Show one message: envelope, headers, bodies, attachments, source."""
    message = caught.read_message(message_id)
    return render(
        request,
        "monitoring/caught_detail.html",
        {
            "message": message,
            "attachments": caught_parts.attachments(message.source),
            "source": message.source.decode("utf-8", "replace")[:200_000],
        },
    )


@_caught_view
def caught_html(request: HttpRequest, message_id: str) -> HttpResponse:
    """Return the HTML body alone, in a sandbox; for a frame."""
    message = caught.read_message(message_id)
    response = HttpResponse(message.html, content_type="text/html; charset=utf-8")
    return foreign_answer(response, SANDBOXED)


@_caught_view
def caught_source(request: HttpRequest, message_id: str) -> HttpResponse:
    """Return the message as it came, for saving."""
    message = caught.read_message(message_id)
    return _download(message.source, f"{message_id}.eml", "message/rfc822")


@_caught_view
def caught_attachment(
    request: HttpRequest, message_id: str, number: int
) -> HttpResponse:
    """Return one attachment, for saving only."""
    message = caught.read_message(message_id)
    found = caught_parts.attachment(message.source, number)
    return _download(found.data, found.name, "application/octet-stream")


def _download(data: bytes, name: str, content_type: str) -> HttpResponse:
    response = HttpResponse(data, content_type=content_type)
    plain = _UNSAFE.sub("_", name)
    response["Content-Disposition"] = f'attachment; filename="{plain}"'
    return foreign_answer(response, SANDBOXED)
