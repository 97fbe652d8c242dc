"""Bringing the database in line with the declared workflows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.translation import gettext_noop

from workflows import registry
from workflows.actions.command import issue_command
from workflows.engine import replanning
from workflows.engine.graph import Graph, factory_graph
from workflows.exceptions import ConfigurationError
from workflows.models import (
    CommandName,
    Severity,
    Source,
    StructureVersion,
    Workflow,
)
from workflows.registry import (
    CatalogueEntry,
    WorkflowDeclaration,
    catalogue_entry,
    declarations,
)

SUPERVISORS = "Workflow supervisors"


@dataclass(frozen=True, slots=True)
class Synced:
    """What was done about one declared workflow."""

    internal_name: str
    outcome: str


def sync_workflows(*, at: datetime) -> list[Synced]:
    """Create missing workflows and renew unedited ones; idempotent.

    A workflow that the catalogue starts with its package is started. One that an
    operator edited keeps its structure; the new built-in one is stored beside it
    and reported. Raises ConfigurationError for a workflow the catalogue lacks.
    """
    outcomes = []
    for name, declaration in sorted(declarations().items()):
        entry = catalogue_entry(name)
        if entry is None:
            raise ConfigurationError(
                "%(place)s declares %(name)s, which the catalogue does not have.",
                place=declaration.place,
                name=name,
            )
        if registry.is_package_removed(entry.package):
            outcomes.append(Synced(name, "its package was removed"))
            continue
        outcomes.append(Synced(name, _sync_one(declaration, entry, at)))
    return outcomes


def _sync_one(
    declaration: WorkflowDeclaration, entry: CatalogueEntry, at: datetime
) -> str:
    graph = factory_graph(declaration, entry)
    with transaction.atomic():
        workflow = (
            Workflow.objects.select_for_update(of=("self",))
            .select_related("structure")
            .filter(internal_name=entry.internal_name)
            .first()
        )
        if workflow is not None:
            return _renew(workflow, graph, at)
        workflow = Workflow.objects.create(
            internal_name=entry.internal_name,
            package=entry.package,
            description=entry.description,
            severity=Severity.PRODUCTION,
        )
        workflow.structure = _add_factory(workflow, graph)
        workflow.save()
        group, _created = Group.objects.get_or_create(name=SUPERVISORS)
        workflow.supervisors.add(group)
    if entry.starts_with_package:
        issue_command(
            internal_name=entry.internal_name,
            name=CommandName.START,
            acting_operator=None,
            source=Source.ENGINE,
            reason=gettext_noop("Package installed"),
            at=at,
        )
        return "created and started"
    return "created"


def _add_factory(workflow: Workflow, graph: Graph) -> StructureVersion:
    newest = workflow.versions.order_by("-number").first()
    return StructureVersion.objects.create(
        workflow=workflow,
        number=(newest.number if newest else 0) + 1,
        graph=graph.as_dict(),
        is_factory=True,
    )


def _renew(workflow: Workflow, graph: Graph, at: datetime) -> str:
    """Store a changed built-in structure; take it over where nobody edited."""
    factory = workflow.versions.filter(is_factory=True).order_by("-number").first()
    current = workflow.structure
    edited = current is not None and not current.is_factory
    if factory is not None and factory.graph == graph.as_dict():
        return "edited by an operator" if edited else "unchanged"
    version = _add_factory(workflow, graph)
    if edited:
        return "edited by an operator; the built-in structure has changed"
    workflow.structure = version
    workflow.save()
    replanning.adopt_structure(workflow, graph, at)
    return "renewed"
