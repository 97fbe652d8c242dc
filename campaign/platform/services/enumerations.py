"""Enumerations with their values and aliases (enumerations.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaign.platform.models import (
    Enumeration,
    EnumerationAlias,
    EnumerationValue,
)
from campaign.platform.services.built_in_enumerations import BUILT_IN
from workflows import audit
from workflows.actions import rights
from workflows.exceptions import AppError, Fault, InvalidInput, NotFound
from workflows.models import Source

VIEW_RIGHT = "platform.view_enumeration"
ADD_RIGHT = "platform.add_enumeration"
CHANGE_RIGHT = "platform.change_enumeration"
DELETE_RIGHT = "platform.delete_enumeration"
OBJECT = "platform.enumeration"
LONGEST = 128
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class EnumerationFixed(AppError):
    """The enumeration %(name)s belongs to the product: it cannot be changed so."""

    code = "enumeration_fixed"
    status = 409


def find_enumeration(internal_name: str) -> Enumeration:
    """Return an enumeration. One query. Raises NotFound."""
    found = Enumeration.objects.filter(internal_name=internal_name).first()
    if found is None:
        raise NotFound(_("No enumeration is named %(name)s."), name=internal_name)
    return found


def create_enumeration(
    *,
    internal_name: str,
    label: str,
    kind: str = Enumeration.Kind.OPEN,
    cleanses_aliases: bool = False,
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> Enumeration:
    """Add an enumeration. Raises PermissionRefused or InvalidInput."""
    rights.require(acting_operator, ADD_RIGHT)
    faults = _head_faults(label, kind)
    if _NAME.fullmatch(internal_name) is None:
        words = _("Begin with a letter; then letters, digits and _.")
        faults.append(Fault("internal_name", words))
    elif Enumeration.objects.filter(internal_name=internal_name).exists():
        faults.append(Fault("internal_name", _("Another enumeration has this name.")))
    if faults:
        raise InvalidInput(_("The enumeration cannot be added."), faults=faults)
    with transaction.atomic():
        made = Enumeration.objects.create(
            internal_name=internal_name,
            label=label.strip(),
            kind=kind,
            cleanses_aliases=cleanses_aliases,
        )
        changes = audit.changed({}, _told(made))
        _record(made, "created", changes, acting_operator, source, at)
    return made


def change_enumeration(
    *,
    internal_name: str,
    label: str | None = None,
    kind: str | None = None,
    cleanses_aliases: bool | None = None,
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> Enumeration:
    """Change the head of an enumeration; nothing is written when nothing differs.

    Raises NotFound, PermissionRefused, EnumerationFixed, InvalidInput.
    """
    rights.require(acting_operator, CHANGE_RIGHT)
    with transaction.atomic():
        found = _locked(internal_name)
        before = _told(found)
        faults = _head_faults(
            found.label if label is None else label,
            found.kind if kind is None else kind,
        )
        if faults:
            raise InvalidInput(_("The enumeration cannot be changed."), faults=faults)
        if kind is not None and kind != found.kind:
            _require_not_system(found)
            found.kind = kind
        if label is not None:
            found.label = label.strip()
        if cleanses_aliases is not None:
            found.cleanses_aliases = cleanses_aliases
        if changes := audit.changed(before, _told(found)):
            found.save()
            _record(found, "changed", changes, acting_operator, source, at)
    return found


def delete_enumeration(
    *,
    internal_name: str,
    acting_operator: Any,
    source: Source,
    at: datetime,
    reason: str = "",
) -> None:
    """Delete an enumeration with its values and aliases.

    Raises NotFound, PermissionRefused, and EnumerationFixed for a built-in one.
    """
    rights.require(acting_operator, DELETE_RIGHT)
    with transaction.atomic():
        found = _locked(internal_name)
        if internal_name in BUILT_IN or found.kind == Enumeration.Kind.SYSTEM:
            raise EnumerationFixed(name=internal_name)
        values = list(found.values.values_list("value", flat=True))
        changes = {**audit.changed(_told(found), {}), "values": [values, None]}
        _record(found, "deleted", changes, acting_operator, source, at, reason)
        found.delete()


def save_value(
    *,
    internal_name: str,
    value: str,
    new_value: str | None = None,
    label: str | None = None,
    order: int | None = None,
    is_default: bool | None = None,
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> EnumerationValue:
    """Add a value, or change the one that is written so.

    ``new_value`` renames it. A new default takes the place of the old one. Raises
    NotFound, PermissionRefused, EnumerationFixed for a system one, InvalidInput.
    """
    rights.require(acting_operator, CHANGE_RIGHT)
    value = value.strip()
    with transaction.atomic():
        found = _locked(internal_name)
        _require_not_system(found)
        row = found.values.filter(value__iexact=value).first()
        before = _value_told(row) if row else {}
        if row is None:
            last = found.values.order_by("-order").first()
            row = EnumerationValue(
                enumeration=found,
                value=value,
                label=value,
                order=last.order + 1 if last else 0,
            )
        if new_value is not None:
            row.value = new_value.strip()
        if label is not None:
            row.label = label.strip() or row.value
        if order is not None:
            row.order = order
        if is_default is not None:
            row.is_default = is_default
        if faults := _value_faults(found, row):
            raise InvalidInput(_("The value cannot be saved."), faults=faults)
        if changes := audit.changed(before, _value_told(row)):
            if row.is_default:
                found.values.exclude(pk=row.pk).update(is_default=False)
            row.save()
            told = {f"{row.value}.{name}": pair for name, pair in changes.items()}
            verb = "value_changed" if before else "value_added"
            _record(found, verb, told, acting_operator, source, at)
    return row


def delete_value(
    *,
    internal_name: str,
    value: str,
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> None:
    """Delete a value with its aliases; what is stored in documents stays as it is.

    Raises NotFound, PermissionRefused, EnumerationFixed.
    """
    rights.require(acting_operator, CHANGE_RIGHT)
    with transaction.atomic():
        found = _locked(internal_name)
        _require_not_system(found)
        row = find_value(found, value)
        aliases = list(row.aliases.values_list("alias", flat=True))
        changes = {"value": [row.value, None], "aliases": [aliases, None]}
        _record(found, "value_deleted", changes, acting_operator, source, at)
        row.delete()


def save_alias(
    *,
    internal_name: str,
    alias: str,
    value: str,
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> EnumerationAlias:
    """Have ``alias`` stand for ``value``, whatever it stood for before.

    An alias may not be written like a value, so that no chain of aliases can arise.
    Raises NotFound, PermissionRefused, EnumerationFixed, InvalidInput.
    """
    rights.require(acting_operator, CHANGE_RIGHT)
    alias = alias.strip()
    with transaction.atomic():
        found = _locked(internal_name)
        _require_not_system(found)
        target = find_value(found, value)
        faults = []
        if not alias or len(alias) > LONGEST:
            words = _("Give an alias of up to 128 characters.")
            faults.append(Fault("alias", words))
        elif found.values.filter(value__iexact=alias).exists():
            words = _("This is a value itself: an alias of it would lead in a circle.")
            faults.append(Fault("alias", words))
        if faults:
            raise InvalidInput(_("The alias cannot be saved."), faults=faults)
        row = found.aliases.select_related("value").filter(alias__iexact=alias).first()
        before = row.value.value if row else None
        if row is not None and row.value_id == target.pk:
            return row
        if row is None:
            row = EnumerationAlias(enumeration=found, alias=alias)
        row.value = target
        row.save()
        changes = {f"alias {alias}": [before, target.value]}
        _record(found, "alias_saved", changes, acting_operator, source, at)
    return row


def delete_alias(
    *,
    internal_name: str,
    alias: str,
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> None:
    """Forget an alias. Raises NotFound, PermissionRefused, EnumerationFixed."""
    rights.require(acting_operator, CHANGE_RIGHT)
    with transaction.atomic():
        found = _locked(internal_name)
        _require_not_system(found)
        row = found.aliases.select_related("value").filter(alias__iexact=alias.strip())
        present = row.first()
        if present is None:
            raise NotFound(_("No alias is written %(alias)s."), alias=alias)
        changes = {f"alias {present.alias}": [present.value.value, None]}
        _record(found, "alias_deleted", changes, acting_operator, source, at)
        present.delete()


def find_value(enumeration: Enumeration, value: str) -> EnumerationValue:
    """Return a value of an enumeration. One query. Raises NotFound."""
    row = enumeration.values.filter(value__iexact=value.strip()).first()
    if row is None:
        raise NotFound(_("No value is written %(value)s."), value=value)
    return row


def _locked(internal_name: str) -> Enumeration:
    rows = Enumeration.objects.select_for_update()
    found = rows.filter(internal_name=internal_name).first()
    if found is None:
        raise NotFound(_("No enumeration is named %(name)s."), name=internal_name)
    return found


def _require_not_system(enumeration: Enumeration) -> None:
    if enumeration.kind == Enumeration.Kind.SYSTEM:
        raise EnumerationFixed(name=enumeration.internal_name)


def _head_faults(label: str, kind: str) -> list[Fault]:
    faults = []
    if not label.strip() or len(label) > LONGEST:
        faults.append(Fault("label", _("Give a label of up to 128 characters.")))
    if kind not in Enumeration.Kind.values:
        known = {"known": ", ".join(Enumeration.Kind.values)}
        faults.append(Fault("kind", _("Choose one of %(known)s.") % known))
    return faults


def _value_faults(enumeration: Enumeration, row: EnumerationValue) -> list[Fault]:
    faults = []
    if not row.value or len(row.value) > LONGEST:
        faults.append(Fault("value", _("Give a value of up to 128 characters.")))
    if len(row.label) > LONGEST:
        faults.append(Fault("label", _("Give a label of up to 128 characters.")))
    if not 0 <= row.order < 2**31:
        faults.append(Fault("order", _("Give a number from 0 on.")))
    same = enumeration.values.filter(value__iexact=row.value).exclude(pk=row.pk)
    if same.exists():
        faults.append(Fault("value", _("The enumeration has this value already.")))
    if enumeration.aliases.filter(alias__iexact=row.value).exists():
        words = _("This is an alias of another value: delete that alias first.")
        faults.append(Fault("value", words))
    return faults


def _told(enumeration: Enumeration) -> dict[str, Any]:
    return {
        "label": enumeration.label,
        "kind": str(enumeration.kind),
        "cleanses_aliases": enumeration.cleanses_aliases,
    }


def _value_told(row: EnumerationValue) -> dict[str, Any]:
    return {
        "value": row.value,
        "label": row.label,
        "order": row.order,
        "is_default": row.is_default,
    }


def _record(
    enumeration: Enumeration,
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
        object_id=enumeration.internal_name,
        object_label=enumeration.label,
        acting_operator=acting_operator,
        source=source,
        at=at,
        changes=changes,
        reason=reason,
    )
