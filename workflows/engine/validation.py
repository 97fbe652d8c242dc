"""Whether a structure can be executed: every rule, with messages that name the way out.

*Source:* workflow-general-execution pages; the table is §5.2 of the engine paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from workflows.activities import find_type
from workflows.engine.graph import Edge, Graph, Node
from workflows.exceptions import ConfigurationError, Fault, InvalidInput


class FindingLevel(StrEnum):
    """What a finding keeps from happening."""

    ERROR = "error"  # it cannot be saved
    INCOMPLETE = "incomplete"  # it can be saved while at rest, not started
    WARNING = "warning"  # it is told


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say about a structure: where, what, and what to do."""

    activity: str
    field: str
    message: str
    level: FindingLevel = FindingLevel.ERROR

    @property
    def place(self) -> str:
        """Return the activity and, where there is one, its field, dotted."""
        return ".".join(part for part in (self.activity, self.field) if part)

    def as_fault(self) -> Fault:
        """Return it as the fault of an input."""
        return Fault(self.place, self.message)


def read(stored: Mapping[str, Any]) -> Graph:
    """Return the graph of ``stored``, of which only the form is checked.

    Raises InvalidInput.
    """
    try:
        return Graph.of(stored)
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            _("The structure is not of the expected form: %(what)s is missing."),
            what=str(error),
        ) from error


def parse(stored: Mapping[str, Any], *, is_technical: bool = True) -> Graph:
    """Return the graph of ``stored``, fit to be started.

    Raises InvalidInput with everything that keeps it from being executed, each
    naming its activity.
    """
    graph = read(stored)
    faults = [
        finding.as_fault()
        for finding in find_faults(graph, is_technical=is_technical)
        if finding.level is not FindingLevel.WARNING
    ]
    if faults:
        raise InvalidInput(_("The structure has faults."), faults=faults)
    return graph


def find_faults(graph: Graph, *, is_technical: bool = True) -> list[Finding]:
    """Return what is to say about the structure, errors and warnings."""
    found: list[Finding] = []
    names = [node.name for node in graph.nodes]
    for name in sorted({n for n in names if names.count(n) > 1}):
        found.append(Finding(name, "", _("Two activities have this name; rename one.")))
    for edge in graph.edges:
        found += _edge_faults(graph, edge)
    for node in graph.nodes:
        found += _node_faults(graph, node)
    if not found and not graph.initial:
        found.append(
            Finding(
                "",
                "activities",
                _("No activity can begin; add a scheduler or a start."),
            )
        )
    if not found and (looping := _busy_loop(graph)):
        found.append(
            Finding(
                looping, "", _("It leads back to itself without a scheduler or test.")
            )
        )
    return found


def _edge_faults(graph: Graph, edge: Edge) -> list[Finding]:
    return [
        Finding(end, "", _("A transition names this activity; it does not exist."))
        for end in (edge.source, edge.destination)
        if end not in graph.by_name
    ][:1]


def _node_faults(graph: Graph, node: Node) -> list[Finding]:
    try:
        activity_type = find_type(node.type)
    except ConfigurationError as error:
        return [Finding(node.name, "type", error.message)]
    found = [
        Finding(node.name, fault.field, fault.message)
        for fault in activity_type.faults(node.parameters)
    ]
    if activity_type.is_initial_only and any(
        edge.destination == node.name for edge in graph.edges
    ):
        found.append(
            Finding(node.name, "", _("It begins a branch; nothing may lead to it."))
        )
    if found:
        return found
    outputs = activity_type.outputs(node.parameters)
    return [
        Finding(
            node.name,
            "",
            _("It has no output %(output)s; it has: %(outputs)s.")
            % {"output": edge.output, "outputs": ", ".join(outputs) or "-"},
        )
        for edge in graph.edges
        if edge.source == node.name and edge.output not in outputs
    ]


def _busy_loop(graph: Graph) -> str | None:
    """Return an activity on a cycle that nothing slows down or decides."""
    free = {n.name for n in graph.nodes if n.type not in ("scheduler", "test")}
    following = {
        name: {
            e.destination
            for e in graph.edges
            if e.source == name and e.destination in free
        }
        for name in free
    }
    done: set[str] = set()

    def visit(name: str, path: frozenset[str]) -> str | None:
        if name in path:
            return name
        if name in done:
            return None
        for successor in following[name]:
            if found := visit(successor, path | {name}):
                return found
        done.add(name)
        return None

    for name in sorted(free):
        if found := visit(name, frozenset()):
            return found
    return None
