"""Events accepted over HTTP: one by one, and in batches of 500.

``rtEventsProcessing`` is paused meanwhile, so that intake alone is measured. Beside
it the floor: bare single inserts, durable, on the same database in the same run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bench.figures import Result, Spread, median, plain
from bench.installation import Installation, installation
from bench.load import push

BATCH = 500
_CONNECTIONS = 8
_FLOOR_SESSIONS = 4
_TABLE = (
    "CREATE TABLE bench_floor (id bigserial PRIMARY KEY, key text UNIQUE, ctx jsonb)"
)
_INSERT = (
    "INSERT INTO bench_floor (key, ctx) VALUES (%s, %s)"
    " ON CONFLICT (key) DO NOTHING RETURNING id"
)
_CTX = '{"first_name": "Customer", "order_number": "A-00000001", "total": "EUR 799"}'


def measure(*, quick: bool) -> Result:
    """Measure accepted events per second."""
    result = Result("intake")
    rounds, singles, batches, seconds = (
        (1, 2_000, 10, 3.0) if quick else (3, 8_000, 40, 6.0)
    )
    with installation() as running:
        running.command("rtEventsProcessing", "pause")
        with running.connect() as session:
            session.execute(_TABLE)
        single, batched, floors, latencies = [], [], [], []
        first = 0
        for number in range(rounds):
            floors.append(floor(running, number, seconds / 3))
            order = running.order(
                requests=singles,
                connections=_CONNECTIONS,
                first=first,
                seconds=seconds,
            )
            pushed = push(order)
            single.append(pushed.rate)
            latencies += pushed.latencies
            first += singles
            order = running.order(
                requests=batches, connections=2, batch=BATCH, first=first
            )
            batched.append(push(order).rate)
            first += batches * BATCH
    rate, base = median(single), median(floors)
    result.at_least(
        f"one by one, {_CONNECTIONS} kept connections",
        rate,
        "events/s",
        1_000,
        beside=(
            f"bare INSERT … ON CONFLICT, {_FLOOR_SESSIONS} sessions:"
            f" {plain(base)}/s; ratio {plain(rate / base)}"
        ),
    )
    spread = Spread.of([latency * 1000 for latency in latencies])
    result.tell("one by one, answer, p95", spread.p95, "ms")
    result.at_least(f"batches of {BATCH}", median(batched), "events/s", 15_000)
    result.raw = {"single": single, "batched": batched, "floor": floors}
    return result


def floor(running: Installation, number: int, seconds: float) -> float:
    """Return bare durable single inserts per second over several sessions."""
    counts = [0] * _FLOOR_SESSIONS

    def insert(session: int) -> None:
        with running.connect() as connection:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                key = f"{number}-{session}-{counts[session]}"
                connection.execute(_INSERT, [key, _CTX], prepare=True)
                counts[session] += 1

    return sum(counts_in(insert, counts)) / seconds


def counts_in(work: Callable[[int], None], counts: list[int]) -> list[int]:
    """Run ``work`` in one thread per count; return the counts."""
    threads = [threading.Thread(target=work, args=[n]) for n in range(len(counts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts
