"""How long a command takes: from the request to the instant it is applied.

Idle, and on the workflow that routes events while these flow and every sender works.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime

from bench.figures import Result, Spread
from bench.installation import Installation, installation
from bench.load import Pushed, push
from bench.sink import running_sink

_WAIT_SECONDS = 30.0
_BATCH = 500


def measure(*, quick: bool) -> Result:
    """Measure command latencies in milliseconds."""
    result = Result("commands")
    pairs, batches = (10, 6) if quick else (30, 30)
    with (
        running_sink() as sink,
        installation(SMTP_URL=f"smtp://127.0.0.1:{sink.port}") as running,
    ):
        idle = _pairs(running, "batchEventsProcessing", pairs)
        flood: list[Pushed] = []
        pushing = threading.Thread(
            target=lambda: flood.append(
                push(running.order(requests=batches, connections=1, batch=_BATCH))
            )
        )
        pushing.start()
        sink.wait_for(50, seconds=_WAIT_SECONDS)
        before = sink.count()
        busy = _pairs(running, "rtEventsProcessing", pairs)
        was_busy = sink.count() < batches * _BATCH
        sent = sink.count() - before
        pushing.join()
        sink.wait_for(batches * _BATCH, seconds=120, every=0.2)
    applied, answered = Spread.of(idle[0]), Spread.of(idle[1])
    result.tell(
        f"idle, {applied.count} commands, request → applied, p50", applied.p50, "ms"
    )
    result.at_most("idle, request → applied, p95", applied.p95, "ms", 300)
    result.tell("idle, request → answer with the new state, p95", answered.p95, "ms")
    applied, answered = Spread.of(busy[0]), Spread.of(busy[1])
    result.tell("workers busy, request → applied, p50", applied.p50, "ms")
    result.at_most("workers busy, request → applied, p95", applied.p95, "ms", 300)
    result.tell("workers busy, request → applied, max", applied.most, "ms")
    result.tell("workers busy, request → answer, p95", answered.p95, "ms")
    result.notes.append(f"{sent} messages were sent while the busy ones were taken")
    if not was_busy:
        result.notes.append("the flow of events ended before the last busy command")
    result.raw = {
        "idle_applied_ms": idle[0],
        "idle_answered_ms": idle[1],
        "busy_applied_ms": busy[0],
        "busy_answered_ms": busy[1],
    }
    return result


def _pairs(
    running: Installation, internal_name: str, pairs: int
) -> tuple[list[float], list[float]]:
    """Pause and resume; return request → applied and → answered of every command."""
    applied: list[float] = []
    answered: list[float] = []
    for _ in range(pairs):
        for command in ("pause", "resume"):
            sent_at = time.time()
            document = running.command(internal_name, command)
            answered.append((time.time() - sent_at) * 1000)
            applied_at = _wait_for_applied(running, document["statusUrl"])
            applied.append((applied_at.timestamp() - sent_at) * 1000)
            time.sleep(0.03)
    return applied, answered


def _wait_for_applied(running: Installation, path: str) -> datetime:
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        row = running.stack.call("GET", path).body
        if row["applied_at"]:
            return datetime.fromisoformat(row["applied_at"])
        if row["status"] != "requested" or time.monotonic() > deadline:
            raise AssertionError(f"the command was not applied: {row}")
        time.sleep(0.01)
