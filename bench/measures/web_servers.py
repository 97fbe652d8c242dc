"""granian beside gunicorn: single events over HTTP on the same installation.

Not part of the usual run; docs/decisions tells what was chosen and why.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from bench.figures import Result, Spread, median
from bench.installation import Installation, installation
from bench.load import ROOT, push
from tests.live import free_port, wait_until

_CONNECTIONS = 8
_GUNICORN = (
    *(sys.executable, "-m", "gunicorn", "campaign.wsgi", "--log-level", "error"),
    *("--keep-alive", "15", "--bind"),
)
_SERVERS = {
    "granian, 1 worker × 4 threads": (sys.executable, "-m", "campaign.run.web"),
    "granian, 2 workers × 2 threads": (
        *(sys.executable, "-m", "granian", "campaign.wsgi:application"),
        *("--interface", "wsgi", "--port", "{port}", "--log-level", "warning"),
        *("--workers", "2", "--blocking-threads", "2"),
    ),
    "gunicorn sync, 2 workers": (*_GUNICORN, "127.0.0.1:{port}", "--workers", "2"),
    "gunicorn threads, 1 worker × 8": (
        *(*_GUNICORN, "127.0.0.1:{port}", "--workers", "1"),
        *("--worker-class", "gthread", "--threads", "8"),
    ),
    "gunicorn threads, 2 workers × 4": (
        *(*_GUNICORN, "127.0.0.1:{port}", "--workers", "2"),
        *("--worker-class", "gthread", "--threads", "4"),
    ),
}


def measure(*, quick: bool) -> Result:
    """Measure accepted events per second by server, in turns."""
    result = Result("web_servers")
    rounds, requests, seconds = (1, 1_500, 3.0) if quick else (3, 8_000, 5.0)
    rates: dict[str, list[float]] = {name: [] for name in _SERVERS}
    latencies: dict[str, list[float]] = {name: [] for name in _SERVERS}
    with installation() as running:
        running.command("rtEventsProcessing", "pause")
        for _ in range(rounds):
            for name, command in _SERVERS.items():
                with _serving(running, command) as port:
                    order = running.order(
                        requests=requests, connections=_CONNECTIONS, seconds=seconds
                    )
                    order = replace(order, port=port)
                    push(replace(order, requests=100))
                    pushed = push(order)
                rates[name].append(pushed.rate)
                latencies[name] += [1000 * value for value in pushed.latencies]
    for name in _SERVERS:
        spread = Spread.of(latencies[name])
        result.tell(name, median(rates[name]), "events/s")
        result.tell(f"{name}: answer p95", spread.p95, "ms")
    result.raw = {"rates": rates}
    return result


@contextlib.contextmanager
def _serving(running: Installation, command: tuple[str, ...]) -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(
        [part.format(port=port) for part in command],
        cwd=ROOT,
        env={**running.environment, "PORT": str(port), "HOST": "127.0.0.1"},
    )
    stack = replace(running.stack, url=f"http://127.0.0.1:{port}")
    try:
        wait_until(stack.is_ready, seconds=20)
        time.sleep(0.5)
        yield port
    finally:
        process.terminate()
        process.wait(15)
