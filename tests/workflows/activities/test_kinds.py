from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

from workflows.activities import handler_parameters, kinds, parameters, records
from workflows.activities.spans import Span
from workflows.exceptions import ConfigurationError


def faults_of(parameter: kinds.Parameter, value: Any) -> list[str]:
    return [fault.field for fault in parameter.validate(value)[1]]


@pytest.mark.parametrize(
    ("parameter", "given", "stored"),
    [
        (kinds.Text(name="x"), "a", "a"),
        (kinds.Integer(name="x"), "12", 12),
        (kinds.Number(name="x"), "1.5", 1.5),
        (kinds.Boolean(name="x"), True, True),
        (kinds.Duration(name="x"), "1h30m", "PT1H30M"),
        (kinds.Duration(name="x"), "90s", "PT1M30S"),
        (kinds.Duration(name="x"), "3mo", "P3M"),
        (kinds.Duration(name="x"), "1y 2mo 3d", "P1Y2M3D"),
        (kinds.Duration(name="x"), "P1Y2M3DT4H", "P1Y2M3DT4H"),
        (kinds.Duration(name="x"), "PT5M", "PT5M"),
        (kinds.Duration(name="x", unit_seconds=86_400), "2", "P2D"),
        (kinds.Duration(name="x", unit_seconds=86_400), 2, "P2D"),
        (kinds.Seconds(name="x"), "2m", 120),
        (kinds.Day(name="x"), "2026-12-31", "2026-12-31"),
        (kinds.Document(name="x"), {"a": [1]}, {"a": [1]}),
        (kinds.Expression(name="x"), "vars.a > 1", "vars.a > 1"),
        (kinds.Url(name="x"), "https://a.example/{{ vars.b }}", None),
        (records.Values(name="x", item=kinds.Integer(name="i")), ["1", 2], [1, 2]),
    ],
)
def test_value_is_stored_in_its_form(
    parameter: kinds.Parameter, given: Any, stored: Any
) -> None:
    assert parameter.validate(given) == (given if stored is None else stored, [])


@pytest.mark.parametrize(
    ("parameter", "given"),
    [
        (kinds.Text(name="x"), 3),
        (kinds.Text(name="x"), "two\nlines"),
        (kinds.Text(name="x", longest=3), "four"),
        (kinds.Text(name="x"), "null\x00"),
        (kinds.Name(name="x"), "1st"),
        (kinds.Name(name="x"), "with space"),
        (kinds.Integer(name="x"), True),
        (kinds.Integer(name="x"), "many"),
        (kinds.Integer(name="x"), 1.5),
        (kinds.Integer(name="x", lowest=1), 0),
        (kinds.Integer(name="x", highest=1), 2),
        (kinds.Number(name="x"), "nan"),
        (kinds.Number(name="x"), "inf"),
        (kinds.Boolean(name="x"), "yes"),
        (kinds.Choice(name="x", choices=(("a", "A"),)), "b"),
        (kinds.Choice(name="x", choices=(("a", "A"),)), ["a"]),
        (kinds.Duration(name="x"), "soon"),
        (kinds.Duration(name="x"), "-1s"),
        (kinds.Duration(name="x"), "P"),
        (kinds.Duration(name="x"), "9999y"),
        (kinds.Seconds(name="x"), "1mo"),
        (kinds.Seconds(name="x", lowest=5), 4),
        (kinds.Day(name="x"), "tomorrow"),
        (kinds.Document(name="x"), {"a": object()}),
        (kinds.Document(name="x"), float("nan")),
        (kinds.Expression(name="x"), "1 +"),
        (kinds.Template(name="x"), "{{ 1"),
        (kinds.Url(name="x"), "ftp://a.example"),
        (kinds.Url(name="x"), "https://user:word@a.example"),
        (kinds.Url(name="x"), "https://{{ vars.host }}/"),
        (kinds.Url(name="x"), "https://a.example\\@b.example/"),
        (kinds.Text(name="x", required=True), ""),
        (records.Values(name="x", item=kinds.Text(name="i")), "text"),
    ],
)
def test_unfit_value_is_named(parameter: kinds.Parameter, given: Any) -> None:
    assert faults_of(parameter, given) == ["x"]


def test_fault_in_a_record_names_its_place() -> None:
    steps = records.ListOf(name="steps", fields=(kinds.Integer(name="n"),))

    assert faults_of(steps, [{"n": 1}, {"n": "x"}]) == ["steps.1.n"]


def test_record_that_is_no_object_is_named() -> None:
    steps = records.ListOf(name="steps", fields=(kinds.Integer(name="n"),))

    assert faults_of(steps, ["x"]) == ["steps.0"]


def test_fault_in_a_list_of_values_names_its_place() -> None:
    numbers = records.Values(name="n", item=kinds.Integer(name="i"))

    assert faults_of(numbers, [1, "x"]) == ["n.1"]


def test_unknown_parameter_is_refused_with_the_known_ones() -> None:
    _clean, faults = records.validate((kinds.Text(name="known"),), {"unknown": 1})

    assert faults[0].field == "unknown"
    assert "known" in faults[0].message


def test_what_is_not_given_is_not_stored() -> None:
    declared = (kinds.Text(name="a"), kinds.Text(name="b", default="x"))

    assert records.validate(declared, {"a": ""})[0] == {}


