"""Bearer tokens of programs: made, checked, revoked."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from campaign.access.models import ApiToken, Operator, Scope
from workflows import audit
from workflows.exceptions import AppError, Fault, InvalidInput, PermissionRefused
from workflows.models import Source

logger = logging.getLogger(__name__)
ENVIRONMENT_TOKEN = "environment"  # noqa: S105 (a name, no secret)
PREFIX = "cmp_"
OBJECT_TYPE = "access.apitoken"
CACHE_SECONDS = 4.0
CACHE_SIZE = 1024
USE_RECORDED_EVERY = timedelta(minutes=1)
LONGEST_TOKEN = 512
_VISIBLE = re.compile(r"[\x21-\x7e]+")


class AuthenticationFailed(AppError):
    """The request carries no valid token."""

    code = "token_invalid"
    status = 401


class TokenMissing(AuthenticationFailed):
    """No token was sent: add the header "Authorization: Bearer <token>"."""

    code = "token_missing"


class TokenMalformed(AuthenticationFailed):
    """The header is not of the form "Authorization: Bearer <token>"."""

    code = "token_malformed"


class TokenUnknown(AuthenticationFailed):
    """The token is not known here: check it or ask for a new one."""

    code = "token_unknown"


class TokenExpired(AuthenticationFailed):
    """The token %(name)s has expired: ask for a new one."""

    code = "token_expired"


class TokenRevoked(AuthenticationFailed):
    """The token %(name)s was revoked: ask for a new one."""

    code = "token_revoked"


class ScopeMissing(PermissionRefused):
    """The token %(token)s lacks the scope %(scope)s: ask for one that has it."""

    code = "scope_missing"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request: an operator, by one token, within its scopes."""

    operator_id: int
    username: str
    scopes: frozenset[str]
    token_name: str
    expires_at: datetime | None = None

    def has_scope(self, scope: str) -> bool:
        """Return whether the token allows it; administrator rights imply all."""
        return scope in self.scopes or Scope.ADMIN.value in self.scopes

    def require_scope(self, *scopes: str) -> None:
        """Raise ScopeMissing unless the token has one of the scopes."""
        if not any(self.has_scope(scope) for scope in scopes):
            raise ScopeMissing(token=self.token_name, scope=scopes[0])

    def operator(self) -> Operator:
        """Return the operator behind the token. One query."""
        return Operator.objects.get(pk=self.operator_id)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made; ``secret`` is shown once and kept nowhere."""

    token: ApiToken
    secret: str


@dataclass(frozen=True, slots=True)
class _Kept:
    principal: Principal
    until: float


_cache: dict[str, _Kept] = {}
_cache_lock = threading.Lock()


def digest(secret: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    """Return a random token."""
    return PREFIX + secrets.token_urlsafe(32)


def authenticate(
    authorization_header: str | None, api_key_header: str | None = None
) -> Principal:
    """Return who sends the request, from ``Authorization`` or ``X-Api-Key``.

    ``Authorization`` wins when both are sent: clients of the original send an
    application key beside their bearer token. A positive answer is kept in this
    process for 4 seconds, so a revoked token may live that long. Else one query,
    and at most once a minute one update of the last use.

    Raises an AuthenticationFailed (401) that tells what is wrong.
    """
    key = digest(_presented(authorization_header, api_key_header))
    kept = _cache.get(key)
    if kept is not None and kept.until > time.monotonic():
        _refuse_expired(kept.principal.token_name, kept.principal.expires_at)
        return kept.principal
    principal = _look_up(key)
    if not authorization_header:
        logger.info(
            "Token %s came as X-Api-Key.",
            principal.token_name,
            extra={"action": "access.api_key_used"},
        )
    return principal


def forget_cached() -> None:
    """Make every token be looked up again in this process."""
    with _cache_lock:
        _cache.clear()


def create_token(
    *,
    name: str,
    operator: Operator,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    acting_operator: Operator | None = None,
    source: Source = Source.CLI,
    at: datetime | None = None,
) -> NewToken:
    """Make a token for an operator, with its audit entry.

    ``acting_operator`` None is the server's own command line. Raises InvalidInput
    naming every fault: a name taken or reserved, an unknown scope, an expiry in the
    past.
    """
    wanted = list(dict.fromkeys(str(scope) for scope in scopes))
    faults = _faults_of(name, operator, wanted, expires_at)
    if faults:
        raise InvalidInput(_("The token cannot be made."), faults=faults)
    secret = new_secret()
    token = ApiToken(
        name=name,
        operator=operator,
        digest=digest(secret),
        scopes=wanted,
        expires_at=expires_at,
    )
    try:
        with transaction.atomic():
            token.save(force_insert=True)
            audit.record(
                action="access.apitoken.created",
                object_type=OBJECT_TYPE,
                object_id=str(token.pk),
                object_label=name,
                changes={"operator": [None, str(operator)], "scopes": [None, wanted]},
                acting_operator=acting_operator,
                source=source,
                at=at or timezone.now(),
            )
    except IntegrityError as error:
        raise InvalidInput(
            _("The token cannot be made."), faults=[_taken(name)]
        ) from error
    return NewToken(token, secret)


def revoke_token(
    token: ApiToken,
    *,
    acting_operator: Operator | None = None,
    source: Source = Source.CLI,
    at: datetime | None = None,
) -> None:
    """End a token; other processes follow within the time of their cache."""
    with transaction.atomic():
        ended = ApiToken.objects.filter(pk=token.pk, is_active=True)
        if ended.update(is_active=False):
            audit.record(
                action="access.apitoken.revoked",
                object_type=OBJECT_TYPE,
                object_id=str(token.pk),
                object_label=token.name,
                changes={"is_active": [True, False]},
                acting_operator=acting_operator,
                source=source,
                at=at or timezone.now(),
            )
    token.is_active = False
    forget_cached()


def ensure_environment_token(secret: str) -> ApiToken | None:
    """Make ``secret`` the one token that came by the environment.

    It belongs to the operator ``admin`` and has administrator rights; it replaces
    the one set this way before. An empty value changes nothing.
    """
    if not secret:
        return None
    if not _VISIBLE.fullmatch(secret) or len(secret) > LONGEST_TOKEN:
        raise InvalidInput(
            _(
                "CAMPAIGN_API_TOKEN holds blanks or other characters that no header"
                " can carry: use up to %(count)s visible ASCII characters."
            ),
            count=LONGEST_TOKEN,
        )
    operator = Operator.objects.get(username="admin")
    with transaction.atomic():
        ApiToken.objects.filter(digest=digest(secret)).exclude(
            name=ENVIRONMENT_TOKEN
        ).delete()
        token, _created = ApiToken.objects.update_or_create(
            name=ENVIRONMENT_TOKEN,
            defaults={
                "operator": operator,
                "digest": digest(secret),
                "scopes": [Scope.ADMIN.value],
                "is_active": True,
                "expires_at": None,
            },
        )
    forget_cached()
    return token


def _presented(authorization: str | None, api_key: str | None) -> str:
    if authorization:
        scheme, _blank, secret = authorization.strip().partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not _is_token(secret):
            raise TokenMalformed
        return secret
    if api_key and api_key.strip():
        if not _is_token(api_key.strip()):
            raise TokenMalformed(_("The header X-Api-Key holds no token."))
        return api_key.strip()
    raise TokenMissing


def _is_token(secret: str) -> bool:
    return len(secret) <= LONGEST_TOKEN and _VISIBLE.fullmatch(secret) is not None


def _look_up(key: str) -> Principal:
    now = timezone.now()
    token = ApiToken.objects.select_related("operator").filter(digest=key).first()
    if token is None:
        raise TokenUnknown
    if not token.is_active or not token.operator.is_active:
        raise TokenRevoked(name=token.name)
    _refuse_expired(token.name, token.expires_at)
    if token.last_used_at is None or now - token.last_used_at > USE_RECORDED_EVERY:
        ApiToken.objects.filter(
            Q(last_used_at=None) | Q(last_used_at__lt=now - USE_RECORDED_EVERY),
            pk=token.pk,
        ).update(last_used_at=now)
    principal = Principal(
        operator_id=token.operator_id,
        username=token.operator.username,
        scopes=frozenset(token.scopes),
        token_name=token.name,
        expires_at=token.expires_at,
    )
    with _cache_lock:
        if len(_cache) >= CACHE_SIZE:
            _cache.clear()
        _cache[key] = _Kept(principal, time.monotonic() + CACHE_SECONDS)
    return principal


def _refuse_expired(name: str, expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        raise TokenExpired(name=name)


def _faults_of(
    name: str, operator: Operator, scopes: list[str], expires_at: datetime | None
) -> list[Fault]:
    faults = []
    if name == ENVIRONMENT_TOKEN:
        faults.append(
            Fault("name", _("This name is kept for the token of the environment."))
        )
    elif ApiToken.objects.filter(name=name).exists():
        faults.append(_taken(name))
    else:
        faults += _name_faults(name)
    if not operator.is_active:
        faults.append(Fault("operator", _("The operator is not active.")))
    if not scopes:
        faults.append(Fault("scopes", _("Give at least one scope.")))
    faults += [
        Fault(
            "scopes",
            _("Unknown scope %(scope)s; use %(scopes)s.")
            % {"scope": scope, "scopes": ", ".join(Scope.values)},
        )
        for scope in scopes
        if scope not in Scope.values
    ]
    if expires_at is not None and expires_at <= timezone.now():
        faults.append(Fault("expires_at", _("Give an instant in the future.")))
    return faults


def _name_faults(name: str) -> list[Fault]:
    try:
        ApiToken._meta.get_field("name").clean(name, None)
    except ValidationError as error:
        return [Fault("name", message) for message in error.messages]
    return []


def _taken(name: str) -> Fault:
    return Fault(
        "name", _("A token named %(name)s exists: use another name.") % {"name": name}
    )
