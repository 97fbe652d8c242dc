"""Templates show data, nothing but data, and never more than a message holds."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.deliveries.services.rendering import (
    FIELDS,
    RenderError,
    missing_names,
    render,
    render_strict,
    validate_content,
)

CTX = {
    "name": "A <b> & C",
    "price": "9.99",
    "quantity": 3,
    "at": "2026-03-29T10:30:00Z",
    "day": "2026-03-29",
    "nothing": None,
    "rows": [{"name": "one", "price": 1}, {"name": "two", "price": 2.5}],
}


def content(**fields: str) -> dict[str, str]:
    return {"subject": "Hello", "text": "x", **fields}


def html_of(source: str, language: str = "", **ctx: Any) -> str:
    return render(content(html=source), {"ctx": {**CTX, **ctx}}, language).html


def text_of(source: str, language: str = "", **ctx: Any) -> str:
    return render(content(text=source), {"ctx": {**CTX, **ctx}}, language).text


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ ctx.name }}", "A &lt;b&gt; &amp; C"),
        ("{{ ctx.name|safe }}", "A <b> & C"),
        ("{{ 'https://a.b/?c&d' }}", "https://a.b/?c&amp;d"),
        ("{{ '<a/>'|safe }}{{ '</b>' }}", "<a/>&lt;/b&gt;"),
        ("{{ ctx.nothing }}|{{ ctx.missing.deeper }}", "|"),
        ("{{ ctx.missing|default('none') }}", "none"),
        ("{{ ctx.name|upper|lower|title }}", "A &lt;B&gt; &amp; C"),
        ("{{ ctx.price|times(ctx.quantity) }}", "29.97"),
        ("{{ ctx.quantity|times('2') }}", "6"),
        ("{{ ctx.rows|map(attribute='name')|join(', ') }}", "one, two"),
        ("{{ ctx.rows|join('/', attribute='name') }}", "one/two"),
        ("{{ ctx.rows|tojson }}", json.dumps(CTX["rows"]).replace(", ", ",")),
        ("{{ 'a-b'|replace('-', '+') }}", "a+b"),
        (
            "{% for row in ctx.rows %}{{ loop.index }}{{ row.name }};{% endfor %}",
            "1one;2two;",
        ),
        (
            "{% for key, value in ctx.rows[0].items() %}{{ key }};{% endfor %}",
            "name;price;",
        ),
        ("{% if ctx.quantity > 2 and not ctx.nothing %}many{% endif %}", "many"),
        ("{# a * comment #}{% raw %}{{ a * b }}{% endraw %}", "{{ a * b }}"),
        ("{% set who = ctx.name %}{{ who }}", "A &lt;b&gt; &amp; C"),
    ],
)
def test_templates_show_data(source: str, shown: str) -> None:
    assert validate_content(content(html=source)) == []
    assert html_of(source).replace(", ", ",") == shown.replace(", ", ",")


def test_text_and_subject_are_not_escaped() -> None:
    made = render(
        content(subject="To {{ ctx.name }}\nBcc: x", text="{{ ctx.name }}"),
        {"ctx": CTX},
    )

    assert made.subject == "To A <b> & C Bcc: x"
    assert made.text == "A <b> & C"


@pytest.mark.parametrize(
    ("source", "language", "shown"),
    [
        ("{{ ctx.day|date }}", "en", "Mar 29, 2026"),
        ("{{ ctx.day|date('long') }}", "fr", "29 mars 2026"),
        ("{{ ctx.day|date('dd/MM/yyyy') }}", "sv-SE", "29/03/2026"),
        ("{{ ctx.at|time('HH:mm') }}", "en", "10:30"),
        ("{{ ctx.at|datetime('yyyy-MM-dd HH:mm') }}", "ko", "2026-03-29 10:30"),
        ("{{ ctx.price|money('EUR') }}", "fr", "9,99\xa0€"),
        ("{{ ctx.price|number(1) }}", "de", "10,0"),
        ("{{ 1234567|number }}", "xx-nonsense", "1,234,567"),
        ("{{ ctx.nothing|date }}{{ ctx.nothing|money }}", "en", ""),
    ],
)
def test_dates_and_numbers_follow_the_language(
    source: str, language: str, shown: str
) -> None:
    assert text_of(source, language) == shown


@pytest.mark.parametrize(
    "source",
    [
        "{{ ctx.__class__ }}",
        "{{ ctx['__class__'] }}",
        "{{ ctx|attr('__class__') }}",
        "{{ ctx.items }}",
        "{{ ctx.rows.append(1) }}",
        "{{ ctx.pop('name') }}",
        "{{ ctx.name.format(ctx) }}",
        "{{ _language }}",
        "{{ self }}{{ self.__init__ }}",
        "{{ cycler(1) }}",
        "{{ namespace() }}",
        "{{ debug() }}",
        "{{ ctx.quantity * 3 }}",
        "{{ 'x' ** 3 }}",
        "{{ '%9999999s'|format(1) }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% include 'html' %}",
        "{% extends 'html' %}",
        "{% import 'html' as x %}",
        "{% set a %}{{ a }}{% endset %}",
        "{% filter upper %}a{% endfilter %}",
        "{% for a in ctx.rows recursive %}{{ loop(a) }}{% endfor %}",
        "{% set a = 'xx' %}" + "{% set a = a ~ a %}" * 9,
        "{{ ctx.name|nosuchfilter }}",
        "{% if %}",
        "{{ ctx.name",
        "{% for a in b %}",
    ],
)
def test_what_templates_may_not_do_is_told_with_its_line(source: str) -> None:
    faults = validate_content(content(html=f"first line\n{source}"))

    assert faults
    assert {fault.field for fault in faults} == {"html"}
    assert faults[0].message.startswith(("Line 2:", "Line 1:"))
    with pytest.raises(RenderError, match="html"):
        html_of(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ctx.keys }}",
        "{{ ctx.rows.count }}",
        "{{ ctx.rows.index }}",
        "{{ ctx.name.upper }}",
        "{{ ctx|attr('get') }}",
        "{% set x = ctx.rows %}{{ x.__add__ }}",
    ],
)
def test_no_method_or_attribute_of_python_is_ever_shown(source: str) -> None:
    try:
        shown = html_of(source)
    except RenderError:
        shown = ""

    assert shown == ""


@pytest.mark.parametrize(
    ("source", "ctx"),
    [
        ("{% for r in ctx.many %}{{ ctx.big }}{% endfor %}", {}),
        ("{{ ctx.big|replace('x', ctx.big) }}", {}),
        ("{{ ctx.many|join(ctx.big) }}", {}),
        ("{% for a in range(99999) %}x{% endfor %}", {}),
        ("{% for a in range(900000) %}x{% endfor %}", {}),
        ("{% for a in ctx.many %}{% for b in ctx.many %}{% endfor %}{% endfor %}", {}),
        ("{{ ctx.day|date }}", {"day": "no date"}),
        ("{{ ctx.price|times(2) }}", {"price": "many"}),
        ("{{ ctx.price|money }}", {"price": "1e999999"}),
        ("{{ ctx.quantity / 0 }}", {}),
    ],
)
def test_data_that_makes_too_much_or_no_sense_is_one_clear_error(
    source: str, ctx: dict[str, Any]
) -> None:
    assert validate_content(content(html=source)) == []

    with pytest.raises(RenderError) as told:
        html_of(source, many=[1] * 5000, big="x" * 30_000, **ctx)

    assert told.value.field == "html"
    assert len(str(told.value)) < 300
    assert "minijinja" not in str(told.value)


def test_every_fault_of_a_content_is_told_at_once() -> None:
    faults = validate_content(
        {
            "subject": " ",
            "sender_address": "nobody",
            "reply_address": "{{ ctx.a * 2 }}",
            "sender_name": "x" * 600,
            "html": "{% if %}",
        }
    )

    assert [fault.field for fault in faults] == [
        *("subject", "sender_name", "reply_address", "html", "sender_address"),
    ]


def test_a_content_needs_a_body() -> None:
    assert [fault.field for fault in validate_content({"subject": "S"})] == ["html"]
    assert [fault.field for fault in validate_content({"subject": 1})] == ["subject"]


def test_a_preview_tells_what_the_data_lacks() -> None:
    source = content(
        html="{{ ctx.name }}{{ ctx.city }}",
        text="{% for row in ctx.rows %}{{ row.no }}{% endfor %}",
        subject="{{ event.id }}",
    )

    made, missing = render_strict(source, {"ctx": CTX})

    assert made.html == "A &lt;b&gt; &amp; C"
    assert missing == ("ctx.city", "event.id")
    assert missing_names(source, {"ctx": {**CTX, "city": ""}, "event": {"id": 1}}) == ()


def test_the_sender_falls_back_to_the_instance(settings: Any) -> None:
    settings.MAIL_FROM = "instance@example.com"

    made = render(content(sender_name="Shop {{ ctx.quantity }}"), {"ctx": CTX})

    assert made.sender == "Shop 3 <instance@example.com>"


@given(
    source=st.text(alphabet="{}%#'\"\\ \nabctx.|()[]~*+-_=0:,rawendif", max_size=60),
    field=st.sampled_from(FIELDS),
)
def test_no_source_breaks_more_than_itself(source: str, field: str) -> None:
    validate_content(content(**{field: source}))
    with suppress(RenderError):
        render(content(**{field: source}), {"ctx": CTX})
