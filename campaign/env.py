"""Typed access to environment variables, each fault told by name and remedy."""

from __future__ import annotations

import os

from django.core.exceptions import ImproperlyConfigured

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def env_text(name: str, default: str = "", *, choices: tuple[str, ...] = ()) -> str:
    """Return the variable without surrounding blanks; empty counts as unset."""
    value = os.environ.get(name, "").strip() or default
    if choices and value not in choices:
        raise ImproperlyConfigured(
            f"{name} is {value!r}: set it to one of {', '.join(choices)}."
        )
    return value


def env_integer(name: str, default: int, *, lowest: int, highest: int) -> int:
    """Return the variable as a whole number within the two bounds, both included."""
    value = env_text(name, str(default))
    if not value.lstrip("-").isdecimal() or not lowest <= int(value) <= highest:
        raise ImproperlyConfigured(
            f"{name} is {value!r}: set it to a whole number from {lowest} to {highest}."
        )
    return int(value)


def env_flag(name: str, *, default: bool) -> bool:
    """Return the variable as yes or no."""
    value = env_text(name, "1" if default else "0").lower()
    if value not in _TRUE | _FALSE:
        raise ImproperlyConfigured(f"{name} is {value!r}: set it to 1 or 0.")
    return value in _TRUE


def env_list(
    name: str, default: tuple[str, ...] = (), *, choices: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return the comma-separated items of the variable, in order, without doubles."""
    items = (item.strip() for item in env_text(name, ",".join(default)).split(","))
    found = tuple(dict.fromkeys(item for item in items if item))
    unknown = [item for item in found if choices and item not in choices]
    if unknown:
        raise ImproperlyConfigured(
            f"{name} names {', '.join(unknown)}, which is not known:"
            f" use {', '.join(choices)}."
        )
    return found
