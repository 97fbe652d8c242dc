"""Conditions, expressions and templates of activities: minijinja over plain data.

The engine is the one that renders messages, and its rules are the same: compiled
code, no Python object reachable, fuel that ends a runaway expression, and no way to
make much of little. What goes in is a copy; nothing can be changed from inside.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any

import minijinja
from django.utils.translation import gettext as _

from workflows.engine.functions import FUNCTIONS
from workflows.engine.template_filters import BOUNDED, MOST_CHARACTERS, REMOVED
from workflows.engine.template_rules import FUNCTIONS as BUILT_IN
from workflows.engine.template_rules import applied, breaches
from workflows.exceptions import ConfigurationError

FUEL = 10_000
MOST_SOURCE = 65_536
CALLABLE = BUILT_IN | FUNCTIONS.keys()
#: What an activity's expression can begin with; anything else is undefined.
ROOTS = ("vars", "instance", "task", "activity", "workflow")
# Kinds of faults that other data may not raise.
_OF_THE_DATA = frozenset(
    {"InvalidOperation", "UndefinedError", "UnknownMethod", "OutOfFuel", "Unknown"}
)
_PLAIN = (str, int, float, bool, type(None))
_SHOWN = (str, int, float, list, dict)
_output = threading.local()


def check(expression: str) -> str | None:
    """Return what is wrong with the form of an expression, or None."""
    if len(expression) > MOST_SOURCE:
        return _too_long(MOST_SOURCE)
    source = f"{{{{ {expression} }}}}"
    for breach in breaches(source, CALLABLE):
        return breach.message
    try:
        _environment().eval_expr(expression)
    except minijinja.TemplateError as error:
        if error.kind not in _OF_THE_DATA:
            return _reason(error)
    except (ArithmeticError, ValueError, TypeError, LookupError):
        pass  # a function or filter that needs data
    return _unknown_name(source) or _unknown_root(source)


def check_template(source: str) -> str | None:
    """Return what is wrong with the form of a template, or None."""
    if len(source) > MOST_SOURCE:
        return _too_long(MOST_SOURCE)
    for breach in breaches(source, CALLABLE):
        return _in_line(breach.line, breach.message)
    try:
        _render(source, {})
    except minijinja.TemplateError as error:
        if error.kind not in _OF_THE_DATA:
            return _in_line(error.line or 1, _reason(error))
    except (ArithmeticError, ValueError, TypeError, LookupError):
        pass
    return _unknown_name(source) or _unknown_root(source)


def evaluate(expression: str, variables: Mapping[str, Any]) -> bool:
    """Return whether ``expression`` holds; an undefined variable is false.

    Raises ConfigurationError naming the expression when it cannot be read.
    """
    return bool(_value(expression, variables))


def value_of(expression: str, variables: Mapping[str, Any]) -> Any:
    """Return what ``expression`` is worth, as plain data; undefined is None.

    Raises ConfigurationError naming the expression when it cannot be read.
    """
    value = _value(expression, variables)
    if not _is_plain(value):
        raise _not_readable(expression, _("it gives no text, number, list or map"))
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        raise _not_readable(expression, _too_long(MOST_CHARACTERS))
    return value


def render(source: str, variables: Mapping[str, Any]) -> str:
    """Return the text that a template makes; a name that is missing shows nothing.

    Raises ConfigurationError naming the line.
    """
    if "{" not in source:
        return source
    for breach in breaches(source, CALLABLE):
        raise ConfigurationError(
            "The text cannot be made, line %(line)s: %(reason)s",
            line=breach.line,
            reason=breach.message,
        )
    try:
        return _render(source, _copied(variables))
    except minijinja.TemplateError as error:
        line, reason = error.line or 1, _reason(error)
        cause: Exception = error
    except (ArithmeticError, ValueError, TypeError, LookupError) as error:
        line, reason, cause = 1, str(error), error
    raise ConfigurationError(
        "The text cannot be made, line %(line)s: %(reason)s", line=line, reason=reason
    ) from cause


def operands(expression: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that an expression reads, with their values, by name.

    A variable that is undefined has the value None.
    """
    try:
        names = _environment().undeclared_variables_in_str(
            f"{{{{ {expression} }}}}", nested=True
        )
    except minijinja.TemplateError:
        return {}
    return {
        name: _looked_up(name, variables)
        for name in sorted(names)
        if name.split(".")[0] not in CALLABLE
    }


