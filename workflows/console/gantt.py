"""The tasks of a run as bars over time, with the numbers that the table twin shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from workflows.console import wording
from workflows.models import Run, Task, TaskStatus

WIDTH, BAR, GAP, LEFT = 720, 18, 8, 200
_TONES = {
    TaskStatus.COMPLETED: "ok",
    TaskStatus.FAILED: "bad",
    TaskStatus.CANCELLED: "neutral",
    TaskStatus.SKIPPED: "neutral",
    TaskStatus.ACTIVE: "run",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One task: where its bar lies, and in words how long it took."""

    task: Task
    label: str
    tone: str
    x: float
    y: int
    width: float
    taken: str
    offset: str

    @property
    def text_y(self) -> int:
        """Return the base line of the label."""
        return self.y + BAR - 5


@dataclass(frozen=True, slots=True)
class Gantt:
    """The bars of a run in the order of execution, and the length of the axis."""

    bars: tuple[Bar, ...]
    span: str

    @property
    def height(self) -> int:
        """Return the height of the drawing."""
        return len(self.bars) * (BAR + GAP) + GAP

    @property
    def width(self) -> int:
        """Return the width of the drawing, labels included."""
        return LEFT + WIDTH + 10


def gantt(
    run: Run, tasks: Sequence[Task], labels: Mapping[str, str], at: datetime
) -> Gantt | None:
    """Return the bars of the tasks that have begun; None when none has. No SQL."""
    begun = [task for task in tasks if task.started_at is not None]
    if not begun:
        return None
    start = min(_start(task) for task in begun)
    end = max(_end(task, at) for task in begun)
    whole = max((end - start).total_seconds(), 0.001)
    bars = []
    for index, task in enumerate(sorted(begun, key=lambda one: (_start(one), one.pk))):
        offset = (_start(task) - start).total_seconds()
        taken = max((_end(task, at) - _start(task)).total_seconds(), 0.0)
        bars.append(
            Bar(
                task=task,
                label=labels.get(task.activity, task.activity),
                tone=_TONES.get(TaskStatus(task.status), "neutral"),
                x=round(LEFT + WIDTH * offset / whole, 1),
                y=GAP + index * (BAR + GAP),
                width=round(max(WIDTH * taken / whole, 2), 1),
                taken=wording.span(timedelta(seconds=taken)),
                offset=wording.span(timedelta(seconds=offset)),
            )
        )
    return Gantt(tuple(bars), wording.span(timedelta(seconds=whole)))


def _start(task: Task) -> datetime:
    return task.started_at or task.created_at


def _end(task: Task, at: datetime) -> datetime:
    return task.completed_at or at
