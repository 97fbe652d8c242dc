"""Workflows as documents: exporting one, importing one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workflows import audit
from workflows.actions import rights
from workflows.actions.create import new_workflow
from workflows.actions.find import lock_workflow
from workflows.actions.properties import change_properties
from workflows.actions.rehearsal import EffectLine, Effects, rehearse
from workflows.actions.structure import (
    RemovedTasks,
    SavedStructure,
    replace_structure,
)
from workflows.actions.versions import find_version
from workflows.engine import exchange
from workflows.exceptions import AppError, Fault, InvalidInput, NotFound
from workflows.models import Source, State, StructureVersion, Workflow

# What an import does when a workflow of that name exists.
IfExists = Literal["refuse", "new_version"]


class AlreadyExists(AppError):
    """There is a workflow %(name)s already: confirm that it gets a new version."""

    code = "already_exists"
    status = 409


def export_workflow(workflow: Workflow, number: int | None = None) -> dict[str, Any]:
    """Return the document of a workflow, with its present structure or another one.

    Raises NotFound.
    """
    return exchange.write(workflow, _version(workflow, number))


def import_workflow(
    *,
    internal_name: str,
    document: Mapping[str, Any],
    acting_operator: Any,
    source: Source,
    at: datetime,
    if_exists: IfExists = "refuse",
    comment: str = "",
    removed_tasks: RemovedTasks = "refuse",
) -> SavedStructure:
    """Create a workflow from a document, or give an existing one a new version.

    ``internal_name`` wins over the name in the document; empty, that one counts. All
    or nothing: raises InvalidInput with every fault, AlreadyExists unless a new
    version is confirmed, PermissionRefused, and what saving a structure raises.
    """
    described = exchange.read(document)
    name = internal_name or described.internal_name
    with transaction.atomic():
        rights.require(acting_operator, rights.EDIT_STRUCTURE)
        found = Workflow.objects.filter(internal_name=name).exists()
        if found and if_exists == "refuse":
            raise AlreadyExists(name=name)
        workflow = (
            lock_workflow(name)
            if found
            else new_workflow(name, acting_operator=acting_operator)
        )
        saved = replace_structure(
            workflow,
            described.graph,
            action="workflows.workflow.imported",
            acting_operator=acting_operator,
            source=source,
            at=at,
            comment=comment or _("Imported"),
            removed_tasks=removed_tasks,
        )
        _import_properties(
            workflow, described.values, acting_operator, source, at, comment
        )
    return saved


def preview_import(
    *, internal_name: str, document: Mapping[str, Any], **order: Any
) -> tuple[Effects, SavedStructure]:
    """Return what an import would do; raises whatever it raises. Changes nothing."""
    name = internal_name or exchange.read(document).internal_name
    with transaction.atomic():
        before = Workflow.objects.filter(internal_name=name).first()
        given = {"internal_name": name, "document": document, **order}
        if before is not None:
            effects = rehearse(import_workflow, **given)
        saved = import_workflow(**given)
        transaction.set_rollback(True)
    if before is None:
        count = len(saved.diff.added)
        line = EffectLine(
            "created",
            gettext_noop(
                "A workflow %(name)s of %(count)s activities is made; nothing starts."
            ),
            {"name": name, "count": count},
        )
        effects = Effects(State.EDITED, State.EDITED, (line,))
    return effects, saved


def _import_properties(
    workflow: Workflow,
    values: Mapping[str, Any],
    acting_operator: Any,
    source: Source,
    at: datetime,
    comment: str,
) -> None:
    try:
        changes = change_properties(workflow, values, acting_operator=acting_operator)
    except InvalidInput as error:
        raise InvalidInput(
            error.message,
            faults=[Fault(f"properties.{f.field}", f.message) for f in error.faults],
        ) from error
    if not changes:
        return
    rights.require(acting_operator, rights.CHANGE)
    audit.record(
        action="workflows.workflow.properties_changed",
        object_type="workflows.workflow",
        object_id=workflow.internal_name,
        object_label=workflow.internal_name,
        acting_operator=acting_operator,
        source=source,
        at=at,
        changes=changes,
        reason=comment,
    )


def _version(workflow: Workflow, number: int | None) -> StructureVersion:
    if number is not None:
        return find_version(workflow, number)
    if workflow.structure is None:
        raise NotFound(
            _("%(workflow)s has no structure yet."), workflow=workflow.internal_name
        )
    return workflow.structure
