"""Options that an administrator adds, for scripts and conditions to read."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaign.platform.models import Option
from campaign.platform.services import options
from workflows import audit
from workflows.actions import rights
from workflows.exceptions import AppError, Fault, InvalidInput
from workflows.models import Source

ADD_RIGHT = "platform.add_option"
DELETE_RIGHT = "platform.delete_option"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class OptionBuiltIn(AppError):
    """%(name)s belongs to a package and cannot be deleted: reset it instead."""

    code = "option_built_in"
    status = 409


def create_option(
    *,
    name: str,
    label: str,
    data_type: str,
    value: Any,
    is_secret: bool = False,
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> options.OptionState:
    """Add a custom option with its first value.

    Raises PermissionRefused, or InvalidInput naming every field that is wrong.
    """
    rights.require(acting_operator, ADD_RIGHT)
    faults = []
    if _NAME.fullmatch(name) is None:
        faults.append(
            Fault("name", _("Begin with a letter; then letters, digits and _."))
        )
    if not label.strip():
        faults.append(Fault("label", _("Say in a few words what the option is for.")))
    if data_type not in options.EMPTY:
        known = ", ".join(Option.DataType.values)
        faults.append(
            Fault("data_type", _("Choose one of %(known)s.") % {"known": known})
        )
    else:
        option: options.DeclaredOption[Any] = options.DeclaredOption(
            name,
            Option.DataType(data_type),
            options.EMPTY[Option.DataType(data_type)],
            label,
            is_secret=is_secret,
            is_custom=True,
        )
        if fault := options.check_value(option, value):
            faults.append(fault)
    with transaction.atomic():
        # A pointer of a workflow has a row without being declared.
        taken = name in options.declared() or Option.objects.filter(name=name).exists()
        if taken:
            faults.append(Fault("name", _("Another option has this name already.")))
        if faults:
            raise InvalidInput(_("The option cannot be added."), faults=faults)
        row = Option.objects.create(
            name=name,
            label=label.strip()[:255],
            data_type=data_type,
            value=value,
            is_custom=True,
            is_secret=is_secret,
            modified_by=acting_operator,
        )
        audit.record(
            action="platform.option.created",
            object_type="platform.option",
            object_id=name[:64],
            object_label=name,
            acting_operator=acting_operator,
            source=source,
            at=at,
            changes={
                "label": [None, row.label],
                "data_type": [None, data_type],
                "value": options.masked(option, None, value),
            },
        )
    return options.OptionState(
        replace(option, description=row.label), value, acting_operator, row.modified_at
    )


def delete_option(
    *,
    name: str,
    acting_operator: Any,
    source: Source,
    at: datetime,
    reason: str = "",
) -> None:
    """Delete a custom option.

    Raises NotFound, PermissionRefused, and OptionBuiltIn for one that code declares.
    """
    rights.require(acting_operator, DELETE_RIGHT)
    option = options.find(name)
    if not option.is_custom:
        raise OptionBuiltIn(name=name)
    with transaction.atomic():
        row = Option.objects.select_for_update().filter(name=name, is_custom=True)
        present = row.first()
        if present is None:
            return
        audit.record(
            action="platform.option.deleted",
            object_type="platform.option",
            object_id=name[:64],
            object_label=name,
            acting_operator=acting_operator,
            source=source,
            at=at,
            changes={"value": options.masked(option, present.value, None)},
            reason=reason,
        )
        present.delete()
