from __future__ import annotations

from itertools import combinations

from tests.workflows.console.conftest import GRAPH
from workflows.console.diagram import NODE_HEIGHT, NODE_WIDTH, Progress, draw, layers_of
from workflows.engine.graph import Graph

TYPES = {"script": ("Script", "code")}


def graph_of(*transitions: tuple[str, str, str]) -> Graph:
    names = dict.fromkeys(n for a, _o, b in transitions for n in (a, b))
    return Graph.of(
        {
            "activities": [{"name": n, "type": "script", "label": n} for n in names],
            "transitions": [
                {"source": a, "output": o, "destination": b} for a, o, b in transitions
            ],
        }
    )


def test_layers_follow_the_longest_way() -> None:
    graph = graph_of(("a", "ok", "b"), ("b", "ok", "c"), ("a", "ok", "c"))

    assert layers_of(graph) == {"a": 0, "b": 1, "c": 2}


def test_loop_is_drawn_without_end() -> None:
    graph = graph_of(("a", "ok", "b"), ("b", "again", "a"), ("b", "ok", "c"))

    drawing = draw(graph, {}, TYPES)

    assert [node.node.name for node in drawing.nodes] == ["a", "b", "c"]
    assert len(drawing.edges) == 3


def test_nodes_never_overlap() -> None:
    graph = graph_of(
        ("a", "ok", "b"),
        ("a", "ok", "c"),
        ("a", "error", "d"),
        ("b", "ok", "e"),
        ("c", "ok", "e"),
        ("d", "ok", "e"),
        ("a", "ok", "e"),
    )

    nodes = draw(graph, {}, TYPES).nodes

    assert not any(
        abs(one.x - two.x) < NODE_WIDTH and abs(one.y - two.y) < NODE_HEIGHT
        for one, two in combinations(nodes, 2)
    )


def test_everything_lies_within_the_drawing() -> None:
    drawing = draw(Graph.of(GRAPH), {}, TYPES)

    assert all(node.x + NODE_WIDTH < drawing.width for node in drawing.nodes)
    assert all(node.y + NODE_HEIGHT < drawing.height for node in drawing.nodes)


def test_error_way_leaves_from_below() -> None:
    drawing = draw(Graph.of(GRAPH), {}, TYPES)
    work = next(node for node in drawing.nodes if node.node.name == "work")

    error = next(edge for edge in drawing.edges if edge.is_error)

    assert error.path.startswith(f"M{work.x + 150} {work.y + NODE_HEIGHT}")


def test_taken_transition_carries_its_result() -> None:
    progress = {"work": Progress("done", "Done", "", {"ok": ("574 – Ok", "3 s")})}

    drawing = draw(Graph.of(GRAPH), progress, TYPES)

    tones = {(e.edge.source, e.edge.output): e.tone for e in drawing.edges}
    assert tones["work", "ok"] == "ok"
    assert tones["work", "error"] == "none"


def test_long_label_breaks_between_words() -> None:
    graph = graph_of(("Collect and process all rows of today", "ok", "b"))

    title = draw(graph, {}, TYPES).nodes[0].title

    assert title == ["Collect and", "process all…"]


def test_wide_characters_count_twice() -> None:
    graph = graph_of(("게재 능력을 위한 업데이트", "ok", "b"))

    title = draw(graph, {}, TYPES).nodes[0].title

    assert len(title) == 2
    assert max(len(line) for line in title) <= 10


def test_empty_structure_is_drawn() -> None:
    drawing = draw(Graph((), ()), {}, TYPES)

    assert drawing.nodes == []
