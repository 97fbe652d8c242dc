"""Tokens in the hands of operators: who may make, change and end which."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.access.models import ApiToken, Operator, Scope
from campaign.access.services import rights, tokens
from workflows import audit
from workflows.exceptions import Fault, InvalidInput, NotFound, PermissionRefused
from workflows.models import Source

#: What a scope opens, beside which the rights of the operator bound it.
MEANINGS: Mapping[str, str | Promise] = {
    Scope.ADMIN.value: gettext_lazy(
        "Everything that the operator may do, changes of settings included."
    ),
    Scope.EVENT_PUSH.value: gettext_lazy("POST /events/{type}, /events:batch"),
    Scope.EVENT_READ.value: gettext_lazy("GET /events/{id}, event types, templates"),
    Scope.WORKFLOW_READ.value: gettext_lazy("GET /workflows and all below"),
    Scope.WORKFLOW_EXECUTE.value: gettext_lazy(
        "POST /workflows/{internal_name}/commands"
    ),
    Scope.WORKFLOW_SIGNAL.value: gettext_lazy("POST of signals that start workflows"),
}


def may_have_own(operator: Operator) -> bool:
    """Return whether ``operator`` may make tokens for themselves."""
    return operator.has_perm(rights.OWN_TOKEN) or operator.has_perm(rights.MANAGE)


def visible_to(operator: Operator) -> QuerySet[ApiToken]:
    """Return the tokens that ``operator`` may see: all, or their own."""
    found = ApiToken.objects.select_related("operator")
    if operator.has_perm(rights.MANAGE):
        return found
    return found.filter(operator=operator)


def find(name: str, *, among: QuerySet[ApiToken] | None = None) -> ApiToken:
    """Return a token by name, of those visible. Raises NotFound."""
    tokens_seen = ApiToken.objects.all() if among is None else among
    found = tokens_seen.select_related("operator").filter(name=name).first()
    if found is None:
        raise NotFound(_("No token is named %(name)s."), name=name)
    return found


def issue(
    *,
    name: str,
    operator: Operator,
    scopes: Collection[str],
    expires_at: datetime | None,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
) -> tokens.NewToken:
    """Make a token, whose secret the caller shows once.

    Raises PermissionRefused for another operator's token or for administrator
    rights without the right to manage access, InvalidInput naming every fault.
    """
    _require(acting_operator, operator)
    _require_scopes(acting_operator, scopes)
    return tokens.create_token(
        name=name,
        operator=operator,
        scopes=scopes,
        expires_at=expires_at,
        acting_operator=acting_operator,
        source=source,
        at=at,
    )


def change(
    *,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> ApiToken:
    """Change what a token allows and until when; its secret stays."""
    with transaction.atomic():
        token = _locked(name)
        _require(acting_operator, token.operator)
        _require_scopes(acting_operator, set(scopes) - set(token.scopes))
        faults = _faults_of(token, scopes, expires_at)
        if faults:
            raise InvalidInput(_("The token cannot be changed."), faults=faults)
        before = {"scopes": token.scopes, "expires_at": _instant(token.expires_at)}
        token.scopes = [each for each in Scope.values if each in scopes]
        token.expires_at = expires_at
        after = {"scopes": token.scopes, "expires_at": _instant(expires_at)}
        changes = audit.changed(before, after)
        if changes:
            token.save(update_fields=["scopes", "expires_at"])
            audit.record(
                action="access.apitoken.changed",
                object_type=tokens.OBJECT_TYPE,
                object_id=token.pk,
                object_label=token.name,
                changes=changes,
                acting_operator=acting_operator,
                source=source,
                reason=reason,
                at=at,
            )
    tokens.forget_cached()
    return token


def revoke(
    *,
    name: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
) -> ApiToken:
    """End a token for good; revoking it again changes nothing."""
    with transaction.atomic():
        token = _locked(name)
        _require(acting_operator, token.operator)
        tokens.revoke_token(
            token, acting_operator=acting_operator, source=source, at=at
        )
    return token


def _require(acting_operator: Operator | None, operator: Operator) -> None:
    if acting_operator is not None and acting_operator.pk == operator.pk:
        if not may_have_own(acting_operator):
            raise PermissionRefused(
                operator=acting_operator.get_username(), permission=rights.OWN_TOKEN
            )
        return
    rights.require_over(acting_operator, operator)


def _require_scopes(acting_operator: Operator | None, scopes: Collection[str]) -> None:
    if Scope.ADMIN.value in scopes:
        rights.require(acting_operator)


def _locked(name: str) -> ApiToken:
    found = (
        ApiToken.objects.select_for_update(of=("self",))
        .select_related("operator")
        .filter(name=name)
        .first()
    )
    if found is None:
        raise NotFound(_("No token is named %(name)s."), name=name)
    return found


def _faults_of(
    token: ApiToken, scopes: Collection[str], expires_at: datetime | None
) -> list[Fault]:
    faults = []
    if token.name == tokens.ENVIRONMENT_TOKEN:
        faults.append(
            Fault("name", _("This token comes by CAMPAIGN_API_TOKEN: change it there."))
        )
    if not token.is_active:
        faults.append(Fault("name", _("The token was revoked: make a new one.")))
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        faults.append(
            Fault(
                "scopes",
                _("Use at least one of %(scopes)s.")
                % {"scopes": ", ".join(Scope.values)},
            )
        )
    if expires_at is not None and expires_at <= timezone.now():
        faults.append(Fault("expires_at", _("Give an instant in the future.")))
    return faults


def _instant(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
