"""The structure of a workflow as a value: reading it, walking it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as translate

from workflows.activities import find_type
from workflows.registry import CatalogueEntry, WorkflowDeclaration

_OWN_KEYS = {"name", "type", "label", "parameters"}
ERROR_OUTPUT = "error"
JUMP_OUT = "jump_out"
JUMP_IN = "jump_in"


class Execution(StrEnum):
    """Whether an activity is executed (advanced-parameters.md)."""

    NORMAL = "normal"
    HOLD = "hold"  # enabled, but its tasks wait until it is normal again
    OFF = "off"  # not enabled: the branch ends here


class OnError(StrEnum):
    """What a failed task of an activity does to its workflow."""

    INHERIT = "inherit"
    STOP = "stop"
    IGNORE = "ignore"
    ABORT = "abort"


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
class Options:
    """What every activity may carry beside its parameters (activity-properties.md).

    ``retry_after`` is in seconds and doubles with each retry; ``init`` holds pairs of
    a variable (``vars.x``, ``task.x`` or ``instance.x``) and an expression that sets
    it before the task.
    """

    execution: Execution = Execution.NORMAL
    affinity: str = ""
    max_seconds: int | None = None
    is_exclusive: bool = False
    error_policy: OnError = OnError.INHERIT
    process_errors: bool = False
    retries: int | None = None
    retry_after: int = 30
    init: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, node: Node) -> Options:
        """Return the options of an activity."""
        stored = node.extras
        if not stored:
            return _USUAL
        return cls(
            execution=Execution(stored.get("execution") or Execution.NORMAL),
            affinity=stored.get("affinity") or "",
            max_seconds=stored.get("max_seconds"),
            is_exclusive=stored.get("behavior") == "exclusive",
            error_policy=OnError(stored.get("error_policy") or OnError.INHERIT),
            process_errors=bool(stored.get("process_errors")),
            retries=stored.get("retries"),
            retry_after=stored.get("retry_after") or 30,
            init=tuple(
                (step["name"], step["expression"]) for step in stored.get("init") or ()
            ),
        )


_USUAL = Options()


def outputs_of(node: Node) -> tuple[str, ...]:
    """Return the outputs of an activity, the one for errors included."""
    outputs = find_type(node.type).outputs(node.parameters)
    if node.extras.get("process_errors") and ERROR_OUTPUT not in outputs:
        return (*outputs, ERROR_OUTPUT)
    return outputs


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

    @cached_property
    def followers(self) -> dict[tuple[str, str], tuple[Node, ...]]:
        """Return what each output leads to; a jump counts as its transition."""
        found: dict[tuple[str, str], list[Node]] = {}
        for edge in self.edges:
            node = self.by_name.get(edge.destination)
            if node is not None:
                found.setdefault((edge.source, edge.output), []).append(node)
        return {
            key: tuple(
                landed for node in nodes for landed in self._landing(node, found)
            )
            for key, nodes in found.items()
        }

    def _landing(
        self, node: Node, found: Mapping[tuple[str, str], list[Node]]
    ) -> tuple[Node, ...]:
        """Return where a jump from ``node`` lands; the node itself if it is none.

        A jump without a partner is an exit of a sub-workflow and stays.
        """
        seen: set[str] = set()
        here = [node]
        landed: list[Node] = []
        while here:
            current = here.pop(0)
            partner = self._partner(current)
            if partner is None:
                landed.append(current)
            elif partner.name not in seen:
                seen.add(partner.name)
                here = [*found.get((partner.name, "ok"), ()), *here]
        return tuple(landed)

    def _partner(self, node: Node) -> Node | None:
        if node.type != JUMP_OUT:
            return None
        number = node.parameters.get("number")
        return next(
            (
                other
                for other in self.nodes
                if other.type == JUMP_IN and other.parameters.get("number") == number
            ),
            None,
        )

    def after(self, name: str, output: str) -> tuple[Node, ...]:
        """Return the activities that an output of ``name`` leads to."""
        return self.followers.get((name, output), ())

    def inbound(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return source and output of every way into an activity, in stored order."""
        return tuple(
            key
            for key, nodes in self.followers.items()
            if any(node.name == name for node in nodes)
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
