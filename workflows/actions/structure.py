"""Changing the structure: always a new version, never an old one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from workflows import audit
from workflows.actions import rights
from workflows.actions.find import lock_workflow
from workflows.engine import graph as graphs
from workflows.engine import replanning, validation
from workflows.exceptions import CommandRefused, Fault, InvalidInput, StaleVersion
from workflows.models import Source, State, StructureVersion, Workflow

IN_BETWEEN = (
    State.START_PENDING,
    State.PAUSE_REQUESTED,
    State.STOP_REQUESTED,
    State.RESTART_REQUESTED,
)


def save_structure(
    *,
    internal_name: str,
    graph: Mapping[str, Any],
    expected_version: int | None,
    acting_operator: Any,
    source: Source,
    at: datetime,
    comment: str = "",
) -> StructureVersion:
    """Store ``graph`` as the newest version; live runs finish on their own one.

    Raises InvalidInput with every fault, StaleVersion, PermissionRefused, and
    CommandRefused while a command is taking effect or when an activity with a
    live task would vanish.
    """
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        rights.require(acting_operator, rights.EDIT_STRUCTURE)
        require_version(workflow, expected_version)
        if workflow.state in IN_BETWEEN:
            raise CommandRefused(
                command="edit", state=workflow.state, allowed=[State.STARTED]
            )
        parsed = validation.parse(graph, is_technical=workflow.is_technical)
        _keep_live_activities(workflow, parsed)
        version = add_version(
            workflow,
            parsed,
            author=acting_operator,
            comment=comment or _("Structure changed"),
        )
        replanning.adopt_structure(workflow, parsed, at)
        audit.record(
            action="workflows.workflow.structure_changed",
            object_type="workflows.workflow",
            object_id=workflow.internal_name,
            object_label=workflow.internal_name,
            acting_operator=acting_operator,
            source=source,
            at=at,
            changes={"version": [version.number - 1, version.number]},
            reason=comment,
        )
    return version


def require_version(workflow: Workflow, expected: int | None) -> None:
    """Raise StaleVersion unless the current version is the expected one."""
    current = workflow.structure.number if workflow.structure else 0
    if expected is not None and expected != current:
        raise StaleVersion(version=current, expected=expected)


def add_version(
    workflow: Workflow, graph: graphs.Graph, *, author: Any, comment: str
) -> StructureVersion:
    """Store the newest version and make it the current one."""
    newest = workflow.versions.order_by("-number").first()
    version = StructureVersion.objects.create(
        workflow=workflow,
        number=(newest.number if newest else 0) + 1,
        graph=graph.as_dict(),
        author=author,
        comment=comment[:512],
    )
    workflow.structure = version
    workflow.save(update_fields=["structure", "modified_at"])
    return version


def _keep_live_activities(workflow: Workflow, graph: graphs.Graph) -> None:
    active = workflow.tasks.filter(status="active", run__isnull=False)
    missing = set(active.values_list("activity", flat=True)) - set(graph.by_name)
    if missing:
        raise InvalidInput(
            _("Activities with a live task cannot be removed."),
            faults=[
                Fault(name, _("Stop the workflow first, or keep this activity."))
                for name in sorted(missing)
            ],
        )