def test_defaults_count_when_it_is_executed() -> None:
    declared = (kinds.Text(name="a"), kinds.Text(name="b", default="x"))

    assert records.values_of(declared, {}) == {"a": None, "b": "x"}


def test_unsound_value_stops_the_execution() -> None:
    with pytest.raises(ConfigurationError, match="n"):
        records.values_of((kinds.Integer(name="n"),), {"n": "x"})


@pytest.mark.parametrize(
    ("text", "instant", "expected"),
    [
        ("1mo", "2026-01-31T09:00Z", "2026-02-28T09:00Z"),
        ("1y", "2028-02-29T09:00Z", "2029-02-28T09:00Z"),
        ("1d", "2026-03-28T09:00Z", "2026-03-29T09:00Z"),
        # The clocks go forward in Paris between the two: 10:00 stays 10:00.
        ("1mo", "2026-03-10T09:00Z", "2026-04-10T08:00Z"),
    ],
)
def test_span_after(text: str, instant: str, expected: str) -> None:
    after = Span.read(text).after(
        datetime.fromisoformat(instant), ZoneInfo("Europe/Paris")
    )

    assert after == datetime.fromisoformat(expected)


def test_span_is_shown_in_the_most_readable_unit() -> None:
    assert Span.read("90s").shown == "1m 30s"


def test_schema_tells_type_limits_and_texts() -> None:
    declared = (
        kinds.Integer(name="n", label="Number", lowest=1, required=True),
        kinds.Choice(name="c", choices=(("a", "A"),), default="a"),
    )

    schema = records.schema_of(declared)

    assert schema["required"] == ["n"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["n"] == {
        "type": "integer",
        "x-kind": "integer",
        "title": "Number",
        "minimum": 1,
    }
    assert schema["properties"]["c"]["enum"] == ["a"]
    assert schema["properties"]["c"]["default"] == "a"


# Options of every activity


def test_usual_options_are_sound() -> None:
    extras = {
        "execution": "hold",
        "max_seconds": 30,
        "retries": 2,
        "init": [{"name": "vars.x", "expression": "1 + 1"}],
        "position": {"x": 1, "y": 2},
    }

    assert parameters.option_faults(extras) == []


@pytest.mark.parametrize(
    ("extras", "field_name"),
    [
        ({"execution": "never"}, "execution"),
        ({"max_seconds": "soon"}, "max_seconds"),
        ({"retries": -1}, "retries"),
        ({"retry_after": 0}, "retry_after"),
        ({"process_errors": "yes"}, "process_errors"),
        ({"init": [{"name": "vars.x", "expression": "1 +"}]}, "init.0.expression"),
        ({"init": [{"name": "x", "expression": "1"}]}, "init.0.name"),
        ({"init": [{"name": "vars.a b", "expression": "1"}]}, "init.0.name"),
        ({"init": [{"name": "vars.x"}]}, "init.0.expression"),
    ],
)
def test_option_at_fault_is_named(extras: dict[str, Any], field_name: str) -> None:
    assert [f.field for f in parameters.option_faults(extras)] == [field_name]


def test_options_are_stored_in_their_form() -> None:
    stored = parameters.clean_options({"max_seconds": "1h", "position": {"x": 1}})

    assert stored == {"max_seconds": 3_600, "position": {"x": 1}}


# Handlers


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Step:
    size: int


@dataclass
class Declared:
    name: str
    keep: timedelta
    limit: int = 5
    ratio: float | None = None
    is_quick: bool = False
    since: date | None = None
    colour: Colour = Colour.RED
    mode: Literal["fast", "slow"] = "fast"
    steps: list[Step] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


def test_dataclass_becomes_parameters() -> None:
    declared = handler_parameters.of_dataclass(Declared)

    assert {p.name: p.kind for p in declared} == {
        "name": "long_text",
        "keep": "duration",
        "limit": "integer",
        "ratio": "number",
        "is_quick": "boolean",
        "since": "date",
        "colour": "choice",
        "mode": "choice",
        "steps": "list",
        "names": "values",
        "extra": "document",
    }
    assert [p.name for p in declared if p.required] == ["name", "keep"]


def test_handler_gets_what_its_types_say() -> None:
    built = handler_parameters.build(
        Declared,
        {
            "name": "x",
            "keep": "2d",
            "since": "2026-01-02",
            "colour": "blue",
            "steps": [{"size": 3}],
            "names": ["a"],
        },
    )

    assert built.keep == timedelta(days=2)
    assert built.since == date(2026, 1, 2)
    assert built.colour is Colour.BLUE
    assert built.steps == [Step(3)]
    assert built.names == ["a"]
    assert built.limit == 5
    assert built.ratio is None
    assert built.extra == {}


def test_handler_parameter_at_fault_is_named() -> None:
    with pytest.raises(ConfigurationError, match="limit"):
        handler_parameters.build(Declared, {"name": "x", "keep": 1, "limit": "many"})


def test_type_without_a_kind_is_refused() -> None:
    @dataclass
    class Strange:
        thing: complex

    with pytest.raises(ConfigurationError, match="thing"):
        handler_parameters._of_field(Strange.__dataclass_fields__["thing"], complex)
