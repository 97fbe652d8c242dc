"""A structure as rows: activities in the order of execution, and what is to say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from workflows.activities import activity_types, find_type
from workflows.console.appearance import Look
from workflows.engine.findings import Finding, FindingLevel
from workflows.engine.graph import Edge, Graph, Node, outputs_of

LOOKS = {
    FindingLevel.ERROR: ("alert-octagon", "bad"),
    FindingLevel.INCOMPLETE: ("pencil", "warn"),
    FindingLevel.WARNING: ("alert-triangle", "warn"),
}
#: Headings of the palette, each with the types that stand under it.
_FLOW = ("fork", "and_join", "test", "wait", "time_constraint", "jump_in", "jump_out")
_BEGINNING = ("scheduler", "signal", "start")


@dataclass(frozen=True, slots=True)
class Way:
    """An output of an activity, and where it leads."""

    output: str
    targets: tuple[Node, ...]
    is_error: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One activity of the list."""

    node: Node
    kind: str | Promise
    icon: str
    ways: tuple[Way, ...]
    findings: tuple[Finding, ...]

    @property
    def gravest(self) -> Look | None:
        """Return the gravest of the findings as a chip."""
        for level, words in (
            (FindingLevel.ERROR, _("Faulty")),
            (FindingLevel.INCOMPLETE, _("Not configured")),
            (FindingLevel.WARNING, _("To mind")),
        ):
            if any(finding.level is level for finding in self.findings):
                icon, tone = LOOKS[level]
                return Look(words, icon, tone)
        return None


@dataclass(frozen=True, slots=True)
class PaletteGroup:
    """Types of activities under a heading."""

    label: str
    types: tuple[Any, ...]


def rows_of(graph: Graph, findings: Iterable[Finding]) -> list[Row]:
    """Return the activities in the order of execution. No SQL."""
    told: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        told[finding.activity].append(finding)
    return [_row(graph, node, told.get(node.name, [])) for node in in_order(graph)]


def _row(graph: Graph, node: Node, told: Sequence[Finding]) -> Row:
    kind = find_type(node.type)
    ways = [
        Way(
            output,
            tuple(
                graph.by_name[edge.destination]
                for edge in graph.edges
                if (edge.source, edge.output) == (node.name, output)
                and edge.destination in graph.by_name
            ),
            output == "error",
        )
        for output in outputs_of(node)
    ]
    return Row(node, kind.label, kind.icon, tuple(ways), tuple(told))


def in_order(graph: Graph) -> list[Node]:
    """Return the activities from the initial ones on; a loop is entered once."""
    following: dict[str, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        following[edge.source].append(edge)
    inbound = {node.name: 0 for node in graph.nodes}
    for edge in graph.edges:
        if edge.destination in inbound:
            inbound[edge.destination] += 1
    ready = [node for node in graph.nodes if not inbound[node.name]]
    left = {node.name: node for node in graph.nodes}
    found: list[Node] = []
    while left:
        if not ready:  # a loop: its first activity in stored order is next
            ready = [next(iter(left.values()))]
        node = ready.pop(0)
        if left.pop(node.name, None) is None:
            continue
        found.append(node)
        for edge in following[node.name]:
            if edge.destination in left:
                inbound[edge.destination] -= 1
                if inbound[edge.destination] <= 0:
                    ready.append(left[edge.destination])
    return found


def of_no_activity(findings: Iterable[Finding], graph: Graph) -> list[Finding]:
    """Return what is to say about the structure as a whole."""
    return [one for one in findings if one.activity not in graph.by_name]


def palette() -> list[PaletteGroup]:
    """Return the types of activities that may be added, under their headings."""
    kinds = activity_types()
    groups = (
        (_("Beginning"), [name for name in _BEGINNING if name in kinds]),
        (
            _("Work"),
            sorted(
                (name for name in kinds if name not in (*_BEGINNING, *_FLOW, "end")),
                key=lambda name: str(kinds[name].label),
            ),
        ),
        (_("Flow"), [*(name for name in _FLOW if name in kinds), "end"]),
    )
    return [
        PaletteGroup(label, tuple(kinds[name] for name in names))
        for label, names in groups
    ]
