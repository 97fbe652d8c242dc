"""Named rights: who has which by what, and who may give them to others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.access.models import Operator
from campaign.access.services.setup import APPS
from workflows.exceptions import AppError, PermissionRefused

MANAGE = "access.manage"
OWN_TOKEN = "access.own_token"  # noqa: S105 (the name of a right)
#: Rights that Django declares by itself and nothing here asks for.
UNASKED = ("add_", "delete_")
#: What a label alone does not tell.
EXPLANATIONS: Mapping[str, str | Promise] = {
    "workflows.view": gettext_lazy("Every list, page and log of workflows."),
    "workflows.execute": gettext_lazy(
        "Commands over workflows that are not technical; needed for the others too."
    ),
    "workflows.operate_technical": gettext_lazy(
        "Commands over the technical workflows, which run this instance."
    ),
    "workflows.change_technical": gettext_lazy(
        "Can delay or stop work of the instance: for administrators."
    ),
    "workflows.edit_structure": gettext_lazy(
        "Changes what a workflow does: for administrators."
    ),
    "workflows.kill": gettext_lazy(
        "Ends running tasks in the middle; their work may be left half done."
    ),
    "workflows.change_run_as": gettext_lazy(
        "Lets a workflow act with the rights of another operator."
    ),
    "workflows.answer": gettext_lazy("Of the groups that a question was put to."),
    "workflows.sql": gettext_lazy("Reads and writes the database directly."),
    "workflows.command": gettext_lazy("Executes programs on the server."),
    "workflows.view_audit": gettext_lazy("Who changed what, and when."),
    "workflows.freeze": gettext_lazy("Stops all scheduled work at once."),
    "access.manage": gettext_lazy(
        "Makes its holder an administrator of access: operators, groups, rights, all"
        " tokens. Nobody can give rights that they do not have."
    ),
    "access.own_token": gettext_lazy(
        "Make and revoke tokens that act with the operator's own rights."
    ),
    "platform.change_option": gettext_lazy("Settings of the whole instance."),
}


class LastAdministrator(AppError):
    """%(operator)s is the last active administrator: make another one first."""

    code = "last_administrator"
    status = 409


@dataclass(frozen=True, slots=True)
class Right:
    """A named right and how a person reads it."""

    name: str
    label: str
    explanation: str
    part: str
    pk: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an operator has a right, and by what."""

    right: Right
    has_it: bool
    sources: tuple[str, ...]


def known_rights() -> list[Right]:
    """Return every right that something asks for, by part. One query."""
    return [_right(permission) for permission in _asked()]


def _asked() -> QuerySet[Permission]:
    return (
        Permission.objects.filter(content_type__app_label__in=APPS)
        .exclude(reduce(or_, (Q(codename__startswith=prefix) for prefix in UNASKED)))
        .select_related("content_type")
        .order_by("content_type__app_label", "id")
    )


#: The rights that Django gives every model, in words of the console.
DEFAULTS: Mapping[str, str | Promise] = {
    "change_": gettext_lazy("Change: %(what)s"),
    "view_": gettext_lazy("See: %(what)s"),
}


def _label(permission: Permission) -> str:
    """Return what a right is called in the reader's language. No SQL."""
    model = permission.content_type.model_class()
    for prefix, words in DEFAULTS.items():
        if (
            model is not None
            and permission.codename == f"{prefix}{model._meta.model_name}"
        ):
            return str(words) % {"what": model._meta.verbose_name_plural}
    return _(permission.name)


def _right(permission: Permission) -> Right:
    name = name_of(permission)
    part = permission.content_type.app_label
    return Right(
        name=name,
        label=_label(permission),
        explanation=str(EXPLANATIONS.get(name, "")),
        part=str(PARTS.get(part, part)),
        pk=permission.pk,
    )


PARTS: Mapping[str, str | Promise] = {
    "access": gettext_lazy("Access"),
    "platform": gettext_lazy("Configuration"),
    "packages": gettext_lazy("Packages"),
    "deliveries": gettext_lazy("Deliveries"),
    "messagecenter": gettext_lazy("Message Center"),
    "workflows": gettext_lazy("Technical workflows"),
}


def name_of(permission: Permission) -> str:
    """Return the name by which a right is asked for; its content type is loaded."""
    return f"{permission.content_type.app_label}.{permission.codename}"


def verdicts(operator: Operator) -> list[Verdict]:
    """Return every known right with whether ``operator`` has it and why. Four queries.

    Reads the database afresh: it does not ask what a request has cached.
    """
    by_right: dict[int, list[str]] = {}
    groups = operator.groups.order_by("name").prefetch_related("permissions")
    for group in groups:
        for permission in group.permissions.all():
            by_right.setdefault(permission.pk, []).append(group.name)
    own = set(operator.user_permissions.values_list("pk", flat=True))
    found = []
    for right in known_rights():
        sources = list(by_right.get(right.pk, ()))
        if right.pk in own:
            sources.append(_("given to the operator alone"))
        if operator.is_superuser:
            sources.insert(0, _("superuser"))
        has_it = operator.is_active and bool(sources)
        found.append(Verdict(right, has_it, tuple(sources)))
    return found


def require(acting_operator: Operator | None, right: str = MANAGE) -> None:
    """Raise PermissionRefused without the right; None is the server's command line."""
    if acting_operator is not None and not acting_operator.has_perm(right):
        raise PermissionRefused(
            operator=acting_operator.get_username(), permission=right
        )


def require_over(acting_operator: Operator | None, operator: Operator) -> None:
    """Raise PermissionRefused when ``operator`` is out of reach.

    Who manages access is no superuser by that, and must not become one by giving
    a superuser a new password.
    """
    require(acting_operator)
    if acting_operator is None or acting_operator.is_superuser:
        return
    if operator.is_superuser:
        raise PermissionRefused(
            _("%(operator)s is a superuser: only a superuser may change that."),
            operator=operator.get_username(),
        )


def require_giving(
    acting_operator: Operator | None, permissions: Collection[Permission]
) -> None:
    """Raise PermissionRefused for a right that the giver does not have."""
    if acting_operator is None or acting_operator.is_superuser:
        return
    held = acting_operator.get_all_permissions()
    for permission in permissions:
        if name_of(permission) not in held:
            raise PermissionRefused(
                _("You cannot give the right %(permission)s, which you lack."),
                permission=name_of(permission),
            )


def administrators() -> QuerySet[Operator]:
    """Return the active operators who may manage access."""
    name, _dot, codename = MANAGE.partition(".")
    manage = Permission.objects.filter(
        content_type__app_label=name, codename=codename
    ).values("pk")
    groups = Group.objects.filter(permissions__in=manage).values("pk")
    return Operator.objects.filter(
        Q(is_superuser=True) | Q(groups__in=groups) | Q(user_permissions__in=manage),
        is_active=True,
    ).distinct()


@contextmanager
def keeping_an_administrator(message: str = "", **fields: Any) -> Iterator[None]:
    """Raise LastAdministrator when the change inside leaves nobody who manages access.

    In a transaction, which then is rolled back. Such changes happen one after the
    other, or two of them could each take away the other's last administrator.
    """
    name, _dot, codename = MANAGE.partition(".")
    list(
        Permission.objects.select_for_update(of=("self",)).filter(
            content_type__app_label=name, codename=codename
        )
    )
    had_one = administrators().exists()
    yield
    if had_one and not administrators().exists():
        raise LastAdministrator(message, **fields)
