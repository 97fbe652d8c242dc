"""Workflows that exist for the length of a test, and a worker without a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import time_machine

from workflows import queue
from workflows.actions.sync import sync_workflows
from workflows.engine import clock, executor
from workflows.models import Workflow
from workflows.registry import (
    QUEUES,
    CatalogueEntry,
    Done,
    RunContext,
    activity,
    temporary_workflow,
)

START = datetime(2026, 1, 5, 10, 0, 30, tzinfo=UTC)
EVERY_MINUTE = {
    "kind": "several_times_a_day",
    "every": "PT1M",
    "from": "00:00",
}


def entry(
    name: str, *, schedule: dict[str, Any] | None, signals: tuple[str, ...]
) -> CatalogueEntry:
    """Return a catalogue entry for a test workflow."""
    return CatalogueEntry(
        internal_name=name,
        package="delivery",
        labels={"en": f"Sample {name}"},
        description="A workflow of the tests.",
        schedule=schedule,
        signals=signals,
    )


@contextmanager
def sample_workflow(
    work: Callable[[RunContext], Any],
    *,
    name: str = "sample",
    schedule: dict[str, Any] | None = EVERY_MINUTE,
    signals: tuple[str, ...] = ("something happened",),
    at: datetime = START,
    **declared: Any,
) -> Iterator[Workflow]:
    """Install a started workflow whose one activity calls ``work``."""

    class Sample:
        @activity(after=("scheduler", "signal"), **declared)
        def process(self, run: RunContext) -> Any:
            return work(run)

    given = entry(name, schedule=schedule, signals=signals)
    with temporary_workflow(Sample, name, given):
        sync_workflows(at=at)
        yield Workflow.objects.get(internal_name=name)


def nothing(_run: RunContext) -> Done:
    """Find nothing to do."""
    return Done(is_idle=True)


def three_rows(_run: RunContext) -> Done:
    """Treat three rows."""
    return Done(count=3, read=3, written=3, label="Ok")


def tick(at: datetime) -> None:
    """Let the clock look at the instant ``at``."""
    clock.tick(at)


def work_off(at: datetime = START) -> None:
    """Let a worker of each queue do, at the instant ``at``, what is queued."""
    with time_machine.travel(at):
        for name in QUEUES:
            executor.drain(name)


def orders(name: str) -> int:
    """Return how many orders wait in a queue."""
    return queue.depth(name)
