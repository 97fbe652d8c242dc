from __future__ import annotations

from typing import Any

import pytest

from workflows.engine.conditions import evaluate
from workflows.engine.graph import Graph
from workflows.engine.validation import find_faults
from workflows.exceptions import ConfigurationError

DAILY = {"schedule": {"kind": "daily", "time": "04:00"}}
BRANCH = {"name": "many", "label": "Many", "condition": "vars.count > 10"}


def graph(*activities: tuple[str, str, dict[str, Any]], edges: str = "") -> Graph:
    """Return a graph; ``edges`` is like ``a.ok>b b.ok>c``."""
    return Graph.of(
        {
            "activities": [
                {"name": name, "type": kind, "parameters": parameters}
                for name, kind, parameters in activities
            ],
            "transitions": [
                {
                    "source": edge.split(".")[0],
                    "output": edge.split(".")[1].split(">")[0],
                    "destination": edge.split(">")[1],
                }
                for edge in edges.split()
            ],
        }
    )


def fields(faulty: Graph) -> list[str]:
    return [finding.place for finding in find_faults(faulty)]


def test_sound_structure_has_no_fault() -> None:
    sound = graph(
        ("plan", "scheduler", DAILY),
        ("choose", "test", {"branches": [BRANCH], "use_default": True}),
        ("end", "end", {}),
        edges="plan.ok>choose choose.many>end choose.default>end",
    )

    assert find_faults(sound) == []


@pytest.mark.parametrize(
    ("faulty", "field"),
    [
        (graph(("a", "start", {}), ("a", "end", {})), "a"),
        (graph(("a", "start", {}), edges="a.ok>gone"), "gone"),
        (graph(("a", "wizard", {})), "a"),
        (graph(("a", "start", {}), ("b", "end", {}), edges="a.no>b"), "a"),
        (graph(("a", "start", {}), ("b", "start", {}), edges="a.ok>b"), "b"),
        (graph(("a", "scheduler", {})), "a.schedule.kind"),
        (graph(("a", "test", {})), "a.branches"),
        (graph(("a", "alert", {})), "a.title"),
        (graph(("a", "script", {"handler": "no.thing"})), "a.handler"),
        (graph(("a", "signal", {"declared": [{"name": "x"}]})), "a.declared.0.type"),
    ],
)
def test_fault_names_its_activity(faulty: Graph, field: str) -> None:
    assert field in fields(faulty)


def test_loop_without_a_brake_is_a_fault() -> None:
    loop = graph(
        ("go", "start", {}),
        ("a", "alert", {"title": "x"}),
        ("b", "alert", {"title": "y"}),
        edges="go.ok>a a.ok>b b.ok>a",
    )

    assert fields(loop)[0] in {"a", "b"}


def test_loop_through_a_test_is_allowed() -> None:
    loop = graph(
        ("go", "start", {}),
        ("a", "alert", {"title": "x"}),
        ("t", "test", {"branches": [BRANCH]}),
        edges="go.ok>a a.ok>t t.many>a",
    )

    assert find_faults(loop) == []


def test_undefined_variable_is_false() -> None:
    assert evaluate("vars.count > 10", {"vars": {}}) is False


@pytest.mark.parametrize(
    "expression", ["vars.count >", "vars.__class__.__mro__[1]()", "range(10**9)|list"]
)
def test_condition_that_cannot_be_evaluated_says_so(expression: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be evaluated"):
        evaluate(expression, {"vars": {"count": 1}})


def test_what_the_editor_keeps_survives() -> None:
    stored = {
        "activities": [
            {
                "name": "a",
                "type": "start",
                "label": "A",
                "parameters": {},
                "position": {"x": 1, "y": 2},
            }
        ],
        "transitions": [],
    }

    assert Graph.of(stored).as_dict() == stored
