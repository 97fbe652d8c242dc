"""Handlers that exist for the length of a test, for drawn workflows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from workflows.registry import RunContext, activity, temporary_workflow

OWNER = "hands"


@contextmanager
def handlers(**given: Any) -> Iterator[None]:
    """Register handlers by name: a function, or one with what its declaration says."""
    members = {}
    for name, value in given.items():
        work, declared = value if isinstance(value, tuple) else (value, {})
        members[name] = activity(after="scheduler", **declared)(_method(name, work))
    with temporary_workflow(type("Hands", (), members), OWNER):
        yield


def script(handler: str, **options: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return a script activity that calls a handler, with its common options."""
    return ("script", {"handler": f"{OWNER}.{handler}"}, options)


def _method(name: str, work: Callable[[RunContext], Any]) -> Callable[..., Any]:
    def method(_self: Any, run: RunContext) -> Any:
        return work(run)

    method.__name__ = name
    return method
