"""What every change of an event type or template shares: right, faults, audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from campaign.access.models import Operator
from workflows import audit
from workflows.exceptions import AppError, Fault, InvalidInput, PermissionRefused
from workflows.models import Source

CHANGE_TYPE = "messagecenter.change_eventtype"
CHANGE_TEMPLATE = "messagecenter.change_messagetemplate"
PUBLISH = "messagecenter.publish_template"


class PublicationRefused(AppError):
    """This is not possible while the publication is in the state %(state)s."""

    code = "publication_refused"
    status = 409


class ChangedMeanwhile(AppError):
    """%(name)s was changed by somebody else meanwhile: reload and edit that."""

    code = "stale_version"
    status = 412


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change, when, from where and why; no operator is the engine."""

    operator: Operator | None
    source: Source
    at: datetime
    reason: str = ""

    def require(self, permission: str) -> None:
        """Raise PermissionRefused unless the operator has the right."""
        if self.operator is not None and not self.operator.has_perm(permission):
            raise PermissionRefused(operator=self.operator, permission=permission)

    def record(
        self, action: str, row: Model, label: str, changes: Mapping[str, Any]
    ) -> None:
        """Write the audit entry of the change in the caller's transaction."""
        audit.record(
            action=action,
            object_type=row._meta.model_name or "",
            object_id=str(row.pk),
            object_label=label,
            changes=changes,
            acting_operator=self.operator,
            source=self.source,
            reason=self.reason,
            at=self.at,
        )


def field_faults(row: Model, fields: Iterable[str]) -> list[Fault]:
    """Return what the model's own fields refuse. No SQL."""
    wanted = set(fields)
    others = {field.name for field in row._meta.fields} - wanted
    try:
        row.clean_fields(exclude=others)
    except ValidationError as error:
        return [
            Fault(name, message)
            for name, messages in error.message_dict.items()
            for message in messages
        ]
    return []


def unknown_faults(values: Mapping[str, Any], allowed: Iterable[str]) -> list[Fault]:
    """Return a fault for each value that this change cannot take."""
    known = tuple(allowed)
    text = _("This cannot be set here; possible are %(names)s.")
    return [
        Fault(name, text % {"names": ", ".join(known)})
        for name in values
        if name not in known
    ]


def refuse(faults: list[Fault], message: str) -> None:
    """Raise InvalidInput when there are faults."""
    if faults:
        raise InvalidInput(message, faults=faults)
