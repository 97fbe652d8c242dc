"""The engine on a simulated clock: what was planned, and what handlers saw.

The clock looks at every instant at which a scheduler is due, as it does in its own
loop, and a worker executes what that began.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import Min

from campaign.access.models import Operator
from tests.workflows.samples import sample_workflow, tick, work_off
from workflows.actions import save_schedule
from workflows.models import Source, State, Task, TaskStatus, Workflow
from workflows.registry import Done, RunContext


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Sample:
    """A started workflow and what its handler saw: instants and missed counts."""

    workflow: Workflow
    fired: list[datetime | None] = field(default_factory=list)
    missed: list[int] = field(default_factory=list)

    def work(self, run: RunContext) -> Done:
        """Note the firing, as one row of work."""
        self.fired.append(run.scheduled_for)
        self.missed.append(run.variables["vars"]["missedCount"])
        return Done(count=1)

    def outcomes(self) -> Counter[str]:
        """Return how many planned instants had each outcome."""
        found: Counter[str] = Counter()
        for row in self.workflow.occurrences.all():
            found[row.outcome] += row.count
        return found

    def next_planned(self) -> datetime | None:
        """Return the instant on the pending scheduler task."""
        task: Task = self.workflow.tasks.get(
            activity="scheduler", status=TaskStatus.ACTIVE
        )
        return task.scheduled_for


@contextmanager
def started(
    schedules: Mapping[str, dict[str, Any]], start: datetime
) -> Iterator[dict[str, Sample]]:
    """Install workflows of these schedules and start them; nothing else is due."""
    samples: dict[str, Sample] = {}
    with ExitStack() as stack:
        for name, schedule in schedules.items():
            sample = Sample(Workflow())
            sample.workflow = stack.enter_context(
                sample_workflow(
                    sample.work, name=name, schedule=schedule, signals=(), at=start
                )
            )
            samples[name] = sample
        Task.objects.exclude(workflow__internal_name__in=schedules).delete()
        yield samples


def next_due() -> datetime | None:
    """Return the instant that the clock would sleep for."""
    return Task.objects.filter(
        status=TaskStatus.ACTIVE, workflow__state=State.STARTED
    ).aggregate(due=Min("process_at"))["due"]


def live_until(end: datetime) -> None:
    """Let the clock and a worker do their duty up to ``end``."""
    due = next_due()
    while due is not None and due <= end:
        come_back(due)
        due = next_due()


def come_back(when: datetime) -> None:
    """Let the clock look again, and a worker do all that this began."""
    tick(when)
    work_off(when)


def save(
    name: str, schedule: dict[str, Any], operator: Operator, when: datetime
) -> None:
    """Store a schedule as an operator does in the console."""
    save_schedule(
        internal_name=name,
        schedule=schedule,
        expected_version=None,
        acting_operator=operator,
        source=Source.CONSOLE,
        at=when,
    )
