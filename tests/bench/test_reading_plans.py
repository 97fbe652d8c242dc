"""What the measures make of the server's log and of its plans."""

from __future__ import annotations

from typing import Any

import pytest

from bench.plans import MANY, MANY_FILTERED, faults
from bench.statements import normalized

HISTORY = "workflows_journalentry"


def node(kind: str, *below: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Return a node of a plan as EXPLAIN gives it."""
    return {
        "Node Type": kind,
        "Actual Rows": 1,
        "Actual Loops": 1,
        "Plans": list(below),
        **values,
    }


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (
            node("Seq Scan", **{"Relation Name": HISTORY, "Actual Rows": MANY + 1}),
            [f"sequential scan of 5,001 rows of {HISTORY}"],
        ),
        (
            node(
                "Index Scan",
                **{"Relation Name": HISTORY, "Rows Removed by Filter": MANY + 1},
            ),
            [f"5,001 rows of {HISTORY} read in vain"],
        ),
        (
            node("Limit", node("Sort", node("Index Scan", **{"Actual Rows": 9_000}))),
            ["sort of 9,000 rows"],
        ),
        (node("Seq Scan", **{"Relation Name": "workflows_workflow"}), []),
        (node("Seq Scan", **{"Relation Name": HISTORY}), []),
    ],
)
def test_plan_is_at_fault_for_what_grows_with_the_history(
    plan: dict[str, Any], expected: list[str]
) -> None:
    assert list(faults(plan)) == expected


def test_filter_may_throw_a_step_of_rows_away() -> None:
    removed = {"Relation Name": HISTORY, "Rows Removed by Filter": MANY_FILTERED}

    assert not list(faults(node("Index Scan", **removed), MANY_FILTERED))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1 FROM a  WHERE b = 'it''s'\n", "SELECT ? FROM a WHERE b = ?"),
        ("DELETE FROM a WHERE id IN (1, 2, 3)", "DELETE FROM a WHERE id IN (?)"),
        ("INSERT INTO a VALUES (1, 'x'), (2, 'y')", "INSERT INTO a VALUES (?)"),
        (
            'SELECT "a"."b", "a"."c" FROM "a" LIMIT 5',
            'SELECT … FROM "a" LIMIT ?',
        ),
    ],
)
def test_statements_that_differ_by_values_only_are_one_kind(
    text: str, expected: str
) -> None:
    assert normalized(text) == expected
