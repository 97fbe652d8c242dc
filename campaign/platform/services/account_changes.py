"""Changing external accounts: one action each, audited, secrets never told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import CASCADE
from django.utils.translation import gettext as _

from campaign.platform.models import ExternalAccount, WebhookDelivery
from campaign.platform.services import account_types, accounts, options
from workflows import audit
from workflows.actions import rights
from workflows.exceptions import AppError, Fault, InvalidInput, NotFound, StaleVersion
from workflows.models import Source, Workflow

VIEW_RIGHT = "platform.view_externalaccount"
ADD_RIGHT = "platform.add_externalaccount"
CHANGE_RIGHT = "platform.change_externalaccount"
DELETE_RIGHT = "platform.delete_externalaccount"
OBJECT = "platform.externalaccount"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_SHOWN_USES = 5

Usage = Callable[[ExternalAccount], Iterable[str]]
_usages: list[Usage] = []


class AccountInUse(AppError):
    """The external account %(account)s is used by %(uses)s: change those first."""

    code = "account_in_use"
    status = 409


def register_usage(usage: Usage) -> Usage:
    """Have ``usage`` name what uses an account, beside rows that refer to it."""
    if usage not in _usages:
        _usages.append(usage)
    return usage


def find_account(internal_name: str) -> ExternalAccount:
    """Return an account. One query. Raises NotFound."""
    account = ExternalAccount.objects.filter(internal_name=internal_name).first()
    if account is None:
        raise NotFound(_("No external account is named %(name)s."), name=internal_name)
    return account


def create_account(
    *,
    internal_name: str,
    label: str,
    type: str,
    config: Mapping[str, Any],
    secret: str = "",
    enabled: bool = True,
    needs_secret: bool = True,
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> ExternalAccount:
    """Add an account. Raises PermissionRefused, or InvalidInput naming every fault.

    Without ``needs_secret`` a webhook may wait for its secret; it posts nothing then.
    """
    rights.require(acting_operator, ADD_RIGHT)
    found = []
    if _NAME.fullmatch(internal_name) is None:
        words = _("Begin with a letter; then letters, digits, - and _.")
        found.append(Fault("internal_name", words))
    elif ExternalAccount.objects.filter(internal_name=internal_name).exists():
        found.append(Fault("internal_name", _("Another account has this name.")))
    if type not in account_types.TYPES:
        known = {"known": ", ".join(account_types.TYPES)}
        found.append(Fault("type", _("Choose one of %(known)s.") % known))
        raise InvalidInput(_("The account cannot be added."), faults=found)
    values = account_types.cleaned(type, config)
    found += _label_faults(label) + account_types.faults(
        type,
        values,
        internal_name=internal_name,
        has_secret=bool(secret) or not needs_secret,
    )
    if found:
        raise InvalidInput(_("The account cannot be added."), faults=found)
    account = ExternalAccount(
        internal_name=internal_name,
        label=label.strip(),
        type=type,
        enabled=enabled,
        config=values,
    )
    if secret:
        account.secrets = accounts.seal({accounts.secret_name(account): secret})
    with transaction.atomic():
        account.save()
        changes = audit.changed({}, _told(account))
        _record(account, "created", changes, acting_operator, source, at)
    return account


def change_account(
    *,
    internal_name: str,
    label: str | None = None,
    config: Mapping[str, Any] | None = None,
    secret: str | None = None,
    enabled: bool | None = None,
    needs_secret: bool = True,
    acting_operator: Any,
    source: Source,
    at: datetime,
    expected_version: str | None = None,
) -> ExternalAccount:
    """Change what is given; ``secret`` "" removes the stored one, None keeps it.

    Nothing is written when nothing differs. Raises NotFound, PermissionRefused,
    StaleVersion, or InvalidInput naming every fault.
    """
    rights.require(acting_operator, CHANGE_RIGHT)
    with transaction.atomic():
        account = _locked(internal_name)
        require_version(account, expected_version)
        before = _told(account)
        found = [] if label is None else _label_faults(label)
        if label is not None:
            account.label = label.strip()
        if enabled is not None:
            account.enabled = enabled
        if secret is not None:
            name = accounts.secret_name(account)
            account.secrets = accounts.seal({name: secret}) if secret else ""
        if config is not None:
            account.config = account_types.cleaned(account.type, config)
        if config is not None or secret is not None:
            found += account_types.faults(
                account.type,
                account.config,
                internal_name=internal_name,
                has_secret=bool(account.secrets) or not needs_secret,
            )
        if found:
            raise InvalidInput(_("The account cannot be changed so."), faults=found)
        changes = audit.changed(before, _told(account))
        if secret:
            changes["secret"] = ["set" if before["secret"] else "", "replaced"]
        if changes:
            account.save()
            _record(account, "changed", changes, acting_operator, source, at)
    return account


def delete_account(
    *,
    internal_name: str,
    acting_operator: Any,
    source: Source,
    at: datetime,
    reason: str = "",
) -> None:
    """Delete an account that nothing uses.

    Raises NotFound, PermissionRefused, or AccountInUse naming what uses it.
    """
    rights.require(acting_operator, DELETE_RIGHT)
    with transaction.atomic():
        account = _locked(internal_name)
        if used := uses(account):
            raise AccountInUse(account=internal_name, uses=", ".join(used))
        changes = audit.changed(_told(account), {})
        _record(account, "deleted", changes, acting_operator, source, at, reason)
        account.delete()


def uses(account: ExternalAccount) -> list[str]:
    """Return what uses an account, in words; a few queries."""
    found = []
    if account.internal_name == accounts.DEFAULT_ROUTING:
        found.append(_("every delivery without a routing of its own"))
    for relation in account._meta.related_objects:
        if getattr(relation, "on_delete", None) is CASCADE:
            continue
        model = relation.related_model
        rows = model._default_manager.filter(**{relation.field.name: account})
        names = [str(row) for row in rows.order_by("-pk")[:_SHOWN_USES]]
        found += [f"{model._meta.verbose_name} {name}" for name in names]
    found += [_("workflow %(name)s") % {"name": name} for name in _calling(account)]
    if WebhookDelivery.objects.filter(account=account, next_at__isnull=False).exists():
        found.append(_("notifications that are still to be posted"))
    for usage in _usages:
        found += usage(account)
    return found


def _calling(account: ExternalAccount) -> list[str]:
    """Return the workflows whose present structure names the account. One query."""
    rows = Workflow.objects.exclude(structure=None).values_list(
        "internal_name", "structure__graph"
    )
    return sorted(
        name
        for name, graph in rows
        if any(
            (activity.get("parameters") or {}).get("account") == account.internal_name
            for activity in (graph or {}).get("activities", ())
        )
    )


def version_of(account: ExternalAccount) -> str:
    """Return the name of an account's state, for conditional changes."""
    return options.version_of([_told(account), account.secrets])


