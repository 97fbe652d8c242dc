"""Operators: made, changed, disabled, given groups, helped to sign in again."""

from __future__ import annotations

import zoneinfo
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from axes.utils import reset as reset_lockout
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaign.access.models import Operator, SecondFactor
from campaign.access.services import rights, sessions, tokens
from campaign.access.services.setup import new_password
from workflows import audit
from workflows.exceptions import Fault, InvalidInput, NotFound
from workflows.models import Source

OBJECT_TYPE = "access.operator"
#: What `change_operator` sets; names of the fields.
CHANGEABLE = ("first_name", "last_name", "email", "language", "time_zone")


@dataclass(frozen=True, slots=True)
class NewSignIn:
    """An operator and the password to tell them, which is shown once."""

    operator: Operator
    password: str


def find(name: str) -> Operator:
    """Return an operator by user name. Raises NotFound."""
    found = Operator.objects.filter(username=name).first()
    if found is None:
        raise NotFound(_("No operator is named %(name)s."), name=name)
    return found


def create_operator(
    *,
    username: str,
    values: Mapping[str, str] | None = None,
    groups: Collection[str] = (),
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> NewSignIn:
    """Make an operator with a random password, which the caller shows once.

    Raises InvalidInput naming every fault, PermissionRefused for groups whose
    rights the acting operator lacks.
    """
    rights.require(acting_operator)
    operator = Operator(username=username.strip(), **_known(values or {}))
    faults = _faults_of(operator, ("username", *CHANGEABLE))
    wanted, group_faults = _groups(groups)
    if faults or group_faults:
        raise InvalidInput(
            _("The operator cannot be made."), faults=[*faults, *group_faults]
        )
    password = new_password()
    operator.set_password(password)
    try:
        with transaction.atomic():
            operator.save(force_insert=True)
            rights.require_giving(acting_operator, _permissions_of(wanted))
            operator.groups.set(wanted)
            _record(
                operator,
                "created",
                acting_operator,
                source,
                at,
                reason,
                {
                    "username": [None, operator.username],
                    "email": [None, operator.email],
                    "groups": [None, sorted(group.name for group in wanted)],
                },
            )
    except IntegrityError as error:
        raise InvalidInput(
            _("The operator cannot be made."),
            faults=[
                Fault("username", _("An operator of this name exists: use another."))
            ],
        ) from error
    return NewSignIn(operator, password)


def change_operator(
    *,
    username: str,
    values: Mapping[str, str],
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Operator:
    """Change name, e-mail, language or zone; operators may change their own."""
    with transaction.atomic():
        operator = _locked(username)
        if acting_operator is None or acting_operator.pk != operator.pk:
            rights.require_over(acting_operator, operator)
        before = {name: getattr(operator, name) for name in CHANGEABLE}
        for name, value in _known(values).items():
            setattr(operator, name, value)
        faults = _faults_of(operator, tuple(CHANGEABLE))
        if faults:
            raise InvalidInput(_("The operator cannot be changed."), faults=faults)
        changes = audit.changed(
            before, {name: getattr(operator, name) for name in CHANGEABLE}
        )
        if changes:
            operator.save(update_fields=list(changes))
            _record(operator, "changed", acting_operator, source, at, reason, changes)
    return operator


def set_active(
    *,
    username: str,
    is_active: bool,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Operator:
    """Enable an operator, or disable one: sessions end and tokens stop at once.

    Raises LastAdministrator for the last active administrator.
    """
    with (
        transaction.atomic(),
        rights.keeping_an_administrator(operator=username),
    ):
        operator = _locked(username)
        rights.require_over(acting_operator, operator)
        if operator.is_active == is_active:
            return operator
        operator.is_active = is_active
        operator.save(update_fields=["is_active"])
        if not is_active:
            sessions.end_all(operator)
        _record(
            operator,
            "enabled" if is_active else "disabled",
            acting_operator,
            source,
            at,
            reason,
            {"is_active": [not is_active, is_active]},
        )
    tokens.forget_cached()
    return operator


def set_groups(
    *,
    username: str,
    groups: Collection[str],
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Operator:
    """Put an operator into exactly these groups; the rights hold from now on.

    Raises InvalidInput for an unknown group, PermissionRefused for a group whose
    rights the acting operator lacks, LastAdministrator when nobody would be left.
    """
    with (
        transaction.atomic(),
        rights.keeping_an_administrator(operator=username),
    ):
        operator = _locked(username)
        rights.require_over(acting_operator, operator)
        wanted, faults = _groups(groups)
        if faults:
            raise InvalidInput(_("The groups cannot be changed."), faults=faults)
        present = list(operator.groups.all())
        joined = [group for group in wanted if group not in present]
        rights.require_giving(acting_operator, _permissions_of(joined))
        before = sorted(group.name for group in present)
        after = sorted(group.name for group in wanted)
        if before == after:
            return operator
        operator.groups.set(wanted)
        _record(
            operator,
            "groups_changed",
            acting_operator,
            source,
            at,
            reason,
            {"groups": [before, after]},
        )
    tokens.forget_cached()
    return operator


def reset_password(
    *,
    username: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    password: str = "",
    reason: str = "",
) -> NewSignIn:
    """Give a new password, end the sessions, forget failed attempts.

    ``password`` has been validated by the caller; without one a random one is
    made, to be shown once.
    """
    with transaction.atomic():
        operator = _locked(username)
        rights.require_over(acting_operator, operator)
        chosen = password or new_password()
        operator.set_password(chosen)
        operator.save(update_fields=["password"])
        sessions.end_all(operator)
        reset_lockout(username=operator.username)
        _record(operator, "password_changed", acting_operator, source, at, reason, {})
    return NewSignIn(operator, chosen)


def reset_lockout_of(
    *,
    username: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Operator:
    """Let an operator try again who was locked out after failed attempts."""
    with transaction.atomic():
        operator = _locked(username)
        rights.require_over(acting_operator, operator)
        ended = reset_lockout(username=operator.username)
        ended += SecondFactor.objects.filter(
            operator=operator, locked_until__isnull=False
        ).update(failures=0, locked_until=None)
        if ended:
            _record(operator, "unlocked", acting_operator, source, at, reason, {})
    return operator


def reset_second_factor(
    *,
    username: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Operator:
    """Take the second factor off an operator who lost it."""
    with transaction.atomic():
        operator = _locked(username)
        rights.require_over(acting_operator, operator)
        ended, _each = SecondFactor.objects.filter(operator=operator).delete()
        if ended:
            _record(
                operator,
                "second_factor_reset",
                acting_operator,
                source,
                at,
                reason,
                {"second_factor": [True, False]},
            )
    return operator


def _locked(username: str) -> Operator:
    found = Operator.objects.select_for_update().filter(username=username).first()
    if found is None:
        raise NotFound(_("No operator is named %(name)s."), name=username)
    return found


def _known(values: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(values) - set(CHANGEABLE))
    if unknown:
        raise InvalidInput(
            _("The operator cannot be changed."),
            faults=[
                Fault(
                    name,
                    _("No such field; known are %(names)s.")
                    % {"names": ", ".join(CHANGEABLE)},
                )
                for name in unknown
            ],
        )
    return {name: str(value).strip() for name, value in values.items()}


def _faults_of(operator: Operator, fields: tuple[str, ...]) -> list[Fault]:
    faults = []
    exclude = {field.name for field in Operator._meta.fields} - set(fields)
    try:
        operator.full_clean(exclude=exclude)
    except ValidationError as error:
        faults = [
            Fault(name, message)
            for name, found in error.message_dict.items()
            for message in found
        ]
    if operator.language and operator.language not in dict(settings.LANGUAGES):
        faults.append(
            Fault(
                "language",
                _("The language is one of %(codes)s.")
                % {"codes": ", ".join(dict(settings.LANGUAGES))},
            )
        )
    zone = operator.time_zone
    if zone and zone not in zoneinfo.available_timezones():
        faults.append(
            Fault(
                "time_zone",
                _("%(zone)s is no time zone of the tz database, such as Europe/Paris.")
                % {"zone": zone},
            )
        )
    return faults


def _groups(names: Collection[str]) -> tuple[list[Group], list[Fault]]:
    found = list(Group.objects.filter(name__in=names))
    missing = sorted(set(names) - {group.name for group in found})
    faults = [
        Fault("groups", _("No group is named %(name)s.") % {"name": name})
        for name in missing
    ]
    return found, faults


def _permissions_of(groups: Collection[Group]) -> list[Permission]:
    return list(
        Permission.objects.filter(group__in=groups)
        .select_related("content_type")
        .distinct()
    )


def _record(
    operator: Operator,
    verb: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str,
    changes: Mapping[str, Any],
) -> None:
    audit.record(
        action=f"access.operator.{verb}",
        object_type=OBJECT_TYPE,
        object_id=operator.pk,
        object_label=operator.username,
        changes=changes,
        acting_operator=acting_operator,
        source=source,
        reason=reason,
        at=at,
    )
