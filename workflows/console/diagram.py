"""The drawing of a structure: where nodes and transitions go, and what they tell.

Layers from left to right in the order of execution; a transition that spans several
layers keeps a lane of its own between the nodes. Pure: no SQL.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from workflows.engine.graph import Edge, Graph, Node

NODE_WIDTH, NODE_HEIGHT = 200, 60
GAP_X, GAP_Y = 92, 36
MARGIN = 16
RADIUS = 8
LANE = 10
ERROR = "error"
# How much text a node takes; a CJK character counts as two.
TITLE_UNITS, DETAIL_UNITS = 16, 22


def _fitting(text: str, units: int, *, at_words: bool = True) -> tuple[str, str]:
    """Return what fits, broken between words where there is a word, and the rest."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > units:
            at = text.rfind(" ", 0, index + 1) if at_words else -1
            if at > 0:
                return text[:at], text[at + 1 :]
            return text[:index], text[index:]
    return text, ""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the shown run did in one activity, or that it did nothing there yet.

    ``mark`` is "", done, run, error or wait; ``detail`` replaces the type's name
    under the label; ``results`` maps an output to (result, duration).
    """

    mark: str = ""
    word: str = ""
    detail: str = ""
    results: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlacedNode:
    """An activity with its place; x and y are the top left corner."""

    node: Node
    x: int
    y: int
    progress: Progress
    type_label: str
    icon: str
    order: int

    @property
    def title(self) -> list[str]:
        """Return the label in one line, or two where it is long."""
        first, rest = _fitting(self.node.title, TITLE_UNITS)
        if not rest:
            return [first]
        second, more = _fitting(rest, TITLE_UNITS - 1)
        return [first, second.rstrip() + "…" if more else second]

    @property
    def below(self) -> str:
        """Return the line under the label as it fits."""
        text = self.progress.detail or self.type_label
        first, rest = _fitting(text, DETAIL_UNITS, at_words=False)
        return first.rstrip() + "…" if rest else text

    @property
    def badge_x(self) -> int:
        """Return the middle of the state badge."""
        return self.x + NODE_WIDTH


@dataclass(frozen=True, slots=True)
class PlacedEdge:
    """A transition as an SVG path, with where its words stand."""

    edge: Edge
    path: str
    tone: str
    result: str
    duration: str
    label_x: int
    label_y: int

    @property
    def is_error(self) -> bool:
        """Return whether it is the way of errors."""
        return self.edge.output == ERROR


@dataclass(frozen=True, slots=True)
class Drawing:
    """A whole diagram; nodes in the order of execution."""

    nodes: list[PlacedNode]
    edges: list[PlacedEdge]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a layer: of an activity, or of a transition passing by."""

    layer: int
    name: str


def layers_of(graph: Graph) -> dict[str, int]:
    """Return the layer of every activity: the longest way to it, loops cut."""
    following: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        if edge.source in graph.by_name and edge.destination in graph.by_name:
            following[edge.source].append(edge.destination)
    order, back = _depth_first(graph, following)
    layers = dict.fromkeys(graph.by_name, 0)
    for name in order:
        for successor in following[name]:
            if (name, successor) not in back:
                layers[successor] = max(layers[successor], layers[name] + 1)
    return layers


def _depth_first(
    graph: Graph, following: Mapping[str, list[str]]
) -> tuple[list[str], set[tuple[str, str]]]:
    """Return a topological order, and the transitions that close a loop."""
    done: list[str] = []
    seen: set[str] = set()
    open_: set[str] = set()
    back: set[tuple[str, str]] = set()

    def visit(name: str) -> None:
        seen.add(name)
        open_.add(name)
        for successor in following[name]:
            if successor in open_:
                back.add((name, successor))
            elif successor not in seen:
                visit(successor)
        open_.discard(name)
        done.append(name)

    for node in (*graph.initial, *graph.nodes):
        if node.name not in seen:
            visit(node.name)
    return done[::-1], back