def shown_operands(expression: str, variables: Mapping[str, Any]) -> str:
    """Return the operands as a line of the journal shows them."""
    return ", ".join(
        f"{name} = {str(value)[:80]}"
        for name, value in operands(expression, variables).items()
    )


def _value(expression: str, variables: Mapping[str, Any]) -> Any:
    for breach in breaches(f"{{{{ {expression} }}}}", CALLABLE):
        raise _not_readable(expression, breach.message)
    try:
        return _environment().eval_expr(expression, **_copied(variables))
    except minijinja.TemplateError as error:
        raise _not_readable(expression, _reason(error)) from error
    except (ArithmeticError, ValueError, TypeError, LookupError) as error:
        raise _not_readable(expression, str(error)) from error


def _render(source: str, variables: Mapping[str, Any]) -> str:
    _output.length = 0
    return _environment().render_str(source, **variables)


@lru_cache(maxsize=1)
def _environment() -> minijinja.Environment:
    environment = minijinja.Environment(
        filters=BOUNDED,
        globals=FUNCTIONS,
        fuel=FUEL,
        undefined_behavior="chainable",
        keep_trailing_newline=True,
        finalizer=_shown,
    )
    for name in REMOVED:
        environment.remove_filter(name)
    for name in ("cycler", "debug", "joiner", "namespace"):
        environment.remove_global(name)
    return environment


def _shown(value: Any) -> Any:
    """Return what a value shows: nothing for none and for anything but data."""
    if not isinstance(value, _SHOWN):
        return ""
    _output.length += len(value) if isinstance(value, str) else 20
    if _output.length > MOST_CHARACTERS:
        raise ValueError(_too_long(MOST_CHARACTERS))
    return value


def _copied(value: Any) -> Any:
    """Return plain data equal to ``value``; nothing that it shares with it."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Mapping):
        return {str(key): _copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_copied(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(
            isinstance(key, str) and _is_plain(item) for key, item in value.items()
        )
    return isinstance(value, _PLAIN)


def _looked_up(name: str, variables: Mapping[str, Any]) -> Any:
    value: Any = variables
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _unknown_name(source: str) -> str | None:
    """Return a complaint about a filter or test that does not exist.

    The engine finds one only where it comes to it.
    """
    for sign, name in applied(source):
        try:
            _environment().eval_expr(f"none {sign} {name}")
        except minijinja.TemplateError as error:
            if error.kind in {"UnknownFilter", "UnknownTest"}:
                return _("There is no filter or test %(name)s.") % {"name": name}
        except (ArithmeticError, ValueError, TypeError, LookupError):
            continue
    return None


def _unknown_root(source: str) -> str | None:
    """Return a complaint about a name that would be undefined for ever."""
    for name in sorted(_environment().undeclared_variables_in_str(source)):
        if name not in ROOTS and name not in CALLABLE:
            return _("There is no %(name)s; write vars.%(name)s for a variable.") % {
                "name": name
            }
    return None


def _reason(error: minijinja.TemplateError) -> str:
    if error.kind == "OutOfFuel":
        return _("it takes too many steps")
    cause = error.__cause__
    if cause is not None and not isinstance(cause, minijinja.TemplateError):
        return str(cause)
    return str(error.detail or error.message)


def _not_readable(expression: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        "The expression %(expression)s cannot be evaluated: %(error)s",
        expression=expression[:512],
        error=reason,
    )


def _in_line(line: int, message: str) -> str:
    return _("Line %(line)d: %(reason)s") % {"line": line, "reason": message}


def _too_long(limit: int) -> str:
    return _("it grows beyond %(limit)d characters") % {"limit": limit}
