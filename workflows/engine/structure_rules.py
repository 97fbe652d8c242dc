"""The rules about the shape of a structure; each yields what breaks it.

They expect names, types and transitions to be right, as ``validation`` sees to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from workflows import conf
from workflows.activities import find_type
from workflows.engine import shape
from workflows.engine.calendar import Schedule, ScheduleError
from workflows.engine.findings import Finding, FindingLevel
from workflows.engine.graph import JUMP_IN, JUMP_OUT, Graph, Node

SCHEDULER = "scheduler"
SIGNAL = "signal"
# What slows a loop down, or decides whether it goes on.
BRAKES = frozenset({SCHEDULER, SIGNAL, "wait", "test", "approval", "time_constraint"})
MANY_ACTIVITIES = 60
TOO_MANY_ACTIVITIES = 100
ADVISED_INTERVAL_SECONDS = 900


def beginning(graph: Graph) -> Iterator[Finding]:
    """Judge where execution begins, and what it never reaches."""
    first = shape.beginnings(graph)
    if not first and not shape.entries(graph):
        yield Finding(
            "",
            "activities",
            _("No activity can begin; add a scheduler or a start."),
        )
    elif not first:
        yield Finding(
            shape.entries(graph)[0].name,
            "",
            _(
                "It begins with a jump end, so only another workflow can call it; to"
                " start it by itself add a scheduler or a start."
            ),
            FindingLevel.INCOMPLETE,
        )
    elif not any(shape.is_enabled(node) for node in first):
        yield Finding(
            first[0].name,
            "execution",
            _("No initial activity is enabled; set one back to normal."),
            FindingLevel.INCOMPLETE,
        )
    following = shape.successors(graph)
    reached = {node.name for node in graph.initial}
    for node in graph.initial:
        reached |= shape.reached_from(following, node.name)
    for node in graph.nodes:
        if node.name not in reached and node.type != JUMP_OUT and first:
            yield Finding(
                node.name,
                "",
                _("Nothing leads to it from a beginning: connect it or remove it."),
                FindingLevel.WARNING,
            )


def inbound(graph: Graph) -> Iterator[Finding]:
    """Judge what stands behind others but has to be first."""
    reached = dict.fromkeys(edge.destination for edge in graph.edges)
    for node in (graph.by_name[name] for name in reached):
        if node.type == SCHEDULER:
            continue
        if find_type(node.type).is_initial_only:
            yield Finding(
                node.name,
                "",
                _(
                    "It begins a branch, so nothing may lead to it: remove the"
                    " transition, or put a wait in its place."
                ),
            )
        elif node.type == SIGNAL:
            yield Finding(
                node.name,
                "",
                _(
                    "An external signal should be first in its branch: here it hears"
                    " nothing until the run comes by."
                ),
                FindingLevel.WARNING,
            )


def schedulers(graph: Graph) -> Iterator[Finding]:
    """Judge schedulers that something leads to, themselves included."""
    following = shape.successors(graph)
    schedulers = [node.name for node in graph.nodes if node.type == SCHEDULER]
    behind = {name: shape.reached_from(following, name) for name in schedulers}
    for name in schedulers:
        before = [other for other in schedulers if name in behind[other]]
        if name in before:
            message = _(
                "It leads back to itself, which would multiply its runs without end:"
                " remove that way."
            )
        elif before:
            message = _(
                "The scheduler %(other)s stands before it in the same branch, so runs"
                " would multiply: keep one scheduler, or put a wait in its place."
            ) % {"other": before[0]}
        elif any(edge.destination == name for edge in graph.edges):
            message = _(
                "A scheduler begins a branch, so nothing may lead to it: remove the"
                " transition, or put a wait in its place."
            )
        else:
            continue
        yield Finding(name, "", message)


def joins(graph: Graph) -> Iterator[Finding]:
    """Judge what collects several transitions."""
    for node in graph.nodes:
        if not find_type(node.type).is_collecting:
            continue
        inbound = graph.inbound(node.name)
        if len(inbound) < 2:
            yield Finding(
                node.name,
                "",
                _(
                    "It waits for several transitions, but only %(count)s leads to it:"
                    " connect at least two, or remove it."
                )
                % {"count": len(inbound)},
            )
        primary = node.parameters.get("primary")
        if primary and primary not in {source for source, _output in inbound}:
            yield Finding(
                node.name,
                "primary",
                _("%(name)s does not lead to it; choose one of: %(names)s.")
                % {
                    "name": primary,
                    "names": ", ".join(source for source, _output in inbound) or "-",
                },
            )


def jumps(graph: Graph) -> Iterator[Finding]:
    """Judge the numbers that pair jumps."""
    ends: dict[Any, Node] = {}
    for node in graph.nodes:
        if node.type != JUMP_IN:
            continue
        number = node.parameters.get("number")
        if number in ends:
            yield Finding(
                node.name,
                "number",
                _("%(other)s has the same number; give it another one.")
                % {"other": ends[number].name},
            )
        ends.setdefault(number, node)
    if shape.entries(graph):
        return  # a sub-workflow, whose unpaired jumps are its exits
    for node in graph.nodes:
        number = node.parameters.get("number")
        if node.type == JUMP_OUT and number not in ends:
            yield Finding(
                node.name,
                "number",
                _(
                    "No jump end has the number %(number)s: add one, or begin with a"
                    " jump end if this is to be called as a sub-workflow."
                )
                % {"number": number},
            )


def loops(graph: Graph) -> Iterator[Finding]:
    """Judge loops that nothing slows down."""
    free = [
        node.name
        for node in graph.nodes
        if node.type not in BRAKES and shape.is_enabled(node)
    ]
    for loop in shape.find_loops(shape.successors(graph), free):
        yield Finding(
            loop[0],
            "",
            _(
                "It leads back to itself without a pause (%(way)s): put a wait, a test"
                " or an approval on the way."
            )
            % {"way": " → ".join((*loop, loop[0]))},
        )


def size(graph: Graph) -> Iterator[Finding]:
    """Judge how many activities there are."""
    count = len(graph.nodes)
    if count > TOO_MANY_ACTIVITIES:
        message = _(
            "It has %(count)s activities; above 100 nobody keeps the overview and the"
            " editor slows down. Move parts into sub-workflows."
        )
    elif count > MANY_ACTIVITIES:
        message = _(
            "It has %(count)s activities; consider moving parts into sub-workflows."
        )
    else:
        return
    yield Finding("", "activities", message % {"count": count}, FindingLevel.WARNING)


def intervals(nodes: list[Node]) -> Iterator[Finding]:
    """Judge how often workflows fire that users made; built-in ones are free."""
    shortest = shortest_interval(is_technical=False)
    for node in nodes:
        if node.type != SCHEDULER:
            continue
        for seconds, level in (
            (shortest, FindingLevel.ERROR),
            (ADVISED_INTERVAL_SECONDS, FindingLevel.WARNING),
        ):
            try:
                Schedule.parse(node.parameters["schedule"], minimum_seconds=seconds)
            except ScheduleError as error:
                for fault in error.faults:
                    yield Finding(
                        node.name, f"schedule.{fault.field}", fault.message, level
                    )
                break


def shortest_interval(*, is_technical: bool) -> int | None:
    """Return how many seconds firings must lie apart; None for built-in workflows."""
    return None if is_technical else int(conf.option("WORKFLOW_MIN_INTERVAL"))
