"""Changing the properties of a workflow (workflow-properties.md)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from workflows import audit
from workflows.actions import rights
from workflows.actions.find import lock_workflow
from workflows.engine import calendar, replanning
from workflows.engine.graph import Graph
from workflows.exceptions import Fault, InvalidInput
from workflows.models import Source, Workflow

EDITABLE = (
    "own_label",
    "description",
    "severity",
    "history_days",
    "error_policy",
    "time_zone",
    "supervisors",
)


def save_properties(
    *,
    internal_name: str,
    values: Mapping[str, Any],
    acting_operator: Any,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Workflow:
    """Change some of the EDITABLE properties; ``supervisors`` is a list of groups.

    A new time zone plans the schedule anew. Raises NotFound, PermissionRefused,
    and InvalidInput with every fault.
    """
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        rights.require(acting_operator, rights.CHANGE)
        faults = [
            Fault(name, _("This property cannot be changed."))
            for name in values
            if name not in EDITABLE
        ]
        zone = values.get("time_zone")
        if zone and calendar.find_zone(zone) is None:
            faults.append(
                Fault(
                    "time_zone",
                    _("Use a name of the tz database, such as Europe/Paris."),
                )
            )
        changes = {} if faults else _assign(workflow, values)
        faults += _model_faults(workflow)
        if faults:
            raise InvalidInput(_("The properties have faults."), faults=faults)
        workflow.save()
        if "time_zone" in changes and workflow.structure is not None:
            replanning.adopt_structure(workflow, Graph.of(workflow.structure.graph), at)
        if changes:
            audit.record(
                action="workflows.workflow.properties_changed",
                object_type="workflows.workflow",
                object_id=workflow.internal_name,
                object_label=workflow.internal_name,
                acting_operator=acting_operator,
                source=source,
                at=at,
                changes=changes,
                reason=reason,
            )
    return workflow


def _assign(workflow: Workflow, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Set the values; return what changed as before and after."""
    changes: dict[str, list[Any]] = {}
    for name, value in values.items():
        if name == "supervisors":
            before = sorted(g.name for g in workflow.supervisors.all())
            after = sorted(g.name for g in value)
            workflow.supervisors.set(value)
        else:
            before, after = getattr(workflow, name), value
            setattr(workflow, name, value)
        if before != after:
            changes[name] = [before, after]
    return changes


def _model_faults(workflow: Workflow) -> list[Fault]:
    try:
        workflow.clean_fields(exclude=["structure", "variables"])
    except ValidationError as error:
        return [
            Fault(field, " ".join(messages))
            for field, messages in error.message_dict.items()
        ]
    return []
