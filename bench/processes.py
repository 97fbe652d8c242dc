"""The processes of an installation: how many, how large, how busy."""

from __future__ import annotations

from collections import Counter

import psutil

from bench.installation import Installation

_MEGABYTE = 1024 * 1024


def tree(running: Installation) -> list[psutil.Process]:
    """Return every process of the installation."""
    root = running.stack.process.pid
    return [psutil.Process(root), *psutil.Process(root).children(recursive=True)]


def processor_seconds(running: Installation) -> dict[str, float]:
    """Return the processor time by kind of process, ended children included."""
    seconds: Counter[str] = Counter()
    for process in tree(running):
        try:
            times = process.cpu_times()
            seconds[_kind(process)] += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return dict(seconds)


def memory(running: Installation) -> dict[str, float]:
    """Return megabytes (PSS, which counts shared pages once) by kind of process."""
    sizes: Counter[str] = Counter()
    for process in tree(running):
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
