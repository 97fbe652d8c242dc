"""Points at which a worker can be made to kill itself with SIGKILL.

They exist here only: the functions of the engine are wrapped from outside. Each
point is the beginning or the end of a step of a task job, in the order of the steps.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from importlib import import_module
from pathlib import Path
from random import SystemRandom
from typing import Any

from campaign.run.paths import VarPaths

#: Programs that may kill themselves; a command line or a test never does.
_PROGRAMS = frozenset({"cluster", "clock"})
CRASH_RATE = "TORTURE_CRASH_RATE"
EFFECT_NEXT = "the handler is about to have its effect"
EFFECT_DONE = "the handler has had its effect"


class Way(StrEnum):
    """How a result is written: in one statement where it is plain, or in steps."""

    EITHER = "either"
    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Hook:
    """A function of the engine; a point lies before or after each call of it.

    ``owner`` is the module that the caller finds it in, or ``module:Class``.
    """

    point: str
    owner: str
    function: str
    is_after: bool
    way: Way = Way.EITHER


_BEFORE, _AFTER = False, True
_EXECUTOR = "workflows.engine.executor"
_SHORT = "workflows.engine.plain"
_LONG = "workflows.engine.conclusion"
_RUNS = "workflows.engine.runs"
_CONNECTION = "django.db.backends.base.base:BaseDatabaseWrapper"
SETTLED = "pause, stop or restart is settled"
HOOKS = (
    Hook("nothing is claimed yet", _EXECUTOR, "claim", _BEFORE),
    Hook("the task is claimed", _EXECUTOR, "claim", _AFTER),
    Hook("the handler is about to begin", _EXECUTOR, "_perform", _BEFORE),
    Hook("the handler has ended", _EXECUTOR, "_perform", _AFTER),
    Hook("the result is about to be written", _SHORT, "conclude", _BEFORE),
    Hook("its steps are about to be written", _LONG, "conclude", _BEFORE, Way.LONG),
    Hook(
        "successors are about to be queued",
        "workflows.engine.following",
        "_insert",
        _BEFORE,
        Way.LONG,
    ),
    Hook(
        "successors are queued",
        "workflows.engine.following",
        "_insert",
        _AFTER,
        Way.LONG,
    ),
    Hook("the run is about to be closed", _RUNS, "finish", _BEFORE, Way.LONG),
    Hook("the run is closed", _RUNS, "finish", _AFTER, Way.LONG),
    Hook(SETTLED, "workflows.engine.lifecycle", "settle", _AFTER, Way.LONG),
    Hook("a transaction is about to be committed", _CONNECTION, "commit", _BEFORE),
    Hook("a transaction is committed", _CONNECTION, "commit", _AFTER),
    Hook("the result is written", _SHORT, "conclude", _AFTER, Way.SHORT),
    Hook("its steps are written", _LONG, "conclude", _AFTER, Way.LONG),
    Hook("the lock is released", _EXECUTOR, "unlock", _AFTER, Way.LONG),
)
POINTS = (*(hook.point for hook in HOOKS), EFFECT_NEXT, EFFECT_DONE)

_reached: Callable[[str], None] | None = None
_wrapped: set[str] = set()


def reach(point: str) -> None:
    """Tell that a point is reached; what was armed for it happens now."""
    if _reached is not None:
        _reached(point)


def arm(reached: Callable[[str], None]) -> None:
    """Have ``reached`` called with every point this process reaches from now on."""
    global _reached
    for hook in HOOKS:
        _wrap(hook)
    _reached = reached


def die_at(point: str, *, times: int = 1) -> None:
    """Let this process kill itself when it reaches ``point`` the given time.

    Raises ValueError for a point that does not exist.
    """
    if point not in POINTS:
        raise ValueError(f"There is no point {point!r}; known are {', '.join(POINTS)}.")
    left = times

    def reached(name: str) -> None:
        nonlocal left
        if name == point:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    arm(reached)


def crashes_file(root: Path) -> Path:
    """Return the file in which the dying note the point they had reached."""
    return root / "crashes.txt"


def truce_file(root: Path) -> Path:
    """Return the file that, while it exists, lets everybody live."""
    return root / "truce"


def crash_as_ordered() -> None:
    """Let clocks and workers kill themselves at random, as the environment orders.

    ``TORTURE_CRASH_RATE`` is the probability of it at each point; unset is never.
    """
    rate = float(os.environ.get(CRASH_RATE, "0"))
    if not rate:
        return
    root = VarPaths.from_environment().root
    dice = SystemRandom()  # forked processes must not all throw the same

    def reached(point: str) -> None:
        if dice.random() >= rate or _PROGRAMS.isdisjoint(sys.argv):
            return
        if not truce_file(root).exists():
            with crashes_file(root).open("a") as notes:
                notes.write(f"{point}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    arm(reached)


def _wrap(hook: Hook) -> None:
    """Put the point around the function, once in the life of the process.

    Raises LookupError when the engine has no such function any more.
    """
    if hook.point in _wrapped:
        return
    module_name, _, class_name = hook.owner.partition(":")
    owner: Any = import_module(module_name)
    if class_name:
        owner = getattr(owner, class_name)
    original = getattr(owner, hook.function, None)
    if original is None:
        raise LookupError(
            f"{hook.owner} has no function {hook.function}: give the failpoint"
            f" {hook.point!r} the one that does this step now."
        )

    @wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        if not hook.is_after:
            reach(hook.point)
        result = original(*args, **kwargs)
        if hook.is_after:
            reach(hook.point)
        return result

    setattr(owner, hook.function, function)
    _wrapped.add(hook.point)