def require_version(account: ExternalAccount, expected: str | None) -> None:
    """Raise StaleVersion unless the account is as the caller saw it."""
    if expected not in (None, version_of(account)):
        raise StaleVersion(version=version_of(account), expected=expected)


def _locked(internal_name: str) -> ExternalAccount:
    rows = ExternalAccount.objects.select_for_update()
    account = rows.filter(internal_name=internal_name).first()
    if account is None:
        raise NotFound(_("No external account is named %(name)s."), name=internal_name)
    return account


def _label_faults(label: str) -> list[Fault]:
    if not label.strip() or len(label) > 128:
        return [Fault("label", _("Give a label of up to 128 characters."))]
    return []


def _told(account: ExternalAccount) -> dict[str, Any]:
    """Return what the audit trail may know of an account."""
    config = account.config if isinstance(account.config, dict) else {}
    return {
        "label": account.label,
        "type": str(account.type),
        "enabled": account.enabled,
        **{f"config.{name}": value for name, value in config.items()},
        "secret": "set" if account.secrets else "",
    }


def _record(
    account: ExternalAccount,
    verb: str,
    changes: Mapping[str, Any],
    acting_operator: Any,
    source: Source,
    at: datetime,
    reason: str = "",
) -> None:
    audit.record(
        action=f"{OBJECT}.{verb}",
        object_type=OBJECT,
        object_id=account.internal_name,
        object_label=account.label,
        acting_operator=acting_operator,
        source=source,
        at=at,
        changes=changes,
        reason=reason,
    )
