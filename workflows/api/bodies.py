"""How large a request may be."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from workflows.exceptions import AppError

LARGEST_ORDER = 64 * 1024


class BodyTooLarge(AppError):
    """The body has more than %(limit)s bytes: send less."""

    code = "too_large"
    status = 413


def read_json(body: bytes) -> Any:
    """Return what a body holds. Raises ValueError with the reason.

    A half character (``"\\ud800"``) is refused here: JSON may hold it, no text can.
    """
    try:
        read = json.loads(body)
        if b"\\u" in body:
            json.dumps(read, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError(_("it is nested too deeply")) from error
    except UnicodeEncodeError as error:
        raise ValueError(_("it holds half of a character")) from error
    return read


def require_small(request: HttpRequest) -> None:
    """Raise BodyTooLarge for more than 64 KiB, before reading when it is told."""
    told = request.META.get("CONTENT_LENGTH") or "0"
    if told.isdecimal() and int(told) > LARGEST_ORDER:
        raise BodyTooLarge(limit=LARGEST_ORDER)
    if len(request.body) > LARGEST_ORDER:
        raise BodyTooLarge(limit=LARGEST_ORDER)
