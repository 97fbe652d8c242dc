"""The shape of a graph: what follows what, and where it turns back on itself.

Pure functions over names; a jump counts as the transition that it stands for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from workflows.engine.graph import JUMP_IN, JUMP_OUT, Execution, Graph, Node

Successors = Mapping[str, tuple[str, ...]]


def successors(graph: Graph) -> Successors:
    """Return the activities that each activity leads to, in stored order."""
    found: dict[str, dict[str, None]] = {node.name: {} for node in graph.nodes}
    for (source, _output), nodes in graph.followers.items():
        if source in found:
            found[source].update(dict.fromkeys(node.name for node in nodes))
    return {name: tuple(names) for name, names in found.items()}


def reached_from(following: Successors, name: str) -> set[str]:
    """Return every activity after ``name``; itself only when it is on a loop."""
    reached: set[str] = set()
    ahead = list(following[name])
    while ahead:
        here = ahead.pop()
        if here not in reached:
            reached.add(here)
            ahead += following[here]
    return reached


def find_loops(following: Successors, among: Collection[str]) -> list[tuple[str, ...]]:
    """Return loops that pass through ``among`` only, each in the order of its way.

    One for each set of activities, and none when there is none; not every loop of
    a graph that has many.
    """
    loops: dict[frozenset[str], tuple[str, ...]] = {}
    done: set[str] = set()
    for start in among:
        if start in done:
            continue
        path: list[str] = [start]
        ways = [iter([n for n in following[start] if n in among])]
        while path:
            step = next(ways[-1], None)
            if step is None:
                done.add(path.pop())
                ways.pop()
            elif step in path:
                loop = tuple(path[path.index(step) :])
                loops.setdefault(frozenset(loop), loop)
            elif step not in done:
                path.append(step)
                ways.append(iter([n for n in following[step] if n in among]))
    return list(loops.values())


def entries(graph: Graph) -> tuple[Node, ...]:
    """Return the jump ends that no jump leads to: there a sub-workflow begins."""
    left = {n.parameters.get("number") for n in graph.nodes if n.type == JUMP_OUT}
    return tuple(
        node
        for node in graph.nodes
        if node.type == JUMP_IN and node.parameters.get("number") not in left
    )


def beginnings(graph: Graph) -> tuple[Node, ...]:
    """Return the activities where a workflow begins when it is started itself."""
    return tuple(node for node in graph.initial if node.type != JUMP_IN)


def is_enabled(node: Node) -> bool:
    """Return whether a branch goes on after the activity. It may be held, not off."""
    return node.extras.get("execution") != Execution.OFF
