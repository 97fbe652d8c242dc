"""Answers that tell what went wrong (application/problem+json, RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DataError
from django.http import HttpResponse
from django.utils.translation import gettext as _

from workflows.exceptions import AppError, Fault

CONTENT_TYPE = "application/problem+json"
_RESERVED = frozenset({"type", "title", "status", "detail", "error_code", "errors"})


class _Encoder(DjangoJSONEncoder):
    def default(self, value: Any) -> Any:
        try:
            return super().default(value)
        except TypeError:
            return str(value)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    faults: Iterable[Fault] = (),
    headers: Mapping[str, str] | None = None,
    **fields: Any,
) -> HttpResponse:
    """Return a problem document; ``errors`` holds every fault with its field."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "error_code": code,
    }
    errors = [{"field": fault.field, "message": fault.message} for fault in faults]
    if errors:
        document["errors"] = errors
    document.update(
        {name: value for name, value in fields.items() if name not in _RESERVED}
    )
    response = HttpResponse(
        json.dumps(document, cls=_Encoder, ensure_ascii=False).encode(
            "utf-8", "replace"
        ),
        status=status,
        content_type=CONTENT_TYPE,
        headers=dict(headers or {}),
    )
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers.setdefault("WWW-Authenticate", "Bearer")
    return response


def of_error(error: AppError) -> HttpResponse:
    """Return the problem document of one of our errors, with its fields.

    One that tells when to try again (``retry_after``, seconds) has the header too.
    """
    wait = error.fields.get("retry_after")
    return problem(
        error.status,
        error.code,
        error.message,
        faults=error.faults,
        headers={"Retry-After": str(wait)} if wait is not None else None,
        **error.fields,
    )


def not_found() -> HttpResponse:
    """Return 404 for an address that does not exist."""
    return problem(
        HTTPStatus.NOT_FOUND,
        "not_found",
        _("Nothing is at this address: see /api/docs."),
    )


def method_not_allowed(allowed: Iterable[str]) -> HttpResponse:
    """Return 405 naming the methods that the address has."""
    names = ", ".join(sorted(allowed))
    return problem(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "method_not_allowed",
        _("This address takes %(methods)s only.") % {"methods": names},
        headers={"Allow": names},
    )


def of_database_error(error: Exception) -> HttpResponse:
    """Return 400 for a value that no column can hold, 503 for a database away."""
    if isinstance(error, DataError):
        return problem(
            HTTPStatus.BAD_REQUEST,
            "invalid",
            _("A value is too large or has characters that cannot be stored."),
        )
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        _("The database does not answer: try again in a few seconds."),
        headers={"Retry-After": "5"},
    )


def internal_error() -> HttpResponse:
    """Return 500 without a word of what is inside; the log has it."""
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        _("The request failed on our side; the log of the web server says why."),
    )
