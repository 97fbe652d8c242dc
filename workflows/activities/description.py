"""The activity types in words and as JSON: documentation, API and command line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from workflows.activities.base import ActivityType, activity_types
from workflows.activities.kinds import Choice, Parameter, is_empty
from workflows.activities.parameters import COMMON
from workflows.activities.records import ListOf, Values, schema_of

TITLE = """\
# Activities

What a workflow may be made of. This page is made from the declarations in the code
(`manage.py activities --markdown > docs/activities.md`); the JSON schema of each type
is printed by `manage.py activities --json`.

Expressions and conditions are those of messages: `vars.x` is an event variable,
`instance.x` one of the workflow, `task.x` one of the task; `times` multiplies, as in
`vars.price|times(3)`. Functions: `EndWith`, `StartWith`, `Extract`, `ExtractRight`,
`DateFormat`, `FileName`, `FileExt`, `GetOption`, `IsNull`, `UrlUtf8Encode`.
Durations are written like `90s`, `1h30m`, `2d`; `m` is minutes, `mo` months.
"""


def described() -> list[dict[str, Any]]:
    """Return every activity type, by name, its texts in the active language. No SQL.

    ``outputs`` are the fixed transitions; the items of the parameters that
    ``output_lists`` names, and the exits of a sub-workflow, come to them.
    """
    return [describe(kind) for _name, kind in sorted(activity_types().items())]


def describe(kind: ActivityType) -> dict[str, Any]:
    """Return one activity type as JSON."""
    return {
        "name": kind.name,
        "label": str(kind.label),
        "description": str(kind.help_text),
        "icon": kind.icon,
        "is_initial": kind.is_initial_only,
        "needs_right": kind.needs_right,
        "outputs": list(kind.outputs({})),
        "output_lists": list(kind.output_lists),
        "can_process_errors": kind.can_fail_softly({}),
        "parameters": kind.as_schema(),
    }


def options_schema() -> dict[str, Any]:
    """Return the JSON schema of what every activity may carry beside parameters."""
    return schema_of(COMMON)


def as_markdown() -> str:
    """Return the page of the documentation, in the active language."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield TITLE
    for kind in (kind for _name, kind in sorted(activity_types().items())):
        yield f"## {kind.label} (`{kind.name}`)"
        yield ""
        yield str(kind.help_text)
        yield ""
        yield f"Transitions: {_outputs(kind)}."
        if kind.needs_right:
            yield f"Right needed to write it: `{kind.needs_right}`."
        yield ""
        if kind.parameters:
            yield from _table(kind.parameters)
            yield ""
    yield "## Options of every activity"
    yield ""
    yield "They stand beside `parameters`."
    yield ""
    yield from _table(COMMON)
    yield ""


def _outputs(kind: ActivityType) -> str:
    fixed = [f"`{name}`" for name in kind.outputs({})]
    lists = [f"one for each of `{name}`" for name in kind.output_lists]
    if kind.name == "sub_workflow":
        lists.append("the exits of the workflow that it calls")
    if kind.can_fail_softly({}):
        lists.append("`error` with *Process errors*")
    return ", ".join([*fixed, *lists]) or "none"


def _table(parameters: Sequence[Parameter]) -> Iterator[str]:
    yield "| Parameter | Kind | Meaning |"
    yield "|---|---|---|"
    for parameter in parameters:
        yield from _rows(parameter, "")


def _rows(parameter: Parameter, above: str) -> Iterator[str]:
    name = f"{above}{parameter.name}"
    yield f"| `{name}` | {_kind(parameter)} | {_meaning(parameter)} |"
    if isinstance(parameter, ListOf):
        for field in parameter.fields:
            yield from _rows(field, f"{name}.")


def _kind(parameter: Parameter) -> str:
    words = parameter.kind.replace("_", " ")
    if isinstance(parameter, Choice):
        words = " / ".join(f"`{value}`" for value, _label in parameter.choices)
    if isinstance(parameter, Values):
        words = f"list of {parameter.item.kind}"
    if parameter.required:
        return f"{words}, required"
    if is_empty(parameter.default) or parameter.default is False:
        return words
    return f"{words}, default `{json.dumps(parameter.default)}`"


def _meaning(parameter: Parameter) -> str:
    texts = [str(text) for text in (parameter.label, parameter.help_text) if text]
    return ": ".join(texts).replace("|", "\\|")
