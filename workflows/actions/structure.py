"""Changing the structure: always a new version, never an old one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from workflows import audit
from workflows.actions import rights
from workflows.actions.find import lock_workflow
from workflows.activities import find_type
from workflows.engine import (
    diff,
    replanning,
    runs,
    surroundings,
    validation,
)
from workflows.engine.diff import StructureDiff
from workflows.engine.findings import Finding, FindingLevel
from workflows.engine.graph import Graph
from workflows.engine.states import accepted_commands
from workflows.exceptions import CommandRefused, Fault, InvalidInput, StaleVersion
from workflows.models import (
    RunStatus,
    Source,
    State,
    StructureVersion,
    Substate,
    TaskStatus,
    Workflow,
)

# A command is taking effect: what it meets must not change under it.
IN_BETWEEN = (
    State.START_PENDING,
    State.PAUSE_REQUESTED,
    State.STOP_REQUESTED,
    State.RESTART_REQUESTED,
)
AT_REST = (State.EDITED, State.FINISHED)
# What becomes of the tasks of activities that a paused workflow loses.
RemovedTasks = Literal["refuse", "cancel"]


@dataclass(frozen=True, slots=True)
class SavedStructure:
    """The version in force, how it differs from the one before, what to mind."""

    version: StructureVersion
    diff: StructureDiff
    warnings: tuple[Finding, ...] = ()

    @property
    def number(self) -> int:
        """Return the number of the version in force."""
        return self.version.number


def save_structure(
    *,
    internal_name: str,
    graph: Mapping[str, Any],
    expected_version: int | None,
    acting_operator: Any,
    source: Source,
    at: datetime,
    comment: str = "",
    removed_tasks: RemovedTasks = "refuse",
) -> SavedStructure:
    """Store ``graph`` as the newest version; one that changes nothing is none.

    Live runs of a started workflow finish on the version they began with. A paused
    one goes on in the new version, so an activity with a live task is only removed
    with ``removed_tasks="cancel"``. Activities set back to normal execution release
    their held tasks. What is not configured yet is a warning while the workflow is
    at rest, and a fault otherwise.

    Raises InvalidInput with every fault, StaleVersion, PermissionRefused, and
    CommandRefused while a command is taking effect.
    """
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        rights.require(acting_operator, rights.EDIT_STRUCTURE)
        require_version(workflow, expected_version)
        return replace_structure(
            workflow,
            validation.read(graph),
            action="workflows.workflow.structure_changed",
            acting_operator=acting_operator,
            source=source,
            at=at,
            comment=comment or _("Structure changed"),
            removed_tasks=removed_tasks,
        )


def replace_structure(
    workflow: Workflow,
    graph: Graph,
    *,
    action: str,
    acting_operator: Any,
    source: Source,
    at: datetime,
    comment: str,
    removed_tasks: RemovedTasks = "refuse",
) -> SavedStructure:
    """Judge ``graph`` and put it in force; the caller holds the workflow."""
    require_editable(workflow)
    before = Graph.of(workflow.structure.graph) if workflow.structure else Graph((), ())
    warnings = judge(workflow, graph, at)
    graph = validation.canonical(graph, before)
    changed = diff.compare(before, graph)
    _require_rights(acting_operator, before, graph, changed)
    if workflow.structure is not None and changed.is_empty:
        return SavedStructure(workflow.structure, changed, warnings)
    if workflow.state == State.PAUSED:
        _settle_removed(workflow, graph, at, removed_tasks)
    number = workflow.structure.number if workflow.structure else 0
    version = add_version(workflow, graph, author=acting_operator, comment=comment)
    replanning.adopt_structure(workflow, graph, at)
    audit.record(
        action=action,
        object_type="workflows.workflow",
        object_id=workflow.internal_name,
        object_label=workflow.internal_name,
        acting_operator=acting_operator,
        source=source,
        at=at,
        changes={"version": [number, version.number], **changed.as_changes()},
        reason=comment,
    )
    return SavedStructure(version, changed, warnings)


def require_version(workflow: Workflow, expected: int | None) -> None:
    """Raise StaleVersion unless the current version is the expected one."""
    current = workflow.structure.number if workflow.structure else 0
    if expected is not None and expected != current:
        raise StaleVersion(version=current, expected=expected)


def require_editable(workflow: Workflow) -> None:
    """Raise CommandRefused while a command is taking effect."""
    if workflow.state in IN_BETWEEN:
        raise CommandRefused(
            _(
                "Structure and schedule cannot be changed in the state %(state)s: wait"
                " until the command has taken effect."
            ),
            command="edit",
            state=workflow.state,
            allowed=[name.value for name in accepted_commands(workflow.state)],
        )


def judge(workflow: Workflow, graph: Graph, at: datetime) -> tuple[Finding, ...]:
    """Return the warnings about ``graph``; raise InvalidInput with its faults."""
    told = {FindingLevel.WARNING}
    if workflow.state in AT_REST:
        told.add(FindingLevel.INCOMPLETE)
    own = validation.find_faults(graph, is_technical=workflow.is_technical)
    if any(finding.level is FindingLevel.ERROR for finding in own):
        validation.refuse([finding for finding in own if finding.level not in told])
    found = [
        *own,
        *surroundings.find_faults(graph, internal_name=workflow.internal_name, at=at),
    ]
    validation.refuse([finding for finding in found if finding.level not in told])
    return tuple(found)


def add_version(
    workflow: Workflow, graph: Graph, *, author: Any, comment: str
) -> StructureVersion:
    """Store the newest version and make it the current one.

    One that equals the built-in structure is built-in: nothing is edited any more.
    """
    newest = workflow.versions.order_by("-number").first()
    factory = factory_version(workflow)
    version = StructureVersion.objects.create(
        workflow=workflow,
        number=(newest.number if newest else 0) + 1,
        graph=graph.as_dict(),
        is_factory=factory is not None
        and diff.compare(Graph.of(factory.graph), graph).is_empty,
        author=author,
        comment=comment[:512],
    )
    workflow.structure = version
    workflow.modified_by = author
    workflow.save(update_fields=["structure", "modified_at", "modified_by"])
    return version


def factory_version(workflow: Workflow) -> StructureVersion | None:
    """Return the newest built-in structure, if the workflow has one."""
    found: StructureVersion | None = (
        workflow.versions.filter(is_factory=True).order_by("-number").first()
    )
    return found


def _require_rights(
    operator: Any, before: Graph, after: Graph, changed: StructureDiff
) -> None:
    """Ask for the right that the type of an added or changed activity needs."""
    for name in sorted(changed.touched):
        types = {
            graph.by_name[name].type
            for graph in (before, after)
            if name in graph.by_name
        }
        for needed in sorted(_needed_rights(types)):
            rights.require(operator, needed)


def _needed_rights(types: set[str]) -> set[str]:
    needed = {find_type(name).needs_right for name in types}
    return needed - {""}


def _settle_removed(
    workflow: Workflow, graph: Graph, at: datetime, removed_tasks: RemovedTasks
) -> None:
    """Refuse or cancel the live tasks of activities that ``graph`` lacks."""
    live = workflow.tasks.filter(
        Q(status=TaskStatus.ACTIVE)
        | Q(status=TaskStatus.FAILED, run__status=RunStatus.FAILED, run__ended_at=None),
        run__isnull=False,
        run__parent_task=None,
    ).exclude(activity__in=list(graph.by_name))
    names = sorted(set(live.values_list("activity", flat=True)))
    if not names:
        return
    if removed_tasks == "refuse":
        raise InvalidInput(
            _("Activities with a live task would be removed."),
            faults=[
                Fault(
                    name,
                    _("Keep it, or order its task cancelled (removed_tasks: cancel)."),
                )
                for name in names
            ],
        )
    touched = list(workflow.runs.filter(pk__in=live.values("run")))
    live.update(
        status=TaskStatus.CANCELLED,
        substate=Substate.NONE,
        epoch=F("epoch") + 1,
        completed_at=at,
    )
    for run in touched:
        if not runs.open_or_failed(run):
            runs.cancel(run, at)
