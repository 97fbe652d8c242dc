"""What an installation costs that has nothing to do: memory, processor, transactions.

Memory is PSS, which counts shared pages once, over the whole tree of processes,
PostgreSQL included.
"""

from __future__ import annotations

import time
from collections import Counter

import psutil

from bench.figures import Result
from bench.installation import Installation, installation

_MEGABYTE = 1024 * 1024
_TRANSACTIONS = (
    "SELECT xact_commit + xact_rollback FROM pg_stat_database"
    " WHERE datname = current_database()"
)


def measure(*, quick: bool) -> Result:
    """Measure the cost of doing nothing."""
    result = Result("idle")
    settle, seconds = (5.0, 15.0) if quick else (15.0, 60.0)
    with installation() as running:
        time.sleep(settle)
        with running.connect() as session:
            # This session tells its own statements at once, hence in both counts.
            [(before,)] = session.execute(_TRANSACTIONS).fetchall()
            used = _processor_seconds(running)
            started = time.monotonic()
            time.sleep(seconds)
            used = _processor_seconds(running) - used
            elapsed = time.monotonic() - started
            [(after,)] = session.execute(_TRANSACTIONS).fetchall()
        memory = _memory(running)
        processes = len(_tree(running))
    result.at_most("memory, PSS with PostgreSQL", sum(memory.values()), "MB", 450)
    share = used / elapsed * 100
    result.at_most(f"processor over {elapsed:.0f} s", share, "% of a core", 3)
    result.tell("transactions", (after - before) / elapsed, "/s")
    result.tell("processes", processes, "")
    result.raw = {"pss_mb": {name: round(size, 1) for name, size in memory.items()}}
    return result


def _tree(running: Installation) -> list[psutil.Process]:
    root = running.stack.process.pid
    return [psutil.Process(root), *psutil.Process(root).children(recursive=True)]


def _processor_seconds(running: Installation) -> float:
    """Return the processor time of the living processes and their ended children."""
    total = 0.0
    for process in _tree(running):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _memory(running: Installation) -> dict[str, float]:
    """Return megabytes by the kind of process."""
    sizes: Counter[str] = Counter()
    for process in _tree(running):
        try:
            sizes[_kind(process)] += process.memory_full_info().pss / _MEGABYTE
        except psutil.NoSuchProcess:
            continue
    return dict(sizes)


def _kind(process: psutil.Process) -> str:
    name = process.name()
    line = " ".join(process.cmdline())
    if name.startswith("postgres"):
        return "PostgreSQL"
    return line.split("/")[-1][:40] if line else name
