"""The event API without the middleware chain: routes, calls, answers.

``campaign.wsgi`` asks :func:`accepts` and hands such calls to :func:`serve`; they use
no session, cookie or form, only a bearer token. Both faces share everything but the
names of their fields and the shape of their errors.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import translation
from django.utils.translation import gettext as _

from campaign.messagecenter import intake_faces as faces
from campaign.messagecenter.intake_calls import Answer, Call, MethodNotAllowed
from workflows.exceptions import AppError, NotFound

logger = logging.getLogger(__name__)

OWN_PREFIX = "/api/v1/events/"
BATCH_PATH = "/api/v1/events:batch"
STANDARD_PREFIX = f"/{settings.CAMPAIGN_ORG}/campaign/mc{settings.CAMPAIGN_ORG}/"
IDLE_SECONDS = 1.0

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
_used = threading.local()


class StorageUnavailable(AppError):
    """It is not known whether this was stored: repeat it with an Idempotency-Key."""

    code = "unavailable"
    status = 503


class InternalFault(AppError):
    """The request failed for a reason of ours; the log of the server says why."""

    code = "internal"
    status = 500


def accepts(path: str) -> bool:
    """Return whether a path belongs to the event API."""
    if path.startswith(OWN_PREFIX):
        return len(path) > len(OWN_PREFIX)
    return path == BATCH_PATH or path.startswith(STANDARD_PREFIX)


def serve(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer a call of the event API (WSGI)."""
    answer = respond(environ)
    body = answer.body
    start_response(
        f"{answer.status} {HTTPStatus(answer.status).phrase}",
        answer.headers(len(body)),
    )
    return [body]


def respond(environ: dict[str, Any]) -> Answer:
    """Carry out a call and return its answer; never raises."""
    # The thread may have answered a page in another language before.
    translation.activate(settings.LANGUAGE_CODE)
    path = environ.get("PATH_INFO", "")
    is_standard = path.startswith(STANDARD_PREFIX)
    render = faces.standard_error if is_standard else faces.problem
    try:
        _check_connection()
        return _route(path, Call(environ))
    except AppError as error:
        return render(error)
    except (DatabaseError, InterfaceError, psycopg.Error):
        logger.exception("The event API could not store or read")
        connection.close()
        return render(StorageUnavailable(), {"Retry-After": "1"})
    except Exception:
        logger.exception("The event API failed")
        return render(InternalFault())


def _route(path: str, call: Call) -> Answer:
    if path == BATCH_PATH:
        return _by_method(call, {"POST": lambda: faces.push_batch(call)})
    if path.startswith(OWN_PREFIX):
        name = path[len(OWN_PREFIX) :]
        return _by_method(
            call,
            {
                "POST": lambda: faces.push_own(call, name),
                "GET": lambda: faces.read_own(call, name),
            },
        )
    name, _slash, pkey = path[len(STANDARD_PREFIX) :].rstrip("/").partition("/")
    if not name or "/" in pkey:
        raise NotFound
    if pkey:
        return _by_method(call, {"GET": lambda: faces.read_standard(call, name, pkey)})
    return _by_method(call, {"POST": lambda: faces.push_standard(call, name)})


def _by_method(call: Call, handlers: dict[str, Callable[[], Answer]]) -> Answer:
    handler = handlers.get(call.method)
    if handler is None:
        raise MethodNotAllowed(
            _("This address takes %(allowed)s, not %(method)s."),
            allowed=", ".join(handlers),
            method=call.method,
        )
    return handler()


def _check_connection() -> None:
    """Replace a connection that broke while it was idle, before work depends on it."""
    now = time.monotonic()
    is_idle = now - getattr(_used, "at", 0.0) > IDLE_SECONDS
    _used.at = now
    if (
        is_idle
        and connection.connection is not None
        and not connection.in_atomic_block
        and not connection.is_usable()
    ):
        connection.close()
