"""Parameters of handlers: the fields of a dataclass, as declared parameters."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from workflows.activities.kinds import (
    Boolean,
    Choice,
    Day,
    Document,
    Duration,
    Integer,
    LongText,
    Number,
    Parameter,
    is_empty,
)
from workflows.activities.records import ListOf, Values, values_of
from workflows.exceptions import ConfigurationError


@lru_cache(maxsize=256)
def of_dataclass(declared: type | None) -> tuple[Parameter, ...]:
    """Return the parameters that the fields of a handler's dataclass stand for.

    Label and help text come from the field's ``metadata``. Raises
    ConfigurationError for a type that has no kind.
    """
    if declared is None:
        return ()
    hints = get_type_hints(declared)
    return tuple(
        _of_field(field, hints[field.name]) for field in dataclasses.fields(declared)
    )


def _of_field(field: dataclasses.Field[Any], hint: Any) -> Parameter:
    default: Any = None
    if field.default is not dataclasses.MISSING:
        default = field.default
    elif field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    is_required = (
        field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    )
    common = {
        "name": field.name,
        "label": field.metadata.get("label")
        or field.name.replace("_", " ").capitalize(),
        "help_text": field.metadata.get("help_text", ""),
        "required": is_required,
    }
    parameter = _of_hint(common, hint)
    if is_empty(default):
        return dataclasses.replace(parameter, default=default)
    return dataclasses.replace(parameter, default=parameter.validate(default)[0])


_PLAIN: Mapping[Any, type[Parameter]] = {
    str: LongText,
    int: Integer,
    float: Number,
    bool: Boolean,
    timedelta: Duration,
    date: Day,
    dict: Document,
    Any: Document,
}


def _of_hint(common: Mapping[str, Any], hint: Any) -> Parameter:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        kept = [part for part in inner if part is not type(None)]
        if len(kept) == 1:
            return _of_hint({**common, "required": False}, kept[0])
    if origin is Literal:
        return Choice(**common, choices=tuple((str(v), str(v)) for v in inner))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Choice(
            **common, choices=tuple((str(m.value), m.name.capitalize()) for m in hint)
        )
    if origin in (list, tuple) and inner:
        item = inner[0]
        if dataclasses.is_dataclass(item) and isinstance(item, type):
            return ListOf(**common, fields=of_dataclass(item))
        return Values(**common, item=_of_hint({"name": "item"}, item))
    kind = _PLAIN.get(origin or hint)
    if kind is None:
        raise ConfigurationError(
            "The parameter %(name)s of a handler has the type %(type)s; use one of"
            " str, int, float, bool, timedelta, date, dict, a list of one of them, or"
            " a choice.",
            name=common["name"],
            type=str(hint),
        )
    return kind(**common)


def build(declared: type, given: Mapping[str, Any]) -> Any:
    """Return a handler's parameters as an instance of its dataclass.

    Raises ConfigurationError naming the first fault.
    """
    hints = get_type_hints(declared)
    found = values_of(of_dataclass(declared), given)
    return declared(**{name: _typed(hints[name], found[name]) for name in found})


def _typed(hint: Any, value: Any) -> Any:
    """Return a stored value as the type that the handler asks for."""
    if value is None:
        return None
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        kept = [part for part in inner if part is not type(None)]
        return _typed(kept[0], value) if len(kept) == 1 else value
    if origin in (list, tuple) and inner:
        return origin(_typed(inner[0], item) for item in value)
    if hint is timedelta:
        return timedelta(seconds=Duration(name="x").span(value).seconds)
    if hint is date:
        return date.fromisoformat(value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value)
    return value
