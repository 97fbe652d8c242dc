"""Drafts of structures: edited step by step, undone, and put in force or thrown away.

A draft changes nothing but itself: nothing of it is executed until it is saved as a
version by :func:`save_draft`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from workflows.actions import rights
from workflows.actions.find import lock_workflow
from workflows.actions.structure import RemovedTasks, SavedStructure, save_structure
from workflows.engine import surroundings, validation
from workflows.engine.findings import Finding, FindingLevel
from workflows.engine.graph import Graph
from workflows.exceptions import Fault, InvalidInput, NotFound
from workflows.models import Source, StructureDraft, Workflow

#: So many steps back are kept.
STEPS = 50
Edit = Callable[[Graph], Graph]


def find_draft(workflow: Workflow, operator: Any) -> StructureDraft | None:
    """Return the operator's draft of a workflow, if there is one."""
    found: StructureDraft | None = workflow.drafts.filter(operator=operator).first()
    return found


def edit_draft(
    *, internal_name: str, edit: Edit, acting_operator: Any, at: datetime
) -> StructureDraft:
    """Apply one edit to the operator's draft, which begins with the first one.

    An edit that changes nothing is no step. Raises PermissionRefused, NotFound, and
    what the edit raises.
    """
    with transaction.atomic():
        draft = _locked(internal_name, acting_operator, at)
        changed = edit(Graph.of(draft.graph)).as_dict()
        if changed != draft.graph:
            draft.done = [*draft.done, draft.graph][-STEPS:]
            draft.undone = []
            _keep(draft, changed, at)
    return draft


def replace_draft(
    *,
    internal_name: str,
    graph: Mapping[str, Any],
    acting_operator: Any,
    at: datetime,
) -> StructureDraft:
    """Put a whole graph in place of the draft, as one step of it.

    Raises InvalidInput when it is not of the form of a structure, or gives a changed
    activity what cannot be right.
    """
    read = validation.read(graph)

    def replace(before: Graph) -> Graph:
        faults = [
            Fault(".".join(filter(None, (node.name, fault.field))), fault.message)
            for node in read.nodes
            if node != before.by_name.get(node.name)
            for fault in validation.unfit(node)
        ]
        if faults:
            raise InvalidInput(_("The structure has faults."), faults=faults)
        return read

    return edit_draft(
        internal_name=internal_name,
        edit=replace,
        acting_operator=acting_operator,
        at=at,
    )


def undo_draft(
    *, internal_name: str, acting_operator: Any, at: datetime
) -> StructureDraft:
    """Go one step back; without one nothing happens."""
    with transaction.atomic():
        draft = _locked(internal_name, acting_operator, at)
        if draft.done:
            draft.undone = [*draft.undone, draft.graph]
            _keep(draft, draft.done.pop(), at)
    return draft


def redo_draft(
    *, internal_name: str, acting_operator: Any, at: datetime
) -> StructureDraft:
    """Go one step forward again; without one nothing happens."""
    with transaction.atomic():
        draft = _locked(internal_name, acting_operator, at)
        if draft.undone:
            draft.done = [*draft.done, draft.graph][-STEPS:]
            _keep(draft, draft.undone.pop(), at)
    return draft


def discard_draft(*, internal_name: str, acting_operator: Any) -> None:
    """Throw the operator's draft away; the structure in force stays as it is."""
    StructureDraft.objects.filter(
        workflow__internal_name=internal_name, operator=acting_operator
    ).delete()


def rebase_draft(*, internal_name: str, acting_operator: Any, at: datetime) -> None:
    """Let the draft follow the version in force: what it has otherwise is its own."""
    with transaction.atomic():
        draft = _locked(internal_name, acting_operator, at)
        draft.base = _number(draft.workflow)
        draft.save(update_fields=["base"])


def save_draft(
    *,
    internal_name: str,
    acting_operator: Any,
    source: Source,
    at: datetime,
    comment: str = "",
    removed_tasks: RemovedTasks = "refuse",
) -> SavedStructure:
    """Put the operator's draft in force as the newest version; the draft is gone then.

    Raises NotFound without a draft, and everything that saving a structure raises:
    StaleVersion when another version is in force than the draft began from.
    """
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        draft = find_draft(workflow, acting_operator)
        if draft is None:
            raise NotFound(
                _("You have no draft of %(workflow)s."), workflow=internal_name
            )
        saved = save_structure(
            internal_name=internal_name,
            graph=draft.graph,
            expected_version=draft.base,
            acting_operator=acting_operator,
            source=source,
            at=at,
            comment=comment,
            removed_tasks=removed_tasks,
        )
        draft.delete()
    return saved


def findings_of(workflow: Workflow, graph: Graph, at: datetime) -> list[Finding]:
    """Return all there is to say about a structure before it is saved."""
    own = validation.find_faults(graph, is_technical=workflow.is_technical)
    if any(finding.level is FindingLevel.ERROR for finding in own):
        return own
    name = workflow.internal_name
    return [*own, *surroundings.find_faults(graph, internal_name=name, at=at)]


def _locked(internal_name: str, operator: Any, at: datetime) -> StructureDraft:
    """Return the operator's draft, held; a new one is the structure in force."""
    rights.require(operator, rights.EDIT_STRUCTURE)
    if operator is None:
        raise InvalidInput(_("A draft belongs to an operator."))
    workflow = lock_workflow(internal_name)
    stored = workflow.structure.graph if workflow.structure else None
    draft, _is_new = StructureDraft.objects.select_for_update(
        of=("self",)
    ).get_or_create(
        workflow=workflow,
        operator=operator,
        defaults={
            "base": _number(workflow),
            "graph": stored or {"activities": [], "transitions": []},
            "changed_at": at,
        },
    )
    draft.workflow = workflow
    return draft


def _number(workflow: Workflow) -> int:
    return workflow.structure.number if workflow.structure else 0


def _keep(draft: StructureDraft, graph: dict[str, Any], at: datetime) -> None:
    draft.graph, draft.changed_at = graph, at
    draft.save(update_fields=["graph", "done", "undone", "changed_at"])