class _Rows:
    """Gives every spot a row, near those it comes from."""

    def __init__(self, graph: Graph, layers: Mapping[str, int]) -> None:
        self.graph, self.layers = graph, layers
        self.rows: dict[Spot, int] = {}
        self.sources: dict[Spot, list[tuple[Spot, int]]] = defaultdict(list)
        self.chains: dict[Edge, list[Spot]] = {}
        for rank, edge in enumerate(graph.edges):
            if edge.source in layers and edge.destination in layers:
                self.chains[edge] = self._chain(edge, rank)
        self._assign()

    def _chain(self, edge: Edge, rank: int) -> list[Spot]:
        """Return the spots between both ends, and note who precedes whom."""
        first, last = self.layers[edge.source], self.layers[edge.destination]
        between = [
            Spot(layer, f"{edge.source} {edge.output} {edge.destination}")
            for layer in range(first + 1, last)
        ]
        spots = [Spot(first, edge.source), *between, Spot(last, edge.destination)]
        if last > first:
            weight = rank + (1000 if edge.output == ERROR else 0)
            for before, after in pairwise(spots):
                self.sources[after].append((before, weight))
        return between

    def _assign(self) -> None:
        spots: dict[int, list[Spot]] = defaultdict(list)
        for node in self.graph.nodes:
            layer = self.layers[node.name]
            spots[layer].append(Spot(layer, node.name))
        for between in self.chains.values():
            for spot in between:
                spots[spot.layer].append(spot)
        for layer in sorted(spots):
            taken = -1
            for spot in sorted(spots[layer], key=self._key):
                wish = int(self._key(spot)[0]) if self.sources[spot] else taken + 1
                taken = max(taken + 1, wish)
                self.rows[spot] = taken

    def _key(self, spot: Spot) -> tuple[float, int]:
        origins = self.sources[spot]
        if not origins:
            return (0.0, -1)
        rows = [self.rows.get(origin, 0) for origin, _weight in origins]
        return (sum(rows) / len(rows), min(weight for _origin, weight in origins))


def draw(
    graph: Graph,
    progress: Mapping[str, Progress],
    types: Mapping[str, tuple[str, str]],
) -> Drawing:
    """Lay out a structure; ``types`` maps an activity type to (label, icon)."""
    layers = layers_of(graph)
    rows = _Rows(graph, layers)
    nodes = [
        _place(node, layers, rows, progress, types)
        for node in sorted(
            graph.nodes,
            key=lambda n: (layers[n.name], rows.rows[Spot(layers[n.name], n.name)]),
        )
    ]
    placed = {item.node.name: item for item in nodes}
    lanes = _lanes(rows, placed)
    bottom = max(rows.rows.values(), default=0)
    loops = [e for e in rows.chains if layers[e.destination] <= layers[e.source]]
    edges = [
        _route(edge, between, rows, placed, progress, lanes, bottom, loops)
        for edge, between in rows.chains.items()
    ]
    height = 2 * MARGIN + (bottom + 1) * NODE_HEIGHT + bottom * GAP_Y
    return Drawing(
        nodes=[_numbered(item, index) for index, item in enumerate(nodes)],
        edges=edges,
        width=2 * MARGIN
        + (max(layers.values(), default=0) + 1) * (NODE_WIDTH + GAP_X)
        - GAP_X,
        height=height + len(loops) * 2 * LANE + (LANE if loops else 0),
    )


def _numbered(item: PlacedNode, order: int) -> PlacedNode:
    return PlacedNode(
        item.node, item.x, item.y, item.progress, item.type_label, item.icon, order
    )


def _place(
    node: Node,
    layers: Mapping[str, int],
    rows: _Rows,
    progress: Mapping[str, Progress],
    types: Mapping[str, tuple[str, str]],
) -> PlacedNode:
    layer = layers[node.name]
    label, icon = types.get(node.type, (node.type, "point"))
    return PlacedNode(
        node,
        MARGIN + layer * (NODE_WIDTH + GAP_X),
        _top(rows.rows[Spot(layer, node.name)]),
        progress.get(node.name, Progress()),
        label,
        icon,
        0,
    )


def _top(row: int) -> int:
    return MARGIN + row * (NODE_HEIGHT + GAP_Y)


