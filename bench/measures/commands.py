"""How long a command takes: from the request until its effect is committed and told.

That is the answer itself, or, for a command that waits for work in flight, the first
look at the ledger that shows it applied. Idle, and on the workflow that routes events
while these flow and every sender works.
"""

from __future__ import annotations

import threading
import time

from bench.figures import Result, Spread
from bench.installation import Installation, installation
from bench.load import Pushed, push
from bench.sink import running_sink

_WAIT_SECONDS = 30.0
_BATCH = 500


def measure(*, quick: bool) -> Result:
    """Measure command latencies in milliseconds."""
    result = Result("commands")
    pairs, busy_pairs, batches = (10, 5, 10) if quick else (30, 20, 30)
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
        busy = _pairs(running, "rtEventsProcessing", busy_pairs)
        was_busy = sink.count() < batches * _BATCH
        sent = sink.count() - before
        pushing.join()
        sink.wait_for(batches * _BATCH, seconds=120, every=0.2)
    for label, values, aim in (("idle", idle, 300), ("workers busy", busy, 1_000)):
        spread = Spread.of(values)
        result.tell(f"{label}, {spread.count} commands, p50", spread.p50, "ms")
        result.at_most(f"{label}, p95", spread.p95, "ms", aim)
        result.tell(f"{label}, max", spread.most, "ms")
    result.notes.append(f"{sent} messages were sent while the busy ones were taken")
    if not was_busy:
        result.notes.append("the flow of events ended before the last busy command")
    result.raw = {"idle_ms": idle, "busy_ms": busy}
    return result


def _pairs(running: Installation, internal_name: str, pairs: int) -> list[float]:
    """Pause and resume; return milliseconds until the effect of each is committed."""
    latencies: list[float] = []
    for _ in range(pairs):
        for command in ("pause", "resume"):
            started = time.perf_counter()
            document = running.command(internal_name, command)
            if document["status"] != "applied":
                _wait_for_applied(running, document["statusUrl"])
            latencies.append((time.perf_counter() - started) * 1000)
            time.sleep(0.03)
    return latencies


def _wait_for_applied(running: Installation, path: str) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while (row := running.stack.call("GET", path).body)["status"] != "applied":
        if row["status"] != "requested" or time.monotonic() > deadline:
            raise AssertionError(f"the command was not applied: {row}")
        time.sleep(0.005)
