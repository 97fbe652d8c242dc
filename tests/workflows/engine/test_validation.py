"""Every rule of structural validity, each naming its activity and a remedy."""

from __future__ import annotations

from typing import Any

import pytest

from workflows.engine.findings import FindingLevel
from workflows.engine.graph import Graph
from workflows.engine.validation import find_faults, parse, read
from workflows.exceptions import InvalidInput

DAILY = {"schedule": {"kind": "daily", "time": "04:00"}}
BRANCH = {"name": "many", "label": "Many", "condition": "vars.count > 10"}
ALERT = {"title": "Look"}
ERROR, INCOMPLETE, WARNING = (
    FindingLevel.ERROR,
    FindingLevel.INCOMPLETE,
    FindingLevel.WARNING,
)


def stored(*activities: tuple[Any, ...], ways: str = "") -> dict[str, Any]:
    """Return a structure.

    An activity is its name, its type, its parameters, and its options; ``ways`` is
    like ``a.ok>b b.ok>c``.
    """
    return {
        "activities": [
            {
                "name": given[0],
                "type": given[1],
                "label": given[0].capitalize(),
                "parameters": given[2] if len(given) > 2 else {},
                **(given[3] if len(given) > 3 else {}),
            }
            for given in activities
        ],
        "transitions": [
            {
                "source": way.split(".")[0],
                "output": way.split(".")[1].split(">")[0],
                "destination": way.split(">")[1],
            }
            for way in ways.split()
        ],
    }


def found(structure: dict[str, Any], **options: Any) -> list[tuple[str, FindingLevel]]:
    return [
        (finding.place, finding.level)
        for finding in find_faults(Graph.of(structure), **options)
    ]


def message(structure: dict[str, Any], place: str) -> str:
    return next(
        finding.message
        for finding in find_faults(Graph.of(structure))
        if finding.place == place
    )


SOUND = stored(
    ("plan", "scheduler", DAILY),
    ("choose", "test", {"branches": [BRANCH], "use_default": True}),
    ("tell", "alert", ALERT),
    ("end", "end"),
    ways="plan.ok>choose choose.many>tell choose.default>end tell.ok>end",
)


def test_sound_structure_has_nothing_to_say() -> None:
    assert found(SOUND) == []


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        (stored(("a", "start"), ("a", "end")), ("a", ERROR)),
        (stored(("a", "start"), ways="a.ok>gone"), ("gone", ERROR)),
        (
            stored(("a", "start"), ("b", "end"), ways="a.ok>b a.ok>b"),
            ("a", ERROR),
        ),
        (stored(("2nd", "start")), ("2nd.name", ERROR)),
        (stored(("a b", "start")), ("a b.name", ERROR)),
        (stored(("a", "wizard")), ("a", ERROR)),
        (stored(("a", "start"), ("b", "end"), ways="a.no>b"), ("a", ERROR)),
        (
            stored(("a", "start"), ("b", "start"), ways="a.ok>b"),
            ("b", ERROR),
        ),
        (stored(("a", "test")), ("a.branches", ERROR)),
        (stored(("a", "script", {"handler": "no.thing"})), ("a.handler", ERROR)),
        (stored(("a", "alert")), ("a.title", INCOMPLETE)),
        (stored(("a", "script")), ("a.handler", INCOMPLETE)),
        (stored(), ("activities", ERROR)),
        (
            stored(("a", "start", {}, {"execution": "off"})),
            ("a.execution", INCOMPLETE),
        ),
        (stored(("a", "start", {}, {"execution": "maybe"})), ("a.execution", ERROR)),
        (stored(("a", "alert", ALERT, {"retries": -1})), ("a.retries", ERROR)),
        (stored(("a", "alert", ALERT, {"retries": True})), ("a.retries", ERROR)),
        (
            stored(("a", "alert", ALERT, {"max_seconds": "soon"})),
            ("a.max_seconds", ERROR),
        ),
        (
            stored(("a", "alert", ALERT, {"init": [{"name": "x"}]})),
            ("a.init.0.expression", ERROR),
        ),
        (
            stored(("a", "start", {}, {"process_errors": True})),
            ("a.process_errors", ERROR),
        ),
    ],
)
def test_rule_names_its_activity(
    structure: dict[str, Any], expected: tuple[str, FindingLevel]
) -> None:
    assert expected in found(structure)


