"""Start, end, test, fork, joins, jumps, wait and time constraint."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.workflows.activities.conftest import AT
from workflows.activities import find_type
from workflows.activities.sub_workflow import exits_of
from workflows.exceptions import ConfigurationError
from workflows.registry import Done, Wait

BRANCHES = [
    {"name": "many", "condition": "vars.count > 10", "label": "Many"},
    {"name": "some", "condition": "vars.count > 0"},
]


def fields(kind: str, parameters: dict[str, Any]) -> list[str]:
    return [fault.field for fault in find_type(kind).faults(parameters)]


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("start", {}),
        ("end", {}),
        ("end", {"stop_all": True}),
        (
            "end",
            {
                "signal_workflow": "other",
                "signal_activity": "go",
                "signal_parameters": [{"name": "a", "expression": "vars.b"}],
            },
        ),
        ("test", {"branches": BRANCHES}),
        ("test", {"use_default": True}),
        ("fork", {"branches": [{"name": "a"}, {"name": "b"}]}),
        ("and_join", {"primary": "query"}),
        ("wait", {"duration": "1h30m"}),
        ("jump_in", {"number": 1}),
        ("jump_out", {"number": 1}),
        ("time_constraint", {"from": "08:00", "until": "18:00", "weekdays": [1, 2]}),
        ("time_constraint", {"from": "22:00", "until": "24:00"}),
        ("sub_workflow", {"workflow": "other"}),
        ("signal", {"declared": [{"name": "a", "type": "date"}], "min_interval": "1m"}),
    ],
)
def test_sound_parameters(kind: str, parameters: dict[str, Any]) -> None:
    assert fields(kind, parameters) == []


@pytest.mark.parametrize(
    ("kind", "parameters", "field"),
    [
        ("start", {"x": 1}, "x"),
        ("end", {"stop_all": "yes"}, "stop_all"),
        ("end", {"signal_activity": "go"}, "signal_activity"),
        (
            "end",
            {"signal_workflow": "w", "signal_parameters": [{"name": "a"}]},
            "signal_parameters.0.expression",
        ),
        ("test", {}, "branches"),
        ("test", {"branches": [{"name": "a"}]}, "branches.0.condition"),
        (
            "test",
            {"branches": [{"name": "a", "condition": "1 +"}]},
            "branches.0.condition",
        ),
        ("test", {"branches": [BRANCHES[0], BRANCHES[0]]}, "branches.1.name"),
        (
            "test",
            {"branches": [{"name": "default", "condition": "true"}]},
            "branches.0.name",
        ),
        ("fork", {}, "branches"),
        ("fork", {"branches": [{"name": "a"}, {"name": "a"}]}, "branches.1.name"),
        ("fork", {"branches": [{"name": "not good"}]}, "branches.0.name"),
        ("wait", {}, "duration"),
        ("wait", {"duration": "soon"}, "duration"),
        ("jump_in", {}, "number"),
        ("jump_out", {"number": 0}, "number"),
        ("time_constraint", {"from": "8", "until": "18:00"}, "from"),
        ("time_constraint", {"from": "08:00", "until": "25:00"}, "until"),
        ("time_constraint", {"from": "08:00", "until": "08:00"}, "until"),
        (
            "time_constraint",
            {"from": "08:00", "until": "09:00", "weekdays": [8]},
            "weekdays.0",
        ),
        (
            "time_constraint",
            {"from": "08:00", "until": "09:00", "time_zone": "Mars"},
            "time_zone",
        ),
        ("sub_workflow", {}, "workflow"),
        ("signal", {"declared": [{"name": "a", "type": "colour"}]}, "declared.0.type"),
        (
            "signal",
            {"declared": [{"name": "a", "type": "date"}] * 2},
            "declared.1.name",
        ),
        ("scheduler", {}, "schedule.kind"),
        ("scheduler", {"schedule": "daily"}, "schedule"),
    ],
)
def test_fault_names_its_field(
    kind: str, parameters: dict[str, Any], field: str
) -> None:
    assert field in fields(kind, parameters)


def test_test_takes_the_first_true_condition_and_says_why(make_context) -> None:
    context = make_context({"branches": BRANCHES}, vars={"count": 12})

    result = find_type("test").execute(context)

    assert result == Done(output="many", label="Many")
    assert context.lines == [
        "The condition vars.count > 10 of many holds: vars.count = 12."
    ]


def test_test_without_a_match_takes_the_default(make_context) -> None:
    context = make_context({"branches": BRANCHES, "use_default": True})

    assert find_type("test").execute(context).output == "default"


def test_test_without_a_match_and_default_ends_the_branch(make_context) -> None:
    assert find_type("test").execute(make_context({"branches": BRANCHES})).output == ""


def test_condition_that_cannot_be_evaluated_is_an_error(make_context) -> None:
    wrong = [{"name": "a", "condition": "vars.count + 'x' > 1"}]

    with pytest.raises(ConfigurationError):
        find_type("test").execute(make_context({"branches": wrong}, vars={"count": 1}))


def test_test_has_its_branches_and_the_default_as_outputs() -> None:
    outputs = find_type("test").outputs({"branches": BRANCHES, "use_default": True})

    assert outputs == ("many", "some", "default")


def test_fork_takes_every_output(make_context) -> None:
    parameters = {"branches": [{"name": "a"}, {"name": "b"}]}

    assert find_type("fork").outputs(parameters) == ("a", "b")
    assert find_type("fork").execute(make_context(parameters)).output == "*"


def test_end_closes_its_branch(make_context) -> None:
    assert find_type("end").execute(make_context()).output == ""


@pytest.mark.parametrize(
    ("parameters", "ends", "has_effect", "at_once"),
    [
        ({}, False, False, True),
        ({"stop_all": True}, True, True, True),
        ({"signal_workflow": "other"}, False, True, False),
    ],
)
def test_end_tells_what_it_concerns(
    parameters: dict[str, Any], ends: bool, has_effect: bool, at_once: bool
) -> None:
    end = find_type("end")

    assert end.ends_workflow(parameters) is ends
    assert end.has_effect(parameters) is has_effect
    assert end.passes_at_once(parameters) is at_once


def test_wait_waits_first_and_goes_on_when_called_again(
    make_context, settings: Any
) -> None:
    settings.TIME_ZONE = "UTC"
    context = make_context({"duration": "PT1H30M"})

    assert find_type("wait").execute(context) == Wait(AT + timedelta(minutes=90))
    assert context.lines == ["Waiting 1h 30m."]

    context.started_at = AT + timedelta(minutes=90)
    assert find_type("wait").execute(context) == Done()
    assert len(context.lines) == 1


def test_wait_ends_early_when_its_task_is_executed_now(make_context) -> None:
    context = make_context({"duration": "PT1H"})
    find_type("wait").execute(context)

    assert find_type("wait").execute(context) == Done()
    assert context.lines[-1] == "The waiting was ended before its time."


def test_wait_counts_days_where_no_unit_is_given(make_context, settings: Any) -> None:
    settings.TIME_ZONE = "UTC"
    stored = find_type("wait").clean({"duration": "2"})

    assert stored == {"duration": "P2D"}
    assert find_type("wait").execute(make_context(stored)) == Wait(
        AT + timedelta(days=2)
    )


FRAME = {"from": "08:00", "until": "18:00", "time_zone": "Europe/Paris"}


@pytest.mark.parametrize(
    ("more", "instant", "opening"),
    [
        # In winter Paris is an hour ahead.
        ({}, "2026-01-05T07:00Z", "2026-01-05T07:00Z"),
        ({}, "2026-01-05T16:59Z", "2026-01-05T16:59Z"),
        ({}, "2026-01-05T17:00Z", "2026-01-06T07:00Z"),
        ({}, "2026-01-05T06:59Z", "2026-01-05T07:00Z"),
        ({"weekdays": [5]}, "2026-01-05T09:00Z", "2026-01-09T07:00Z"),
        ({"weekdays": [1]}, "2026-01-05T18:00Z", "2026-01-12T07:00Z"),
        # Over midnight, the night belongs to the day on which it begins.
        (
            {"from": "22:00", "until": "06:00", "weekdays": [1]},
            "2026-01-06T04:00Z",
            "2026-01-06T04:00Z",
        ),
        (
            {"from": "22:00", "until": "06:00", "weekdays": [1]},
            "2026-01-06T06:00Z",
            "2026-01-12T21:00Z",
        ),
        # 02:30 does not exist on the day of the change: it begins at 03:30.
        ({"from": "02:30", "until": "04:00"}, "2026-03-29T00:00Z", "2026-03-29T01:30Z"),
        ({"from": "18:00", "until": "24:00"}, "2026-01-05T22:59Z", "2026-01-05T22:59Z"),
    ],
)
def test_time_constraint_opens(
    make_context, more: dict[str, Any], instant: str, opening: str
) -> None:
    at, opens = datetime.fromisoformat(instant), datetime.fromisoformat(opening)
    context = make_context({**FRAME, **more}, started_at=at)

    result = find_type("time_constraint").execute(context)

    assert result == (Done() if at == opens else Wait(opens))


def test_time_constraint_may_abandon_instead(make_context) -> None:
    context = make_context(
        {**FRAME, "try_again": False}, started_at=datetime(2026, 1, 5, 3, tzinfo=UTC)
    )

    assert find_type("time_constraint").execute(context) == Done(output="")
    assert context.lines


def test_exits_of_a_called_structure_are_its_jumps_without_an_end() -> None:
    graph = {
        "activities": [
            {"name": "in_1", "type": "jump_in", "parameters": {"number": 1}},
            {"name": "inner", "type": "jump_out", "parameters": {"number": 1}},
            {"name": "bad", "type": "jump_out", "parameters": {"number": 9}},
            {"name": "good", "type": "jump_out", "parameters": {"number": 8}},
        ]
    }

    assert exits_of(graph) == ("good", "bad")
    assert exits_of({"activities": []}) == ("ok",)
