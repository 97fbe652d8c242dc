"""Graphs of stored structure versions, kept in memory: versions never change."""

from __future__ import annotations

from functools import lru_cache

from workflows.engine.graph import Graph
from workflows.models import StructureVersion, Workflow

KEPT = 512


@lru_cache(maxsize=KEPT)
def graph_of(structure_id: int) -> Graph:
    """Return the graph of a structure version; one query the first time."""
    return Graph.of(StructureVersion.objects.get(pk=structure_id).graph)


def current_graph(workflow: Workflow) -> Graph | None:
    """Return the graph of the newest structure; None for a workflow without."""
    return graph_of(workflow.structure_id) if workflow.structure_id else None
