"""Single edits of a structure, each a graph to a graph; nothing is judged here.

What an edit names must exist: InvalidInput says what does not. Whether the result can
be executed is for ``validation`` to tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from workflows.activities import find_type
from workflows.engine.graph import Edge, Graph, Node, outputs_of
from workflows.exceptions import Fault, InvalidInput

#: A new scheduler has to say something; its form comes after the saving.
FIRST_SCHEDULE = {"kind": "daily", "time": "04:00"}
_NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9_]+")
_LONGEST_NAME = 60
#: Distance of an added activity from the one before it, in the drawing.
STEP_X, STEP_Y = 280, 100


def add_activity(
    graph: Graph, *, type_name: str, label: str, after: str = "", output: str = ""
) -> tuple[Graph, str]:
    """Return the graph with one more activity, and its name.

    With ``after`` it is put into the transition that leaves that activity's output:
    what followed follows the new one, if that has a transition.
    """
    kind = find_type(type_name)
    name = _free_name(graph, label or type_name)
    parameters = {"schedule": FIRST_SCHEDULE} if type_name == "scheduler" else {}
    node = Node(name, type_name, label or str(kind.label), parameters)
    edges = list(graph.edges)
    if after:
        before = _node(graph, after, "after")
        leaving = output or next(iter(outputs_of(before)), "")
        _require_output(before, leaving)
        node = replace(node, extras=_beside(before))
        onward = next(iter(outputs_of(node)), "")
        kept = [e for e in edges if (e.source, e.output) != (after, leaving)]
        moved = [e for e in edges if (e.source, e.output) == (after, leaving)]
        edges = [*kept, Edge(after, leaving, name)]
        edges += [Edge(name, onward, edge.destination) for edge in moved if onward]
    return Graph((*graph.nodes, node), tuple(edges)), name


def change_activity(graph: Graph, name: str, values: Mapping[str, Any]) -> Graph:
    """Return the graph with label, parameters or options of an activity replaced.

    Transitions of outputs that it has no more go with them.
    """
    node = _node(graph, name, "activity")
    extras = {**node.extras, **values.get("options", {})}
    changed = replace(
        node,
        label=values.get("label", node.label),
        parameters=values.get("parameters", node.parameters),
        extras={key: value for key, value in extras.items() if value is not None},
    )
    nodes = tuple(changed if one.name == name else one for one in graph.nodes)
    outputs = outputs_of(changed)
    edges = tuple(e for e in graph.edges if e.source != name or e.output in outputs)
    return Graph(nodes, edges)


def remove_activity(graph: Graph, name: str) -> Graph:
    """Return the graph without an activity; a single way through it is closed up."""
    _node(graph, name, "activity")
    inbound = [edge for edge in graph.edges if edge.destination == name]
    outbound = [edge for edge in graph.edges if edge.source == name]
    edges = [e for e in graph.edges if name not in (e.source, e.destination)]
    if len(outbound) == 1:
        following = outbound[0].destination
        edges += [
            Edge(edge.source, edge.output, following)
            for edge in inbound
            if edge.source != following
        ]
    nodes = tuple(node for node in graph.nodes if node.name != name)
    return Graph(nodes, tuple(dict.fromkeys(edges)))


def connect(graph: Graph, *, source: str, output: str, destination: str) -> Graph:
    """Return the graph with one more transition; one that is there stays one."""
    _require_output(_node(graph, source, "source"), output)
    _node(graph, destination, "destination")
    edge = Edge(source, output, destination)
    return Graph(graph.nodes, tuple(dict.fromkeys((*graph.edges, edge))))


def disconnect(graph: Graph, *, source: str, output: str, destination: str) -> Graph:
    """Return the graph without a transition."""
    edge = Edge(source, output, destination)
    if edge not in graph.edges:
        raise InvalidInput(
            _("There is no such transition."),
            faults=[
                Fault("transition", _("Reload the page: it was removed meanwhile."))
            ],
        )
    return Graph(graph.nodes, tuple(one for one in graph.edges if one != edge))


def _node(graph: Graph, name: str, field: str) -> Node:
    node = graph.by_name.get(name)
    if node is None:
        raise InvalidInput(
            _("There is no such activity."),
            faults=[Fault(field, _("No activity is named %(name)s.") % {"name": name})],
        )
    return node


def _require_output(node: Node, output: str) -> None:
    outputs = outputs_of(node)
    if output not in outputs:
        raise InvalidInput(
            _("There is no such output."),
            faults=[
                Fault(
                    "output",
                    _("%(activity)s has the outputs %(outputs)s.")
                    % {
                        "activity": node.title,
                        "outputs": ", ".join(outputs) or "-",
                    },
                )
            ],
        )


def _free_name(graph: Graph, label: str) -> str:
    """Return a name like ``label`` that no activity has."""
    plain = _NOT_OF_A_NAME.sub("_", label).strip("_")[:_LONGEST_NAME]
    if not plain or not plain[0].isalpha():
        plain = f"activity_{plain}".rstrip("_")
    number, name = 1, plain
    while name in graph.by_name:
        number += 1
        name = f"{plain}_{number}"
    return name


def _beside(node: Node) -> dict[str, Any]:
    """Return the place of an activity that comes after ``node``, if that has one."""
    place = node.extras.get("position")
    if not isinstance(place, Mapping) or "x" not in place or "y" not in place:
        return {}
    return {"position": {"x": place["x"] + STEP_X, "y": place["y"]}}