def test_scheduler_behind_another_activity_is_an_error() -> None:
    structure = stored(
        ("go", "start"),
        ("plan", "scheduler", DAILY),
        ("end", "end"),
        ways="go.ok>plan plan.ok>end",
    )

    assert ("plan", ERROR) in found(structure)
    assert "begins a branch" in message(structure, "plan")


def test_scheduler_that_leads_back_to_itself_is_an_error() -> None:
    structure = stored(
        ("plan", "scheduler", DAILY),
        ("tell", "alert", ALERT),
        ways="plan.ok>tell tell.ok>plan",
    )

    assert "back to itself" in message(structure, "plan")


def test_second_scheduler_of_a_branch_is_an_error_that_names_the_first() -> None:
    structure = stored(
        ("plan", "scheduler", DAILY),
        ("tell", "alert", ALERT),
        ("again", "scheduler", DAILY),
        ("end", "end"),
        ways="plan.ok>tell tell.ok>again again.ok>end",
    )

    assert "plan" in message(structure, "again")


def test_two_schedulers_that_meet_are_two_branches() -> None:
    structure = stored(
        ("morning", "scheduler", DAILY),
        ("evening", "scheduler", DAILY),
        ("end", "end"),
        ways="morning.ok>end evening.ok>end",
    )

    assert found(structure) == []


def test_open_end_is_a_warning_that_names_the_output() -> None:
    structure = stored(("go", "start"))

    assert found(structure) == [("go", WARNING)]
    assert "ok" in message(structure, "go")


def test_open_end_of_a_switched_off_activity_is_none() -> None:
    structure = stored(
        ("go", "start"),
        ("tell", "alert", ALERT, {"execution": "off"}),
        ways="go.ok>tell",
    )

    assert found(structure) == []


def test_error_output_is_wired_only_with_process_errors() -> None:
    activities = (("go", "start"), ("tell", "alert", ALERT), ("end", "end"))
    ways = "go.ok>tell tell.ok>end tell.error>end"
    switched_on = ("tell", "alert", ALERT, {"process_errors": True})

    assert found(stored(*activities, ways=ways)) == [("tell.process_errors", ERROR)]
    assert found(stored(activities[0], switched_on, activities[2], ways=ways)) == []


def test_unreached_activity_is_a_warning() -> None:
    structure = stored(
        ("go", "start"),
        ("end", "end"),
        ("choose", "test", {"branches": [BRANCH]}),
        ("tell", "alert", ALERT),
        ways="go.ok>end choose.many>tell tell.ok>choose",
    )

    assert found(structure) == [("choose", WARNING), ("tell", WARNING)]


def test_join_needs_two_ways_in() -> None:
    structure = stored(
        ("go", "start"),
        ("join", "and_join"),
        ("end", "end"),
        ways="go.ok>join join.ok>end",
    )

    assert ("join", ERROR) in found(structure)
    assert "1" in message(structure, "join")


def test_primary_set_of_a_join_has_to_lead_to_it() -> None:
    structure = stored(
        ("one", "start"),
        ("two", "start"),
        ("join", "and_join", {"primary": "three"}),
        ("end", "end"),
        ways="one.ok>join two.ok>join join.ok>end",
    )

    assert found(structure) == [("join.primary", ERROR)]
    assert "one, two" in message(structure, "join.primary")


def test_jump_starts_need_their_end() -> None:
    structure = stored(
        ("go", "start"), ("leap", "jump_out", {"number": 3}), ways="go.ok>leap"
    )

    assert found(structure) == [("leap.number", ERROR)]
    assert "3" in message(structure, "leap.number")


def test_numbers_of_jump_ends_are_unique() -> None:
    structure = stored(
        ("go", "start"),
        ("leap", "jump_out", {"number": 1}),
        ("here", "jump_in", {"number": 1}),
        ("there", "jump_in", {"number": 1}),
        ("end", "end"),
        ways="go.ok>leap here.ok>end there.ok>end",
    )

    assert found(structure) == [("there.number", ERROR)]


def test_sub_workflow_begins_and_ends_with_jumps_but_does_not_start_itself() -> None:
    structure = stored(
        ("enter", "jump_in", {"number": 1}),
        ("leave", "jump_out", {"number": 9}),
        ways="enter.ok>leave",
    )

    assert found(structure) == [("enter", INCOMPLETE)]


