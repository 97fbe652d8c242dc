"""From the push of an event to its acceptance by an SMTP server.

Throughput with the real queues, with one and with two senders; beside it
django-post-office, tuned, the same message to the same sink in the same run. Idle
latency of single events. The longest pause between two messages while work was left.
"""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import dataclass

from bench.figures import Result, Spread, median, plain
from bench.installation import SETTINGS, Installation, installation
from bench.load import push
from bench.peer import post_office
from bench.sink import Accepted, Sink, running_sink

_BATCH = 500
_WAIT_SECONDS = 120.0
ONE_SENDER = {SETTINGS: "bench.one_sender"}


@dataclass(frozen=True, slots=True)
class Flow:
    """One flood of events."""

    rate: float
    pushed_per_second: float
    longest_gap: float
    seconds: float


def measure(*, quick: bool) -> Result:
    """Measure messages per second, seconds of pause and milliseconds of latency."""
    result = Result("messages")
    count, rounds, singles = (2_000, 1, 15) if quick else (5_000, 3, 60)
    peer_count, peer_rounds = (500, 1) if quick else (2_000, 3)
    with running_sink() as sink:
        address = f"smtp://127.0.0.1:{sink.port}"
        with installation(SMTP_URL=address) as running:
            latencies = _idle_latencies(running, sink, singles)
            two = _floods(running, sink, rounds, count)
            peer = [
                post_office.flow(running, sink, peer_count) for _ in range(peer_rounds)
            ]
        with installation(SMTP_URL=address, **ONE_SENDER) as running:
            one = _floods(running, sink, rounds, count)
    rate, theirs = median([f.rate for f in two]), median([p.rate for p in peer])
    result.at_least(
        f"{plain(count)} events, pushed → accepted, 2 senders",
        rate,
        "messages/s",
        1_000,
        beside=(
            f"django-post-office, 2 processes × 10 threads: {plain(theirs)}/s;"
            f" ratio {plain(rate / theirs)}"
        ),
    )
    result.tell("the same, 1 sender", median([f.rate for f in one]), "messages/s")
    result.tell(
        "longest pause with work left, 2 senders", max(f.longest_gap for f in two), "s"
    )
    result.tell(
        "longest pause with work left, 1 sender", max(f.longest_gap for f in one), "s"
    )
    spread = Spread.of(latencies)
    result.tell(f"idle, {spread.count} single events, p50", spread.p50, "ms")
    result.at_most("idle, single event, p95", spread.p95, "ms", 300)
    result.raw = {
        "two_senders": [_raw(f) for f in two],
        "one_sender": [_raw(f) for f in one],
        "post_office": [p.as_dict() for p in peer],
        "idle_ms": latencies,
    }
    return result


def _idle_latencies(running: Installation, sink: Sink, count: int) -> list[float]:
    dice = random.Random(7)
    latencies = []
    for number in range(count):
        before = sink.count()
        pushed = push(running.order(requests=1, connections=1, first=-1 - number))
        sink.wait_for(before + 1, seconds=_WAIT_SECONDS, every=0.01)
        (accepted,) = sink.since(before)
        latencies.append((accepted.at - pushed.started_at) * 1000)
        time.sleep(dice.uniform(0.1, 0.4))
    return latencies


def _floods(running: Installation, sink: Sink, rounds: int, count: int) -> list[Flow]:
    """Return what a warm installation does; the first, small flood is not counted."""
    _flood(running, sink, rounds, _BATCH)
    return [_flood(running, sink, number, count) for number in range(rounds)]


def _flood(running: Installation, sink: Sink, number: int, count: int) -> Flow:
    """Push ``count`` events in batches and wait for all their messages."""
    before = sink.count()
    order = running.order(
        requests=count // _BATCH, connections=1, batch=_BATCH, first=number * count
    )
    pushed = push(order)
    sink.wait_for(before + count, seconds=_WAIT_SECONDS)
    accepted = sink.since(before)
    _check(accepted, count)
    times = sorted(message.at for message in accepted)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    seconds = times[-1] - pushed.started_at
    time.sleep(2)
    return Flow(count / seconds, pushed.rate, max(gaps), seconds)


def _check(accepted: list[Accepted], count: int) -> None:
    recipients = {message.recipient for message in accepted}
    if len(accepted) != count or len(recipients) != count:
        raise AssertionError(
            f"{count} events gave {len(accepted)} messages to {len(recipients)}"
        )


def _raw(flow: Flow) -> dict[str, float]:
    return {name: getattr(flow, name) for name in Flow.__slots__}
