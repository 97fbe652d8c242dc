"""Sessions of the console: since when, from where, and their end."""

from __future__ import annotations

import ipaddress
import time
from datetime import datetime
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from campaign.access.models import Operator, OperatorSession
from workflows import audit
from workflows.exceptions import NotFound
from workflows.models import Source

#: The last sight of a session is written at most so often by each process.
SEEN_EVERY_SECONDS = 60.0
CACHE_SIZE = 4096
_seen: dict[str, float] = {}


def of(operator: Operator) -> QuerySet[OperatorSession]:
    """Return the live sessions of an operator, last seen first."""
    alive = Session.objects.filter(
        session_key=OuterRef("session_key"), expire_date__gt=timezone.now()
    )
    return OperatorSession.objects.filter(Exists(alive), operator=operator)


def began(request: HttpRequest, operator: Operator) -> None:
    """Note a session that has just begun, and forget the operator's ended ones."""
    if request.session.session_key is None:
        request.session.save()
    key = str(request.session.session_key)
    _note(request, operator, key, timezone.now())
    of_operator = OperatorSession.objects.filter(operator=operator)
    of_operator.exclude(pk__in=of(operator).values("pk")).exclude(
        session_key=key
    ).delete()


def seen(request: HttpRequest) -> None:
    """Note that the session of a request lives; writes once a minute at most."""
    key = request.session.session_key
    operator = request.user
    if key is None or not isinstance(operator, Operator):
        return
    before = _seen.get(key)
    if before is not None and time.monotonic() - before < SEEN_EVERY_SECONDS:
        return
    _note(request, operator, key, timezone.now())


def end(
    *,
    operator: Operator,
    session_id: int,
    acting_operator: Operator,
    source: Source,
    at: datetime,
) -> None:
    """End one session of ``operator``. Raises NotFound when it is not theirs."""
    with transaction.atomic():
        row = (
            OperatorSession.objects.select_for_update()
            .filter(operator=operator, pk=session_id)
            .first()
        )
        if row is None:
            raise NotFound(_("This session has ended already."))
        _delete([row.session_key])
        _record(operator, 1, acting_operator, source, at)


def end_others(
    *,
    operator: Operator,
    kept_key: str,
    acting_operator: Operator,
    source: Source,
    at: datetime,
) -> int:
    """End every session of ``operator`` but one; return how many ended."""
    with transaction.atomic():
        keys = list(
            of(operator)
            .exclude(session_key=kept_key)
            .values_list("session_key", flat=True)
        )
        if keys:
            _delete(keys)
            _record(operator, len(keys), acting_operator, source, at)
    return len(keys)


def end_all(operator: Operator) -> None:
    """End every session; the caller's transaction and audit entry tell why."""
    keys = OperatorSession.objects.filter(operator=operator)
    _delete(list(keys.values_list("session_key", flat=True)))


def follow(request: HttpRequest, old_key: str) -> None:
    """Keep what is known of a session whose key changed with the password."""
    new_key = str(request.session.session_key)
    OperatorSession.objects.filter(session_key=new_key).delete()
    OperatorSession.objects.filter(session_key=old_key).update(session_key=new_key)


def _note(request: HttpRequest, operator: Operator, key: str, at: datetime) -> None:
    OperatorSession.objects.update_or_create(
        session_key=key,
        defaults={
            "operator": operator,
            "last_seen_at": at,
            "address": _address(request),
            "browser": request.headers.get("User-Agent", "")[:256],
        },
        create_defaults={
            "operator": operator,
            "started_at": at,
            "last_seen_at": at,
            "address": _address(request),
            "browser": request.headers.get("User-Agent", "")[:256],
        },
    )
    if len(_seen) >= CACHE_SIZE:
        _seen.clear()
    _seen[key] = time.monotonic()


def _address(request: HttpRequest) -> str | None:
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def _delete(keys: list[str]) -> None:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for key in keys:
        store(key).delete()
        _seen.pop(key, None)
    OperatorSession.objects.filter(session_key__in=keys).delete()


def _record(
    operator: Operator, count: int, acting: Operator, source: Source, at: datetime
) -> None:
    audit.record(
        action="access.operator.sessions_ended",
        object_type="access.operator",
        object_id=operator.pk,
        object_label=operator.username,
        changes={"sessions": [count, 0]},
        acting_operator=acting,
        source=source,
        at=at,
    )
