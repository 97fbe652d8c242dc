"""Making workflows: empty ones and copies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from workflows import audit, registry
from workflows.actions import rights
from workflows.actions.find import lock_workflow
from workflows.actions.structure import add_version
from workflows.engine import exchange
from workflows.engine.graph import Edge, Graph, Node
from workflows.exceptions import Fault, InvalidInput
from workflows.models import Severity, Source, Workflow

EMPTY = Graph(
    (Node("start", "start", "Start", {}), Node("end", "end", "End", {})),
    (Edge("start", "ok", "end"),),
)
COPIED = tuple(name for name in exchange.PROPERTIES if name != "severity")


def create_workflow(
    *,
    internal_name: str,
    label: str = "",
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> Workflow:
    """Make a workflow of a start and an end, being edited.

    Raises InvalidInput for a name that is taken or none, PermissionRefused.
    """
    with transaction.atomic():
        rights.require(acting_operator, rights.EDIT_STRUCTURE)
        workflow = new_workflow(
            internal_name, label=label, acting_operator=acting_operator
        )
        add_version(workflow, EMPTY, author=acting_operator, comment=_("Created"))
        _record("created", workflow, {}, acting_operator, source, at)
    return workflow


def duplicate_workflow(
    *,
    internal_name: str,
    new_name: str,
    label: str = "",
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> Workflow:
    """Copy structure, properties and supervisors to a new workflow, being edited.

    The copy is detached: it belongs to no package, nothing of the history comes
    along, and its schedules wait until it is started. It is of normal severity: the
    platform does not need it. Raises NotFound, InvalidInput for a name that is taken
    or none, PermissionRefused.
    """
    with transaction.atomic():
        original = lock_workflow(internal_name)
        rights.require(acting_operator, rights.EDIT_STRUCTURE)
        copy = new_workflow(
            new_name,
            label=label or _("Copy of %(label)s") % {"label": original.label},
            acting_operator=acting_operator,
            field="new_name",
        )
        copy.description = original.description
        for name in COPIED:
            setattr(copy, name, getattr(original, name))
        copy.save()
        copy.supervisors.set(original.supervisors.all())
        if original.structure is not None:
            add_version(
                copy,
                Graph.of(original.structure.graph),
                author=acting_operator,
                comment=_("Copy of %(name)s, version %(number)s")
                % {"name": internal_name, "number": original.structure.number},
            )
        changes = {"copy_of": ["", internal_name]}
        _record("duplicated", copy, changes, acting_operator, source, at)
    return copy


def new_workflow(
    internal_name: str,
    *,
    label: str = "",
    acting_operator: Any,
    field: str = "internal_name",
) -> Workflow:
    """Store a workflow without structure that belongs to no package.

    Raises InvalidInput naming ``field`` for a name that is none, taken, or reserved
    for a package.
    """
    faults = exchange.name_fault(internal_name, field)
    if not faults and registry.catalogue_entry(internal_name) is not None:
        faults = [
            Fault(field, _("A package has a workflow of this name; choose another."))
        ]
    if (
        not faults
        and Workflow.objects.filter(internal_name__iexact=internal_name).exists()
    ):
        faults = [Fault(field, _("This name is taken; choose another."))]
    if len(label) > 128:
        faults.append(Fault("label", _("Use at most 128 characters.")))
    if faults:
        raise InvalidInput(_("The workflow cannot be made."), faults=faults)
    return Workflow.objects.create(
        internal_name=internal_name,
        own_label=label,
        is_technical=False,
        severity=Severity.NORMAL,
        created_by=acting_operator,
        modified_by=acting_operator,
    )


def _record(
    verb: str,
    workflow: Workflow,
    changes: dict[str, Any],
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> None:
    audit.record(
        action=f"workflows.workflow.{verb}",
        object_type="workflows.workflow",
        object_id=workflow.internal_name,
        object_label=workflow.internal_name,
        acting_operator=acting_operator,
        source=source,
        at=at,
        changes=changes,
    )
