"""The audit trail of changes that are no commands: who changed what, from where."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workflows.models import AuditEntry, Source


def record(
    *,
    action: str,
    object_type: str,
    object_id: str | int,
    object_label: str = "",
    changes: Mapping[str, Any] | None = None,
    acting_operator: Any,
    source: Source | str,
    reason: str = "",
    at: datetime,
) -> AuditEntry:
    """Write an audit entry in the caller's transaction, so that both stand or fall.

    ``action`` is a dotted code such as ``platform.option.changed``; ``changes``
    maps a field to ``[before, after]``. ``acting_operator`` None is the engine.
    """
    return AuditEntry.objects.create(
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        object_label=object_label[:128],
        changes=dict(changes or {}),
        operator=acting_operator,
        author=acting_operator.get_username() if acting_operator else "",
        source=source,
        reason=reason[:512],
        at=at,
    )


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{field: [before, after]}`` for the fields that differ."""
    return {
        name: [before.get(name), after.get(name)]
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    }
