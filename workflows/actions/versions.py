"""Structure versions: comparing them, and going back to one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from workflows.actions import rights
from workflows.actions.find import lock_workflow
from workflows.actions.structure import (
    RemovedTasks,
    SavedStructure,
    factory_version,
    replace_structure,
    require_version,
)
from workflows.engine import diff
from workflows.engine.diff import StructureDiff
from workflows.engine.graph import Graph
from workflows.exceptions import NotFound
from workflows.models import Source, StructureVersion, Workflow


def find_version(workflow: Workflow, number: int) -> StructureVersion:
    """Return a structure version with its author; raises NotFound."""
    found: StructureVersion | None = (
        workflow.versions.select_related("author").filter(number=number).first()
    )
    if found is None:
        raise NotFound(
            _("%(workflow)s has no structure version %(number)s."),
            workflow=workflow.internal_name,
            number=number,
        )
    return found


def compare_versions(workflow: Workflow, before: int, after: int) -> StructureDiff:
    """Return what changed from one version to another; raises NotFound."""
    old, new = find_version(workflow, before), find_version(workflow, after)
    return diff.compare(Graph.of(old.graph), Graph.of(new.graph))


def factory_diff(workflow: Workflow) -> StructureDiff | None:
    """Return what a reset would change; None for a workflow that is not built-in."""
    factory = factory_version(workflow)
    if factory is None or workflow.structure is None:
        return None
    return diff.compare(Graph.of(workflow.structure.graph), Graph.of(factory.graph))


def restore_version(
    *,
    internal_name: str,
    number: int,
    expected_version: int | None,
    acting_operator: Any,
    source: Source,
    at: datetime,
    comment: str = "",
    removed_tasks: RemovedTasks = "refuse",
) -> SavedStructure:
    """Put an earlier version in force again, as a new version equal to it.

    Raises NotFound, and everything that saving a structure raises.
    """
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        rights.require(acting_operator, rights.EDIT_STRUCTURE)
        require_version(workflow, expected_version)
        version = find_version(workflow, number)
        return replace_structure(
            workflow,
            Graph.of(version.graph),
            action="workflows.workflow.structure_restored",
            acting_operator=acting_operator,
            source=source,
            at=at,
            comment=comment or _("Version %(number)s restored") % {"number": number},
            removed_tasks=removed_tasks,
        )


def reset_to_factory(
    *,
    internal_name: str,
    expected_version: int | None,
    acting_operator: Any,
    source: Source,
    at: datetime,
    comment: str = "",
    removed_tasks: RemovedTasks = "refuse",
) -> SavedStructure:
    """Put the newest built-in structure in force, as a new version equal to it.

    From then on upgrades renew the structure again. Raises NotFound for a workflow
    that is not built-in, and everything that saving a structure raises.
    """
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        rights.require(acting_operator, rights.EDIT_STRUCTURE)
        require_version(workflow, expected_version)
        factory = factory_version(workflow)
        if factory is None:
            raise NotFound(
                _("%(workflow)s was not delivered with a package: restore a version."),
                workflow=workflow.internal_name,
            )
        return replace_structure(
            workflow,
            Graph.of(factory.graph),
            action="workflows.workflow.structure_reset",
            acting_operator=acting_operator,
            source=source,
            at=at,
            comment=comment or _("Reset to the built-in structure"),
            removed_tasks=removed_tasks,
        )
