"""Workers in threads, each with a database session of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DatabaseError, connection

from workflows.engine import executor
from workflows.models import Task

PATIENCE = 30.0


def until(holds: Callable[[], Any], *, within: float = PATIENCE) -> float:
    """Wait until something holds; return after how many seconds it did."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > within:
            raise TimeoutError(f"Not within {within} s")
        time.sleep(0.02)
    return time.monotonic() - began


@contextmanager
def at_once(*works: Callable[[], Any]) -> Iterator[list[Any]]:
    """Do all of this side by side; what came of it is in the list when all ended."""
    results: list[Any] = [None] * len(works)

    def do(place: int, work: Callable[[], Any]) -> None:
        try:
            results[place] = work()
        finally:
            connection.close()

    threads = [
        threading.Thread(target=do, args=each, daemon=True) for each in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    try:
        yield results
    finally:
        for thread in threads:
            thread.join(PATIENCE)


@contextmanager
def executing(task: Task) -> Iterator[None]:
    """Have a worker execute a queued task; enter when it has claimed it.

    Its connection may be ended under it; the queue would note the fault.
    """

    def work() -> None:
        with suppress(DatabaseError):
            executor.run_task(task.pk)

    with at_once(work):
        until(lambda: Task.objects.filter(pk=task.pk, substate="running").exists())
        yield
