from __future__ import annotations

from typing import Any

from workflows.engine.diff import compare
from workflows.engine.graph import Graph

BEFORE: dict[str, Any] = {
    "activities": [
        {
            "name": "plan",
            "type": "scheduler",
            "label": "Plan",
            "parameters": {"schedule": {"kind": "daily", "time": "04:00"}},
        },
        {"name": "tell", "type": "alert", "label": "Tell", "parameters": {}},
        {"name": "end", "type": "end", "label": "End", "parameters": {}},
    ],
    "transitions": [
        {"source": "plan", "output": "ok", "destination": "tell"},
        {"source": "tell", "output": "ok", "destination": "end"},
    ],
}
AFTER: dict[str, Any] = {
    "activities": [
        {"name": "end", "type": "end", "label": "End", "parameters": {}},
        {
            "name": "plan",
            "type": "scheduler",
            "label": "Plan",
            "parameters": {"schedule": {"kind": "daily", "time": "05:30"}},
            "execution": "hold",
        },
        {
            "name": "choose",
            "type": "test",
            "label": "Choose",
            "parameters": {"branches": [{"name": "a", "condition": "vars.x"}]},
        },
    ],
    "transitions": [
        {"source": "plan", "output": "ok", "destination": "choose"},
        {"source": "choose", "output": "a", "destination": "end"},
    ],
}
DIFF = compare(Graph.of(BEFORE), Graph.of(AFTER))


def test_diff_has_what_was_added_removed_and_changed() -> None:
    assert DIFF.as_dict() == {
        "activities": {
            "added": [{"name": "choose", "type": "test", "label": "Choose"}],
            "removed": [{"name": "tell", "type": "alert", "label": "Tell"}],
            "changed": [
                {
                    "activity": "plan",
                    "field": "execution",
                    "before": None,
                    "after": "hold",
                },
                {
                    "activity": "plan",
                    "field": "parameters.schedule.time",
                    "before": "04:00",
                    "after": "05:30",
                },
            ],
        },
        "transitions": {
            "added": [
                {"source": "plan", "output": "ok", "destination": "choose"},
                {"source": "choose", "output": "a", "destination": "end"},
            ],
            "removed": [
                {"source": "plan", "output": "ok", "destination": "tell"},
                {"source": "tell", "output": "ok", "destination": "end"},
            ],
        },
    }


def test_diff_is_told_in_sentences() -> None:
    assert DIFF.sentences() == [
        "Activity choose (test) is added.",
        "Activity tell (alert) is removed.",
        "plan: execution changes from empty to hold.",
        "plan: parameters.schedule.time changes from 04:00 to 05:30.",
        "Transition plan.ok → choose is added.",
        "Transition choose.a → end is added.",
        "Transition plan.ok → tell is removed.",
        "Transition tell.ok → end is removed.",
    ]


def test_audit_keeps_both_values_of_each_field() -> None:
    changes = DIFF.as_changes()

    assert changes["plan.parameters.schedule.time"] == ["04:00", "05:30"]
    assert changes["activities"] == [["tell"], ["choose"]]
    assert changes["transitions"][0] == ["plan.ok → tell", "tell.ok → end"]


def test_activities_to_be_judged_are_those_added_or_changed() -> None:
    assert DIFF.touched == {"plan", "choose"}


def test_order_of_activities_is_no_difference() -> None:
    turned = {
        "activities": BEFORE["activities"][::-1],
        "transitions": BEFORE["transitions"][::-1],
    }

    assert compare(Graph.of(BEFORE), Graph.of(turned)).is_empty


def test_records_of_a_list_are_compared_field_by_field() -> None:
    def graph(condition: str) -> Graph:
        branch = {"name": "a", "condition": condition}
        return Graph.of(
            {
                "activities": [
                    {"name": "t", "type": "test", "parameters": {"branches": [branch]}}
                ],
                "transitions": [],
            }
        )

    (change,) = compare(graph("vars.x"), graph("vars.y")).changed

    assert change.field == "parameters.branches.0.condition"
    assert (change.before, change.after) == ("vars.x", "vars.y")


def test_other_type_is_a_change_of_the_type() -> None:
    other = {**BEFORE["activities"][1], "type": "script"}
    structure = {
        "activities": [BEFORE["activities"][0], other, BEFORE["activities"][2]],
        "transitions": BEFORE["transitions"],
    }

    (change,) = compare(Graph.of(BEFORE), Graph.of(structure)).changed

    assert (change.activity, change.field) == ("tell", "type")
