"""A simulation beside the next real run: what it said, and what happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from workflows.models import JournalEntry, Run, RunStatus, Task

#: Of one run, at most so many tasks and lines are compared, the first ones.
MOST = 500


@dataclass(frozen=True, slots=True)
class Part:
    """What one run did, or would have done, in one activity.

    ``is_executed`` is false for an activity with an effect in a simulation: its
    ``count`` is then what it would treat. None counts as not told.
    """

    tasks: int
    is_executed: bool
    status: str
    count: int | None
    label: str
    error: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One activity in both runs."""

    activity: str
    simulated: Part | None
    real: Part | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A simulation, the next real run if there was one, and both side by side."""

    simulation: Run
    real: Run | None
    rows: tuple[Row, ...]


def compare(simulation: Run) -> Comparison:
    """Return a simulation beside the first real run after it. Five queries."""
    real = (
        Run.objects.filter(
            workflow_id=simulation.workflow_id,
            pk__gt=simulation.pk,
            is_simulation=False,
            is_waiting=False,
            parent_task=None,
        )
        .exclude(status=RunStatus.SKIPPED)
        .order_by("pk")
        .first()
    )
    would = _parts(simulation)
    did = _parts(real) if real is not None else {}
    return Comparison(
        simulation,
        real,
        tuple(
            Row(name, would.get(name), did.get(name))
            for name in dict.fromkeys((*would, *did))
        ),
    )


def _parts(run: Run) -> dict[str, Part]:
    """Return what a run did by activity, in the order of its tasks."""
    tasks: dict[str, list[Task]] = defaultdict(list)
    for task in Task.objects.filter(run=run).order_by("pk")[:MOST]:
        tasks[task.activity].append(task)
    lines: dict[str, list[str]] = defaultdict(list)
    for line in JournalEntry.objects.filter(run=run).order_by("pk")[:MOST]:
        lines[line.activity].append(line.text)
    return {name: _part(found, lines[name]) for name, found in tasks.items()}


def _part(tasks: list[Task], lines: Iterable[str]) -> Part:
    counts = [task.record_count for task in tasks if task.record_count is not None]
    last = tasks[-1]
    return Part(
        tasks=len(tasks),
        is_executed=not any(task.is_simulated for task in tasks),
        status=last.status,
        count=sum(counts) if counts else None,
        label=last.result_label,
        error=last.error,
        lines=tuple(lines),
    )
