"""The handlers of the torture; each takes a moment, so that a kill can hit it."""

from __future__ import annotations

import random
import time

from bench.torture import effects, failpoints
from bench.torture.workloads import SIGNAL_NUMBER, SLICES, WORKLOADS, Kind
from workflows.registry import Again, Done, RunContext, activity, technical_workflow

_PAUSE_SECONDS = 0.03
_SLOW_SECONDS = 2.2
_BOTH = ("scheduler", "signal")


def _wait() -> None:
    time.sleep(random.uniform(0, _PAUSE_SECONDS))


def _keep(run: RunContext, step: str, number: int = 0) -> None:
    effects.attempt(run, step)
    _wait()
    failpoints.reach(failpoints.EFFECT_NEXT)
    effects.keep(run, step, number)
    failpoints.reach(failpoints.EFFECT_DONE)
    run.checkpoint()
    _wait()


def _have_once(run: RunContext, step: str) -> Done:
    effects.attempt(run, step)
    _wait()
    run.checkpoint()
    failpoints.reach(failpoints.EFFECT_NEXT)
    effects.have_once(run, step)
    failpoints.reach(failpoints.EFFECT_DONE)
    _wait()
    return Done(count=1, written=1)


class Kept:
    """One effect that may be repeated."""

    @activity(after="scheduler")
    def work(self, run: RunContext) -> Done:
        _keep(run, "work")
        return Done(count=1, written=1)


class Once:
    """One effect that must not be repeated."""

    @activity(after="scheduler", is_idempotent=False)
    def work(self, run: RunContext) -> Done:
        return _have_once(run, "work")


class KeptChain:
    """Three repeatable effects, each on another queue."""

    @activity(after="scheduler", queue="workflows")
    def first(self, run: RunContext) -> Done:
        _keep(run, "first")
        return Done(count=1, written=1)

    @activity(after="first", queue="realtime")
    def second(self, run: RunContext) -> Done:
        _keep(run, "second")
        return Done(count=1, written=1)

    @activity(after="second", queue="bulk", is_long=True)
    def third(self, run: RunContext) -> Done:
        _keep(run, "third")
        return Done(count=1, written=1)


class OnceChain:
    """Three effects that must not be repeated, on one queue."""

    @activity(after="scheduler", is_idempotent=False)
    def first(self, run: RunContext) -> Done:
        return _have_once(run, "first")

    @activity(after="first", is_idempotent=False)
    def second(self, run: RunContext) -> Done:
        return _have_once(run, "second")

    @activity(after="second", is_idempotent=False)
    def third(self, run: RunContext) -> Done:
        return _have_once(run, "third")


class KeptFork:
    """Two repeatable effects that follow the same scheduler."""

    @activity(after="scheduler")
    def left(self, run: RunContext) -> Done:
        _keep(run, "left")
        return Done(count=1, written=1)

    @activity(after="scheduler")
    def right(self, run: RunContext) -> Done:
        _keep(run, "right")
        return Done(count=1, written=1)


class OnceFork:
    """Two effects that must not be repeated and follow the same scheduler."""

    @activity(after="scheduler", is_idempotent=False)
    def left(self, run: RunContext) -> Done:
        return _have_once(run, "left")

    @activity(after="scheduler", is_idempotent=False)
    def right(self, run: RunContext) -> Done:
        return _have_once(run, "right")


class Sliced:
    """Long work, one slice a call; what is done tells what is next."""

    @activity(after="scheduler", queue="bulk", is_long=True)
    def work(self, run: RunContext) -> Done | Again:
        done = effects.kept_count(run)
        if done < SLICES:
            _keep(run, f"slice {done}")
        if done + 1 < SLICES:
            return Again(count=1, written=1)
        return Done(count=1, written=1)


class Signalled:
    """Planned, and begun by signals, each with a number of its own."""

    @activity(after=_BOTH, queue="realtime")
    def work(self, run: RunContext) -> Done:
        _keep(run, "work", int(run.variables["vars"].get(SIGNAL_NUMBER, 0)))
        return Done(count=1, written=1)


class Slow:
    """Longer than its period."""

    @activity(after="scheduler", queue="bulk")
    def work(self, run: RunContext) -> Done:
        _keep(run, "work")
        deadline = time.monotonic() + _SLOW_SECONDS
        while time.monotonic() < deadline:
            time.sleep(0.1)
            run.checkpoint()
        return Done(count=1, written=1)


_OWNERS: dict[Kind, type] = {
    Kind.KEPT: Kept,
    Kind.ONCE: Once,
    Kind.KEPT_CHAIN: KeptChain,
    Kind.ONCE_CHAIN: OnceChain,
    Kind.KEPT_FORK: KeptFork,
    Kind.ONCE_FORK: OnceFork,
    Kind.SLICED: Sliced,
    Kind.SIGNALLED: Signalled,
    Kind.SLOW: Slow,
}
for _workload in WORKLOADS:
    technical_workflow(internal_name=_workload.internal_name)(_OWNERS[_workload.kind])
