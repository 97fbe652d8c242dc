"""A repeated Idempotency-Key gets the answer of the first time, refusals included.

Order, ledger row and answer commit together, so a caller that heard nothing may ask
again: either nothing happened, or it is told what did.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from workflows.api import problems
from workflows.exceptions import AppError, Fault, InvalidInput
from workflows.models import Command

HEADER = "Idempotency-Key"
LONGEST = 128
#: How the document tells of the header.
PARAMETER = {
    "name": HEADER,
    "in": "header",
    "schema": {"type": "string", "maxLength": LONGEST},
    "description": (
        "Within 24 hours the same key with the same order gets the first answer again,"
        " with Idempotent-Replayed: true; with another order 422."
    ),
}
REMEMBERED = timedelta(hours=24)
# Two-part advisory locks are apart from the one-part locks of tasks.
_LOCK_CLASS = 0x1D


class Keeper(Protocol):
    """Remembers answers by operator and key; the application provides the table."""

    def find(self, operator: Any, key: str, since: datetime) -> dict[str, Any] | None:
        """Return the answer kept since an instant, or None."""

    def keep(
        self, operator: Any, key: str, answer: dict[str, Any], at: datetime
    ) -> None:
        """Remember an answer in the caller's transaction; an older one goes."""


_keepers: list[Keeper] = []


def set_keeper(keeper: Keeper) -> None:
    """Provide what remembers the answers of orders that no ledger holds."""
    _keepers[:] = [keeper]


class KeyReused(AppError):
    """The Idempotency-Key came with another command before: use a new one."""

    code = "idempotency_key_reused"
    status = 422


def read_key(request: HttpRequest) -> str:
    """Return the key of a request, or "". Raises InvalidInput for one too long."""
    key = request.headers.get(HEADER, "").strip()
    if len(key) > LONGEST or not key.isprintable():
        fault = Fault(
            HEADER,
            _("Send at most %(limit)s printable characters.") % {"limit": LONGEST},
        )
        raise InvalidInput(_("The Idempotency-Key has faults."), faults=[fault])
    return key


def answer_once(
    *,
    operator: Any,
    key: str,
    asked: Mapping[str, Any],
    at: datetime,
    give: Callable[[], HttpResponse],
) -> HttpResponse:
    """Return what ``give()`` answers, or what it answered within 24 hours.

    ``asked`` is all that the answer depends on; ``give`` issues a command with this
    key, operator and instant. Raises KeyReused, and what ``give`` raises before
    anything is in the ledger. One transaction; equal keys go one after the other.
    """
    fingerprint = _fingerprint(asked)
    with transaction.atomic():
        _wait_turn(operator, key)
        mine = Command.objects.filter(idempotency_key=key, requested_by=operator)
        earlier = (
            mine.filter(requested_at__gte=at - REMEMBERED, answer__isnull=False)
            .order_by("-requested_at")
            .first()
        )
        if earlier is not None and earlier.answer is not None:
            return _replay(earlier.answer, fingerprint)
        newest = mine.order_by("-pk").values_list("pk", flat=True).first() or 0
        try:
            response = give()
        except AppError as error:
            if not mine.filter(pk__gt=newest).exists():
                raise
            response = problems.of_error(error)
        mine.filter(pk__gt=newest).update(answer=_kept(response, fingerprint))
    return response


def answer_kept(
    *,
    operator: Any,
    key: str,
    asked: Mapping[str, Any],
    at: datetime,
    give: Callable[[], HttpResponse],
) -> HttpResponse:
    """Return what ``give()`` answers, or answered within 24 hours, for orders that no
    ledger holds.

    A refusal is not kept: nothing was done, so that the same key may be tried again
    later. Without a keeper every call is new. Raises KeyReused and what ``give``
    raises. One transaction, which a refusal does not undo.
    """
    if not _keepers:
        return give()
    fingerprint = _fingerprint(asked)
    with transaction.atomic():
        _wait_turn(operator, key)
        earlier = _keepers[0].find(operator, key, at - REMEMBERED)
        if earlier is not None:
            return _replay(earlier, fingerprint)
        try:
            response = give()
        except AppError as error:
            refusal = error
        else:
            _keepers[0].keep(operator, key, _kept(response, fingerprint), at)
            return response
    raise refusal


def _wait_turn(operator: Any, key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))",
            [_LOCK_CLASS, f"{operator.pk}:{key}"],
        )


def _fingerprint(asked: Mapping[str, Any]) -> str:
    text = json.dumps(asked, sort_keys=True, cls=DjangoJSONEncoder)
    return hashlib.sha256(text.encode()).hexdigest()


def _kept(response: HttpResponse, fingerprint: str) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint,
        "status": response.status_code,
        "content_type": response["Content-Type"],
        "body": response.content.decode(),
    }


def _replay(answer: Mapping[str, Any], fingerprint: str) -> HttpResponse:
    if answer["fingerprint"] != fingerprint:
        raise KeyReused
    response = HttpResponse(
        answer["body"], status=answer["status"], content_type=answer["content_type"]
    )
    response["Idempotent-Replayed"] = "true"
    return response
