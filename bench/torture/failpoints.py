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
from functools import wraps
from importlib import import_module
from pathlib import Path
from random import SystemRandom
from typing import Any

from campaign.run.paths import VarPaths

#: Programs that may kill themselves; a command line or a test never does.
_PROGRAMS = frozenset({"cluster", "clock"})
EFFECT_NEXT = "the handler is about to have its effect"
EFFECT_DONE = "the handler has had its effect"


@dataclass(frozen=True, slots=True)
class Hook:
    """A function of the engine; a point lies before or after each call of it.

    ``is_within`` says that the call lies inside a transaction that is not committed.
    """

    point: str
    module: str
    function: str
    is_after: bool
    is_within: bool = False


_EXECUTOR = "workflows.engine.executor"
_RUNS = "workflows.engine.runs"
HOOKS = (
    Hook("nothing is claimed yet", _EXECUTOR, "claim", is_after=False),
    Hook("the task is claimed", _EXECUTOR, "claim", is_after=True),
    Hook("the handler is about to begin", _EXECUTOR, "_perform", is_after=False),
    Hook("the handler has ended", _EXECUTOR, "_perform", is_after=True),
    Hook("the result is about to be written", _EXECUTOR, "_conclude", is_after=False),
    Hook("a successor is about to be queued", _RUNS, "queue_task", False, True),
    Hook("a successor is queued", _RUNS, "queue_task", True, True),
    Hook("the run is about to be closed", _RUNS, "finish", False, True),
    Hook("the run is closed", _RUNS, "finish", True, True),
    Hook(
        "pause, stop or restart is settled",
        "workflows.engine.lifecycle",
        "settle",
        is_after=True,
        is_within=True,
    ),
    Hook("the result is committed", _EXECUTOR, "_conclude", is_after=True),
    Hook("the lock is released", _EXECUTOR, "_unlock", is_after=True),
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


def crash_at_random(rate: float) -> None:
    """Let clocks and workers kill themselves, at each point with the given rate."""
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
    module = import_module(hook.module)
    original = getattr(module, hook.function, None)
    if original is None:
        raise LookupError(
            f"{hook.module} has no function {hook.function}: give the failpoint"
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

    setattr(module, hook.function, function)
    _wrapped.add(hook.point)
