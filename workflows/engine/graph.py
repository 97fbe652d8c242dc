"""The structure of a workflow as a value: reading it, checking it, walking it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext as translate

from workflows.activities import find_type
from workflows.exceptions import ConfigurationError, Fault, InvalidInput
from workflows.registry import CatalogueEntry, WorkflowDeclaration

_OWN_KEYS = {"name", "type", "label", "parameters"}


@dataclass(frozen=True, slots=True)
class Node:
    """One activity of the structure."""

    name: str
    type: str
    label: str
    parameters: Mapping[str, Any]
    # What the editor keeps with an activity, such as its position.
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Return the label in the reader's language; the built-in ones have several."""
        return translate(self.label) if self.label else self.name


@dataclass(frozen=True, slots=True)
class Edge:
    """One transition: an output of an activity and where it leads."""

    source: str
    output: str
    destination: str


@dataclass(frozen=True)
class Graph:
    """Activities and transitions, in stored order."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Graph:
        """Return the graph of a structure version's JSON, unchecked."""
        return cls(
            tuple(
                Node(
                    a["name"],
                    a["type"],
                    a.get("label", a["name"]),
                    a.get("parameters", {}),
                    {key: a[key] for key in a.keys() - _OWN_KEYS},
                )
                for a in stored["activities"]
            ),
            tuple(
                Edge(t["source"], t["output"], t["destination"])
                for t in stored["transitions"]
            ),
        )

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """Return the activities by name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def initial(self) -> tuple[Node, ...]:
        """Return the activities where execution begins."""
        reached = {edge.destination for edge in self.edges}
        return tuple(node for node in self.nodes if node.name not in reached)

    def after(self, name: str, output: str) -> tuple[Node, ...]:
        """Return the activities that an output of ``name`` leads to."""
        return tuple(
            self.by_name[edge.destination]
            for edge in self.edges
            if edge.source == name and edge.output == output
        )

    def with_parameters(self, name: str, parameters: Mapping[str, Any]) -> Graph:
        """Return the graph with the parameters of one activity replaced."""
        return Graph(
            tuple(
                replace(n, parameters=dict(parameters)) if n.name == name else n
                for n in self.nodes
            ),
            self.edges,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON that a structure version stores."""
        return {
            "activities": [
                {
                    "name": n.name,
                    "type": n.type,
                    "label": n.label,
                    "parameters": dict(n.parameters),
                    **n.extras,
                }
                for n in self.nodes
            ],
            "transitions": [
                {
                    "source": e.source,
                    "output": e.output,
                    "destination": e.destination,
                }
                for e in self.edges
            ],
        }


def parse(stored: Mapping[str, Any]) -> Graph:
    """Return the checked graph of ``stored``.

    Raises InvalidInput with every fault, each naming its activity.
    """
    try:
        graph = Graph.of(stored)
    except (KeyError, TypeError) as error:
        raise InvalidInput(
            _("The structure is not of the expected form: %(what)s is missing."),
            what=str(error),
        ) from error
    faults = find_faults(graph)
    if faults:
        raise InvalidInput(_("The structure has faults."), faults=faults)
    return graph


def find_faults(graph: Graph) -> list[Fault]:
    """Return what keeps the structure from being executed."""
    faults: list[Fault] = []
    names = [node.name for node in graph.nodes]
    for name in sorted({n for n in names if names.count(n) > 1}):
        faults.append(Fault(name, _("Two activities have this name; rename one.")))
    for edge in graph.edges:
        faults += _edge_faults(graph, edge)
    for node in graph.nodes:
        faults += _node_faults(graph, node)
    if not faults and not graph.initial:
        faults.append(
            Fault("activities", _("No activity can begin; add a scheduler or a start."))
        )
    if not faults and (looping := _busy_loop(graph)):
        faults.append(
            Fault(looping, _("It leads back to itself without a scheduler or test."))
        )
    return faults


def _edge_faults(graph: Graph, edge: Edge) -> list[Fault]:
    for end in (edge.source, edge.destination):
        if end not in graph.by_name:
            return [
                Fault(end, _("A transition names this activity; it does not exist."))
            ]
    return []


def _node_faults(graph: Graph, node: Node) -> list[Fault]:
    try:
        activity_type = find_type(node.type)
    except ConfigurationError as error:
        return [Fault(node.name, error.message)]
    faults = [
        Fault(f"{node.name}.{fault.field}", fault.message)
        for fault in activity_type.faults(node.parameters)
    ]
    if activity_type.is_initial_only and any(
        edge.destination == node.name for edge in graph.edges
    ):
        faults.append(
            Fault(node.name, _("It begins a branch; nothing may lead to it."))
        )
    outputs = activity_type.outputs(node.parameters)
    faults += [
        Fault(
            node.name,
            _("It has no output %(output)s; it has: %(outputs)s.")
            % {"output": edge.output, "outputs": ", ".join(outputs) or "-"},
        )
        for edge in graph.edges
        if edge.source == node.name and edge.output not in outputs
    ]
    return faults


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


def factory_graph(declaration: WorkflowDeclaration, entry: CatalogueEntry) -> Graph:
    """Return the built-in structure of a declared workflow.

    A scheduler and, where the catalogue names signals, an external signal lead to
    the declared activities, and those to an end.
    """
    nodes: list[Node] = []
    edges: list[Edge] = []
    initial: list[str] = []
    if entry.schedule is not None:
        nodes.append(
            Node("scheduler", "scheduler", "Scheduler", {"schedule": entry.schedule})
        )
        initial.append("scheduler")
    if entry.signals or entry.schedule is None:
        nodes.append(Node("signal", "signal", "External signal", {}))
        initial.append("signal")
    names = {declared.name for declared in declaration.activities}
    for declared in declaration.activities:
        handler = f"{declaration.internal_name}.{declared.name}"
        nodes.append(
            Node(declared.name, "script", declared.label, {"handler": handler})
        )
        sources = [
            source
            for name in declared.after
            for source in (initial if name in ("scheduler", "signal") else [name])
        ]
        edges += [
            Edge(source, "ok", declared.name) for source in dict.fromkeys(sources)
        ]
    nodes.append(Node("end", "end", "End", {}))
    followed = {edge.source for edge in edges}
    edges += [Edge(name, "ok", "end") for name in names - followed]
    return Graph(tuple(nodes), tuple(edges))