def test_loop_without_a_brake_is_an_error_that_tells_the_way() -> None:
    structure = stored(
        ("go", "start"),
        ("a", "alert", ALERT),
        ("b", "alert", ALERT),
        ways="go.ok>a a.ok>b b.ok>a",
    )

    assert found(structure) == [("a", ERROR)]
    assert "a → b → a" in message(structure, "a")


def test_loop_over_a_jump_is_a_loop() -> None:
    structure = stored(
        ("go", "start"),
        ("a", "alert", ALERT),
        ("back", "jump_out", {"number": 1}),
        ("here", "jump_in", {"number": 1}),
        ways="go.ok>a a.ok>back here.ok>a",
    )

    assert found(structure) == [("a", ERROR)]


@pytest.mark.parametrize(
    "brake",
    [
        ("brake", "wait", {"duration": "PT1M"}),
        ("brake", "test", {"branches": [{**BRANCH, "name": "ok"}]}),
        ("brake", "alert", ALERT, {"execution": "off"}),
    ],
)
def test_loop_that_is_slowed_down_decided_or_cut_is_allowed(
    brake: tuple[Any, ...],
) -> None:
    structure = stored(
        ("go", "start"),
        ("a", "alert", ALERT),
        brake,
        ways="go.ok>a a.ok>brake brake.ok>a",
    )

    assert ERROR not in {level for _place, level in found(structure)}


@pytest.mark.parametrize(
    ("count", "expected"),
    [(60, []), (61, [WARNING]), (101, [WARNING])],
)
def test_many_activities_are_a_warning(count: int, expected: list[Any]) -> None:
    names = [f"a{number}" for number in range(count - 2)]
    structure = stored(
        ("go", "start"),
        *((name, "alert", ALERT) for name in names),
        ("end", "end"),
        ways=" ".join(
            f"{one}.ok>{two}"
            for one, two in zip(["go", *names], [*names, "end"], strict=True)
        ),
    )

    assert found(structure) == [("activities", level) for level in expected]


def every(duration: str) -> dict[str, Any]:
    return stored(
        (
            "plan",
            "scheduler",
            {
                "schedule": {
                    "kind": "several_times_a_day",
                    "every": duration,
                    "from": "00:00",
                }
            },
        ),
        ("end", "end"),
        ways="plan.ok>end",
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("duration", "expected"),
    [("PT1M", [ERROR]), ("PT9M", [ERROR]), ("PT10M", [WARNING]), ("PT15M", [])],
)
def test_interval_of_a_workflow_made_by_users(
    duration: str, expected: list[FindingLevel]
) -> None:
    assert [level for _p, level in found(every(duration), is_technical=False)] == (
        expected
    )


def test_interval_of_a_built_in_workflow_is_free() -> None:
    assert found(every("PT1M"), is_technical=True) == []


def test_structure_that_is_not_configured_is_read_but_not_fit_to_start() -> None:
    structure = stored(("go", "start"), ("tell", "alert"), ways="go.ok>tell")

    assert read(structure).by_name.keys() == {"go", "tell"}
    with pytest.raises(InvalidInput) as refused:
        parse(structure)
    assert [fault.field for fault in refused.value.faults] == ["tell.title"]


@pytest.mark.parametrize(
    "structure",
    [
        {},
        {"activities": []},
        {"activities": [{"type": "start"}], "transitions": []},
        {"activities": ["start"], "transitions": []},
        {"activities": None, "transitions": []},
        {"activities": [{"name": 1, "type": "start"}], "transitions": []},
        {
            "activities": [{"name": "a", "type": "start", "parameters": [1]}],
            "transitions": [],
        },
        {"activities": [], "transitions": [{"source": "a", "output": "ok"}]},
        {
            "activities": [],
            "transitions": [{"source": ["a"], "output": "ok", "destination": "b"}],
        },
    ],
)
def test_form_that_is_none_is_told(structure: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        read(structure)


def test_wide_structure_is_judged_in_no_time() -> None:
    names = [f"a{number}" for number in range(200)]
    structure = stored(
        *((name, "alert", ALERT) for name in names),
        ways=" ".join(
            f"{one}.ok>{two}"
            for position, one in enumerate(names)
            for two in names[position + 1 : position + 20]
        ),
    )

    assert ERROR not in {level for _place, level in found(structure)}