def _lanes(rows: _Rows, placed: Mapping[str, PlacedNode]) -> dict[str, int]:
    """Return how far from the middle each source turns, so that ways stay apart."""
    by_layer: dict[int, list[str]] = defaultdict(list)
    for edge in rows.chains:
        layer = rows.layers[edge.source]
        if edge.source not in by_layer[layer]:
            by_layer[layer].append(edge.source)
    return {
        name: (index - (len(names) - 1) // 2) * LANE
        for names in by_layer.values()
        for index, name in enumerate(sorted(names, key=lambda n: placed[n].y))
    }


def _route(
    edge: Edge,
    between: Iterable[Spot],
    rows: _Rows,
    placed: Mapping[str, PlacedNode],
    progress: Mapping[str, Progress],
    lanes: Mapping[str, int],
    bottom: int,
    loops: list[Edge],
) -> PlacedEdge:
    start, end = placed[edge.source], placed[edge.destination]
    half = NODE_HEIGHT // 2
    goal = (end.x - 2, end.y + half)
    if edge in loops:
        lane = _top(bottom) + NODE_HEIGHT + LANE * (1 + 2 * loops.index(edge))
        middle_start, middle_end = start.x + NODE_WIDTH // 2, end.x + NODE_WIDTH // 2
        points = [
            (middle_start, start.y + NODE_HEIGHT),
            (middle_start, lane),
            (middle_end, lane),
            (middle_end, end.y + NODE_HEIGHT + 2),
        ]
        label = ((middle_start + middle_end) // 2, lane)
    else:
        first_y = start.y + half
        points = [(start.x + NODE_WIDTH, first_y)]
        leaves_below = edge.output == ERROR and _second_y(between, rows, end) > first_y
        if leaves_below:
            points = [(start.x + NODE_WIDTH * 3 // 4, start.y + NODE_HEIGHT)]
        for spot in between:
            _turn(points, spot.layer, _top(rows.rows[spot]) + half, edge, lanes, start)
        _turn(points, rows.layers[edge.destination], goal[1], edge, lanes, start)
        points.append(goal)
        label = (end.x - GAP_X // 2 + 2, goal[1])
    result, duration = progress.get(edge.source, Progress()).results.get(
        edge.output, ("", "")
    )
    taken = bool(result or duration) or edge.output in (
        progress.get(edge.source, Progress()).results
    )
    tone = ("bad" if edge.output == ERROR else "ok") if taken else "none"
    return PlacedEdge(edge, _rounded(points), tone, result, duration, *label)


def _second_y(between: Iterable[Spot], rows: _Rows, end: PlacedNode) -> int:
    for spot in between:
        return _top(rows.rows[spot]) + NODE_HEIGHT // 2
    return end.y + NODE_HEIGHT // 2


def _turn(
    points: list[tuple[int, int]],
    layer: int,
    y: int,
    edge: Edge,
    lanes: Mapping[str, int],
    start: PlacedNode,
) -> None:
    """Go to the height ``y`` in the gap before ``layer``, and on through it."""
    x, last_y = points[-1]
    gap = MARGIN + layer * (NODE_WIDTH + GAP_X) - GAP_X
    if last_y == y:
        return
    if len(points) == 1 and last_y == start.y + NODE_HEIGHT:
        points.append((x, y))
        return
    turn = gap + GAP_X // 3 + lanes.get(edge.source, 0)
    points.extend([(turn, last_y), (turn, y)])


def _rounded(points: list[tuple[int, int]]) -> str:
    """Return an SVG path through the points with round corners."""
    path = [f"M{points[0][0]} {points[0][1]}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        into, out = _toward(corner, before), _toward(corner, after)
        path.append(
            f"L{into[0]:g} {into[1]:g}Q{corner[0]} {corner[1]} {out[0]:g} {out[1]:g}"
        )
    path.append(f"L{points[-1][0]} {points[-1][1]}")
    return "".join(path)


def _toward(origin: tuple[int, int], target: tuple[int, int]) -> tuple[float, float]:
    length = abs(target[0] - origin[0]) + abs(target[1] - origin[1])
    step = min(RADIUS, length / 2) / (length or 1)
    return (
        origin[0] + (target[0] - origin[0]) * step,
        origin[1] + (target[1] - origin[1]) * step,
    )
