"""How large a request may be."""

from __future__ import annotations

from django.http import HttpRequest

from workflows.exceptions import AppError

LARGEST_ORDER = 64 * 1024


class BodyTooLarge(AppError):
    """The body has more than %(limit)s bytes: send less."""

    code = "too_large"
    status = 413


def require_small(request: HttpRequest) -> None:
    """Raise BodyTooLarge for more than 64 KiB, before reading when it is told."""
    told = request.META.get("CONTENT_LENGTH") or "0"
    if told.isdecimal() and int(told) > LARGEST_ORDER:
        raise BodyTooLarge(limit=LARGEST_ORDER)
    if len(request.body) > LARGEST_ORDER:
        raise BodyTooLarge(limit=LARGEST_ORDER)
