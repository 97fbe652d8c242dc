"""Filters that messages, templates and expressions share, each with a bound.

They stand in the place of built-in ones that could make much of little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

#: No message is larger, so no text on the way to one may be.
MOST_CHARACTERS = 1_048_576


def _bounded(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"the text grows beyond {MOST_CHARACTERS} characters")
    return text


def read_number(value: Any) -> Decimal:
    """Return a finite number; raises ValueError naming what is none."""
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a number")
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"{str(value)[:40]!r} is not a number") from error
    if not number.is_finite() or number.adjusted() > 30:
        raise ValueError("the number is too large")
    return number


def times(value: Any, factor: Any) -> float | int:
    """Multiply two numbers; texts are refused."""
    product = read_number(value) * read_number(factor)
    return int(product) if product == product.to_integral_value() else float(product)


def replace(value: Any, old: Any, new: Any) -> str:
    """Replace a part of a text."""
    text, part, by = str(value), str(old), str(new)
    grown = len(text) + text.count(part) * (len(by) - len(part))
    if grown > MOST_CHARACTERS:
        raise ValueError(f"the text grows beyond {MOST_CHARACTERS} characters")
    return text.replace(part, by)


def join(values: Iterable[Any], separator: Any = "", attribute: str = "") -> str:
    """Join the items of a list, or one attribute of each."""
    between, parts, length = str(separator), [], 0
    for item in values:
        shown = item.get(attribute) if attribute and isinstance(item, dict) else item
        parts.append("" if shown is None else str(shown))
        length += len(parts[-1]) + len(between)
        if length > MOST_CHARACTERS:
            raise ValueError(f"the text grows beyond {MOST_CHARACTERS} characters")
    return between.join(parts)


def indent(value: Any, width: int = 4) -> str:
    """Indent the lines after the first."""
    text = str(value)
    blanks = " " * max(0, min(int(width), 40))
    return _bounded(text.replace("\n", "\n" + blanks))


BOUNDED: dict[str, Callable[..., Any]] = {
    "times": times,
    "replace": replace,
    "join": join,
    "indent": indent,
}
#: Built-in filters that could make much of little, or reach beyond the data.
REMOVED = ("attr", "batch", "chain", "format", "pprint", "slice", "zip")
