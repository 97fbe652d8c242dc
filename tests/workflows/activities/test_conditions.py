from __future__ import annotations

from typing import Any

import pytest

from workflows.engine import conditions
from workflows.exceptions import ConfigurationError

VARIABLES: dict[str, Any] = {
    "vars": {
        "total": 12,
        "file": "/in/2026/orders.csv.gz",
        "day": "2026-03-07T09:05:00+00:00",
        "empty": "",
        "rows": [1, 2],
    },
    "instance": {"last": "A-7"},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("vars.total - 2", 10),
        ("vars.total|times(2.5)", 30),
        ("vars.total > 10 and instance.last == 'A-7'", True),
        ("vars.unknown.deeper", None),
        ("EndWith(vars.file, '.gz')", True),
        ("StartWith(vars.file, '/out')", False),
        ("Extract(instance.last, '-')", "A"),
        ("ExtractRight(vars.file, '/')", "orders.csv.gz"),
        ("ExtractRight('plain', '/')", "plain"),
        ("DateFormat(vars.day, '%4Y-%2M-%2D %2H:%2N:%2S')", "2026-03-07 09:05:00"),
        ("DateFormat(vars.day, '%2Y/%M/%D 100%%')", "26/3/7 100%"),
        ("FileName(vars.file)", "orders.csv.gz"),
        ("FileExt(vars.file)", "gz"),
        ("FileExt('C:\\\\in\\\\a.txt')", "txt"),
        ("IsNull(vars.unknown)", True),
        ("IsNull(vars.empty)", True),
        ("IsNull(vars.total)", False),
        ("UrlUtf8Encode('a b/é')", "a%20b%2F%C3%A9"),
        ('{"id": instance.last, "rows": vars.rows}', {"id": "A-7", "rows": [1, 2]}),
    ],
)
def test_expression_is_worth(expression: str, value: Any, settings: Any) -> None:
    settings.TIME_ZONE = "UTC"

    assert conditions.value_of(expression, VARIABLES) == value


@pytest.mark.parametrize(
    "expression",
    [
        "1 +",
        "vars.total }} {{ 1",
        "Unknown(1)",
        "false and Unknown(1)",
        "vars.total|unknown",
        "false and (vars.total|unknown)",
        "vars.total is unknown",
        "vars.clear()",
        "vars['clear']()",
        "vars.items",
        "vars.__class__",
        "'a' * 100000000",
        "debug()",
        "total > 3",
        "IsNull(total)",
        "",
    ],
)
def test_form_is_refused_when_it_is_saved(expression: str) -> None:
    assert conditions.check(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "vars.x > 3",
        "vars.a.b.c == 'x'",
        "not IsNull(vars.x) and vars.x is not none",
        "DateFormat(vars.day, '%4Y')",
        "vars.x|int + 1 >= vars.y|default(0)|times(3)",
        "vars.names|join(', ')",
    ],
)
def test_sound_form_is_accepted_without_data(expression: str) -> None:
    assert conditions.check(expression) is None


@pytest.mark.parametrize("way", ["vars['cl' ~ 'ear']()", "vars|attr('clear')()"])
def test_expression_cannot_change_its_variables(way: str) -> None:
    variables = {"vars": {"kept": 1}}

    with pytest.raises(ConfigurationError):
        conditions.value_of(f"[{way}, 1]|last and {way}.x.y()", variables)

    assert variables == {"vars": {"kept": 1}}


def test_undefined_variable_is_false() -> None:
    assert conditions.evaluate("vars.unknown > 3", VARIABLES) is False


def test_runaway_text_ends() -> None:
    inner = "{% for b in range(9999) %}x{% endfor %}"

    with pytest.raises(ConfigurationError, match="too many steps"):
        conditions.render(f"{{% for a in range(9999) %}}{inner}{{% endfor %}}", {})


def test_fault_names_the_expression() -> None:
    with pytest.raises(ConfigurationError, match=r"vars\.total \+ 'x'"):
        conditions.value_of("vars.total + 'x'", VARIABLES)


def test_method_is_no_value() -> None:
    with pytest.raises(ConfigurationError):
        conditions.value_of("vars['it' ~ 'ems']", VARIABLES)


def test_operands_are_the_variables_that_count() -> None:
    read = conditions.operands("vars.total > 3 and IsNull(vars.no)", VARIABLES)

    assert read == {"vars.no": None, "vars.total": 12}


def test_operands_stand_in_one_line() -> None:
    line = conditions.shown_operands("vars.total > 3 or instance.last", VARIABLES)

    assert line == "instance.last = A-7, vars.total = 12"


def test_template_shows_values_and_nothing_for_missing_ones() -> None:
    text = conditions.render("{{ vars.total }} of {{ vars.no }}.", VARIABLES)

    assert text == "12 of ."


def test_template_fault_names_its_line() -> None:
    assert "2" in (conditions.check_template("one\n{{ vars. }}") or "")


def test_template_may_have_names_of_its_own() -> None:
    source = "{% for row in vars.rows %}{% set a = row %}{{ a }}{% endfor %}"

    assert conditions.check_template(source) is None
    assert conditions.render(source, VARIABLES) == "12"


@pytest.mark.parametrize(
    "source",
    ["{% include 'x' %}", "{{ vars.x|unknown }}", "{{ 1", "Hello {{ name }}"],
)
def test_template_is_refused_when_it_is_saved(source: str) -> None:
    assert conditions.check_template(source)


@pytest.mark.django_db
def test_option_is_read_by_name() -> None:
    value = conditions.value_of("GetOption('WORKFLOW_MIN_INTERVAL')", {})

    assert value == 600


@pytest.mark.django_db
def test_unknown_option_is_empty() -> None:
    assert conditions.value_of("GetOption('NoSuchOption')", {}) == ""
