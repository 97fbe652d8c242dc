"""Groups: made, deleted, given rights."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.access.models import Operator
from campaign.access.services import rights, tokens
from campaign.access.services.setup import BUILT_IN_GROUPS
from workflows import audit
from workflows.exceptions import AppError, Fault, InvalidInput, NotFound
from workflows.models import Source

OBJECT_TYPE = "auth.group"

_LAST = gettext_lazy(
    "Without this right of the group %(group)s nobody could manage access any more:"
    " make another administrator first."
)


class BuiltInGroup(AppError):
    """%(group)s is a built-in group: it keeps its name and cannot be deleted."""

    code = "built_in_group"
    status = 409


@dataclass(frozen=True, slots=True)
class GroupDiff:
    """What a new set of rights changes of one group."""

    group: Group
    added: tuple[rights.Right, ...]
    removed: tuple[rights.Right, ...]


def find(name: str) -> Group:
    """Return a group by name. Raises NotFound."""
    found = Group.objects.filter(name=name).first()
    if found is None:
        raise NotFound(_("No group is named %(name)s."), name=name)
    return found


def create_group(
    *,
    name: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Group:
    """Make a group without members or rights."""
    rights.require(acting_operator)
    group = Group(name=name.strip())
    try:
        group.full_clean()
        with transaction.atomic():
            group.save(force_insert=True)
            changes = {"name": [None, group.name]}
            _record(group, "created", acting_operator, source, at, reason, changes)
    except (ValidationError, IntegrityError) as error:
        messages = getattr(error, "messages", None) or [_("This name is taken.")]
        raise InvalidInput(
            _("The group cannot be made."),
            faults=[Fault("name", message) for message in messages],
        ) from error
    return group


def create_group_with_rights(
    *,
    name: str,
    names: Collection[str],
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Group:
    """Make a group that has these named rights from the start, or none at all."""
    with transaction.atomic():
        group = create_group(
            name=name,
            acting_operator=acting_operator,
            source=source,
            at=at,
            reason=reason,
        )
        return set_rights(
            name=group.name,
            names=names,
            acting_operator=acting_operator,
            source=source,
            at=at,
            reason=reason,
        )


def delete_group(
    *,
    name: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> None:
    """Delete a group; its members lose the rights that it gave them.

    Raises BuiltInGroup, or LastAdministrator when nobody would be left.
    """
    rights.require(acting_operator)
    with transaction.atomic(), rights.keeping_an_administrator(str(_LAST), group=name):
        group = _locked(name)
        if group.name in BUILT_IN_GROUPS:
            raise BuiltInGroup(group=group.name)
        members = sorted(group.user_set.values_list("username", flat=True))
        key = group.pk
        group.delete()
        group.pk = key
        _record(
            group,
            "deleted",
            acting_operator,
            source,
            at,
            reason,
            {"name": [name, None], "members": [members, None]},
        )
    tokens.forget_cached()


def difference(
    wanted: Mapping[int, Collection[str]],
) -> list[GroupDiff]:
    """Return what the rights ``wanted`` by group id would change. Three queries."""
    known = {right.name: right for right in rights.known_rights()}
    found = []
    groups = Group.objects.filter(pk__in=wanted).order_by("name")
    for group in groups.prefetch_related("permissions__content_type"):
        present = {rights.name_of(each) for each in group.permissions.all()}
        after = set(wanted[group.pk])
        added = tuple(r for n, r in known.items() if n in after - present)
        removed = tuple(r for n, r in known.items() if n in present - after)
        if added or removed:
            found.append(GroupDiff(group, added, removed))
    return found


def set_rights(
    *,
    name: str,
    names: Collection[str],
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Group:
    """Give a group exactly these named rights, which hold for its members at once.

    Rights that no page shows stay. Raises InvalidInput for an unknown right,
    PermissionRefused for one that the acting operator lacks, LastAdministrator
    when nobody would be left to manage access.
    """
    rights.require(acting_operator)
    with transaction.atomic(), rights.keeping_an_administrator(str(_LAST), group=name):
        group = _locked(name)
        known = {right.name: right for right in rights.known_rights()}
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise InvalidInput(
                _("The rights cannot be changed."),
                faults=[
                    Fault("rights", _("No right is named %(name)s.") % {"name": each})
                    for each in unknown
                ],
            )
        present = {
            rights.name_of(each)
            for each in group.permissions.select_related("content_type")
        } & set(known)
        added, removed = set(names) - present, present - set(names)
        if not added and not removed:
            return group
        given = Permission.objects.filter(
            pk__in=[known[each].pk for each in added]
        ).select_related("content_type")
        rights.require_giving(acting_operator, list(given))
        group.permissions.add(*given)
        group.permissions.remove(*[known[each].pk for each in removed])
        changes = {"rights": [sorted(present), sorted(names)]}
        _record(group, "rights_changed", acting_operator, source, at, reason, changes)
    tokens.forget_cached()
    return group


def _locked(name: str) -> Group:
    found = Group.objects.select_for_update().filter(name=name).first()
    if found is None:
        raise NotFound(_("No group is named %(name)s."), name=name)
    return found


def _record(
    group: Group,
    verb: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str,
    changes: Mapping[str, Any],
) -> None:
    audit.record(
        action=f"access.group.{verb}",
        object_type=OBJECT_TYPE,
        object_id=group.pk,
        object_label=group.name,
        changes=changes,
        acting_operator=acting_operator,
        source=source,
        reason=reason,
        at=at,
    )
