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
from workflows.actions.structure import IN_BETWEEN
from workflows.engine import calendar, replanning, surroundings
from workflows.engine.calendar import Blackout, ScheduleError
from workflows.engine.findings import Finding
from workflows.engine.graph import Graph
from workflows.exceptions import Fault, InvalidInput
from workflows.models import Source, Workflow

RUN_AS = "run_as"
CHANGE_RUN_AS = "workflows.change_run_as"
EDITABLE = (
    "own_label",
    "description",
    "owner",
    "runbook",
    "on_error",
    "severity",
    "history_days",
    "error_policy",
    "max_consecutive_errors",
    "auto_restart",
    "overlap_policy",
    "parallel_branches",
    "blackouts",
    "affinity",
    "expected_seconds",
    "deadline_seconds",
    "backlog_max_rows",
    "backlog_max_seconds",
    "time_zone",
    "supervisors",
    RUN_AS,
)
# What may be changed even while a command is taking effect.
ALWAYS_EDITABLE = ("description", "owner", "runbook", "on_error")


def save_properties(
    *,
    internal_name: str,
    values: Mapping[str, Any],
    acting_operator: Any,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Workflow:
    """Change some of the EDITABLE properties.

    ``supervisors`` is a list of groups, ``run_as`` an operator or None. A new time
    zone plans the schedule anew; everything else counts from the next task on.
    Raises NotFound, PermissionRefused, and InvalidInput with every fault.
    """
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        rights.require(acting_operator, rights.CHANGE)
        changes = change_properties(workflow, values, acting_operator=acting_operator)
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


def change_properties(
    workflow: Workflow, values: Mapping[str, Any], *, acting_operator: Any
) -> dict[str, list[Any]]:
    """Set and save the values; return what changed as before and after.

    The caller holds the workflow. Raises like :func:`save_properties`.
    """
    faults = [*_refused(workflow, values), *_value_faults(values)]
    changes = {} if faults else _assign(workflow, values)
    if RUN_AS in changes:
        rights.require(acting_operator, CHANGE_RUN_AS)
    faults += _model_faults(workflow)
    if faults:
        raise InvalidInput(_("The properties have faults."), faults=faults)
    if changes:
        workflow.modified_by = acting_operator
        workflow.save()
    return changes


def property_warnings(workflow: Workflow, at: datetime) -> list[Finding]:
    """Return what is to say about properties that are allowed: dead affinities."""
    affinity = {"": workflow.affinity} if workflow.affinity else {}
    return surroundings.unserved(affinity, at)


def _refused(workflow: Workflow, values: Mapping[str, Any]) -> list[Fault]:
    """Name what cannot be changed at all, or not in the state of the workflow."""
    faults = [
        Fault(name, _("This property cannot be changed."))
        for name in values
        if name not in EDITABLE
    ]
    if workflow.state in IN_BETWEEN:
        faults += [
            Fault(
                name,
                _(
                    "It cannot be changed in the state %(state)s: wait until the"
                    " command has taken effect."
                )
                % {"state": workflow.get_state_display()},
            )
            for name in values
            if name in EDITABLE
            and name not in ALWAYS_EDITABLE
            and _differs(workflow, name, values[name])
        ]
    return faults


def _differs(workflow: Workflow, name: str, value: Any) -> bool:
    if name == "supervisors":
        return {g.pk for g in workflow.supervisors.all()} != {g.pk for g in value}
    return bool(getattr(workflow, name) != value)


def _value_faults(values: Mapping[str, Any]) -> list[Fault]:
    """Judge what the columns alone do not."""
    faults = []
    zone = values.get("time_zone")
    if zone and calendar.find_zone(zone) is None:
        faults.append(
            Fault(
                "time_zone", _("Use a name of the tz database, such as Europe/Paris.")
            )
        )
    try:
        Blackout.parse_all(values.get("blackouts"))
    except ScheduleError as error:
        faults += [Fault(fault.field, fault.message) for fault in error.faults]
    affinity = values.get("affinity") or ""
    if not str(affinity).replace("_", "").replace("-", "").isalnum() and affinity:
        faults.append(
            Fault("affinity", _("Name one queue, with letters, digits, _ and - only."))
        )
    return faults


def _assign(workflow: Workflow, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Set the values; return what changed as before and after."""
    changes: dict[str, list[Any]] = {}
    before: Any
    after: Any
    for name, value in values.items():
        if name == "supervisors":
            before = sorted(g.name for g in workflow.supervisors.all())
            after = sorted(g.name for g in value)
            workflow.supervisors.set(value)
        elif name == RUN_AS:
            before = workflow.run_as.get_username() if workflow.run_as else ""
            after = value.get_username() if value else ""
            workflow.run_as = value
        else:
            before, after = getattr(workflow, name), value
            setattr(workflow, name, value)
        if before != after:
            changes[name] = [before, after]
    return changes


def _model_faults(workflow: Workflow) -> list[Fault]:
    try:
        workflow.clean_fields(exclude=["structure", "variables", "run_as"])
    except ValidationError as error:
        return [
            Fault(field, " ".join(messages))
            for field, messages in error.message_dict.items()
        ]
    return []
