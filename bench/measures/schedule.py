"""How late a planned run begins: alone, and with a hundred due at one instant.

Lag = the instant of the worker's claim, right before the handler's first
instruction, less the planned instant. The handler reads one row; a handler of the
product that finds nothing to do (six statements) is told too. Beside it, in the same
installation, django-q2's own scheduler.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from bench.figures import Result, Spread, plain
from bench.installation import SETTINGS, Installation, installation

_AHEAD = timedelta(seconds=5)
_WAIT_SECONDS = 90.0
#: One statement each, so that the engine's share is what is seen.
_ONE_STATEMENT = "benchWork.count_rows"
_LAGS = (
    "SELECT extract(epoch FROM t.started_at - r.scheduled_for)::float8 * 1000"
    " FROM workflows_task t JOIN workflows_run r ON r.id = t.run_id"
    " JOIN workflows_workflow w ON w.id = t.workflow_id"
    " WHERE starts_with(w.internal_name, %s) AND t.activity = 'work'"
    " AND t.started_at IS NOT NULL ORDER BY r.scheduled_for"
)
_QUEUE_LAGS = (
    'SELECT "group", started FROM django_q_task WHERE starts_with("group", %s)'
)


def measure(*, quick: bool) -> Result:
    """Measure lags in milliseconds."""
    result = Result("schedule")
    alone_count, rounds = (10, 1) if quick else (40, 3)
    with installation(**{SETTINGS: "bench.sample.settings"}) as running:
        base = _whole_second(_AHEAD)
        instants = [base + timedelta(seconds=n) for n in range(alone_count)]
        peer_instants = instants[:: max(1, alone_count // 10)]
        if not quick:
            running.inside("start_queue_schedules", instants=_texts(peer_instants))
        alone = _lags(running, "benchAlone", instants)
        together = [
            _lags(
                running,
                f"benchTogether{number}x",
                [_whole_second(_AHEAD * 2)] * 100,
            )
            for number in range(rounds)
        ]
        product = _lags(
            running,
            "benchProduct",
            [_whole_second(_AHEAD * 2)] * 100,
            handler="batchEventsProcessing.route_events",
        )
        peer = [] if quick else _queue_lags(running, peer_instants)
    spread = Spread.of(alone)
    beside = ""
    if peer:
        theirs = Spread.of(peer)
        beside = (
            f"django-q2's own scheduler: p50 {plain(theirs.p50 / 1000)} s,"
            f" p95 {plain(theirs.p95 / 1000)} s"
        )
    result.tell(f"one due, {spread.count} firings, p50", spread.p50, "ms")
    result.at_most("one due, p95", spread.p95, "ms", 50, beside=beside)
    result.tell("one due, max", spread.most, "ms")
    spreads = [Spread.of(lags) for lags in together]
    worst = max(spreads, key=lambda each: each.p95)
    middle = sorted(spreads, key=lambda each: each.p95)[len(spreads) // 2]
    result.tell(f"100 due at one instant, {rounds} rounds, p50", middle.p50, "ms")
    result.at_most("100 due, p95", middle.p95, "ms", 250)
    result.tell("100 due, p95 of the worst round", worst.p95, "ms")
    result.at_most("100 due, max", max(s.most for s in spreads), "ms", 2000)
    result.tell("100 due, a handler of the product, p95", Spread.of(product).p95, "ms")
    result.raw = {
        "alone_ms": alone,
        "together_ms": together,
        "product_ms": product,
        "django_q2_ms": peer,
    }
    return result


def _lags(
    running: Installation,
    prefix: str,
    instants: list[datetime],
    *,
    handler: str = _ONE_STATEMENT,
) -> list[float]:
    """Start workflows for the instants; return the lag of each in milliseconds."""
    running.inside(
        "start_workflows", prefix=prefix, instants=_texts(instants), handler=handler
    )
    started = datetime.now(UTC)
    if started > instants[0] - timedelta(seconds=1):
        raise AssertionError("the workflows were started too late to be measured")
    deadline = time.monotonic() + _WAIT_SECONDS
    time.sleep((instants[-1] - datetime.now(UTC)).total_seconds() + 1)
    while True:
        lags = [float(lag) for (lag,) in running.query(_LAGS, prefix)]
        if len(lags) == len(instants):
            return lags
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(lags)} of {len(instants)} workflows ran")
        time.sleep(0.5)


def _queue_lags(running: Installation, instants: list[datetime]) -> list[float]:
    planned = {f"bench {index}": instant for index, instant in enumerate(instants)}
    deadline = time.monotonic() + _WAIT_SECONDS
    while len(rows := running.query(_QUEUE_LAGS, "bench ")) < len(instants):
        if time.monotonic() > deadline:
            break
        time.sleep(1)
    return [(at - planned[name]).total_seconds() * 1000 for name, at in rows]


def _whole_second(ahead: timedelta) -> datetime:
    return (datetime.now(UTC) + ahead).replace(microsecond=0)


def _texts(instants: list[datetime]) -> list[str]:
    return [instant.isoformat() for instant in instants]
