"""The load of the days to come, read from the database.

It is made of the planned instants of the started workflows, each as long as the
workflow's runs usually take. What is computed from it is in ``forecast``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Exists, Q, QuerySet, Subquery

from workflows.engine import calendar, limits, planning
from workflows.engine.calendar import (
    BlackoutPolicy,
    Policy,
    Schedule,
    ScheduleError,
    Stretch,
)
from workflows.engine.calendar.instants import to_seconds
from workflows.engine.durations import Typical, typical_duration
from workflows.engine.forecast import LOOKED_AT, Gap, Profile, Quieter, Span, quieter
from workflows.models import (
    Freeze,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

#: How long a run is taken to last that nothing is known of.
ASSUMED_SECONDS: Final = 60
#: A workflow planned more often than this in one look counts as always at work.
MOST_INSTANTS: Final = 25_000
#: One that begins more often than this is no hindrance to maintenance.
FREQUENT_SECONDS: Final = 900
MOST_DAYS: Final = 14
#: From so many others at once on, a schedule gets a hint.
BUSY_OTHERS: Final = 2
_ONE_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a run is taken to last, and from what that is known."""

    seconds: float
    spread: float = 0
    runs: int = 0
    is_expected: bool = False

    @property
    def whole_seconds(self) -> int:
        """Return the length in whole seconds, at least one."""
        return max(1, round(self.seconds))

    @classmethod
    def of(cls, workflow: Workflow, typical: Typical | None) -> Duration:
        """Return the median of the last runs, else the expected time, else a guess."""
        if typical is not None:
            return cls(typical.median, typical.spread, typical.count)
        if workflow.expected_seconds:
            return cls(workflow.expected_seconds, is_expected=True)
        return cls(ASSUMED_SECONDS)


@dataclass(frozen=True, slots=True)
class Planned:
    """A scheduler of a started workflow and its instants, in UTC seconds.

    ``total`` counts them all; ``instants`` is empty when they are too many, and
    the workflow then counts as always at work. ``held`` counts those that fall
    into a blackout window that skips, a pause or a freeze.
    """

    workflow: Workflow
    activity: str
    schedule: Schedule
    zone: ZoneInfo
    duration: Duration
    instants: tuple[int, ...]
    total: int
    held: int = 0

    @property
    def starts(self) -> int:
        """Return how often it begins: without what is held."""
        return self.total if self.is_always_on else len(self.instants)

    @property
    def is_always_on(self) -> bool:
        """Tell whether it fires too often for its runs to be told apart."""
        return self.total > MOST_INSTANTS

    @property
    def is_frequent(self) -> bool:
        """Tell whether it begins every few minutes."""
        every = self.schedule.every_seconds
        return every is not None and every < FREQUENT_SECONDS

    def spans(self, low: int, high: int) -> Iterator[Span]:
        """Yield when it is at work; one span over all when it always is."""
        if self.is_always_on:
            yield Span(self.workflow.pk, low, high)
            return
        length = self.duration.whole_seconds
        for at in self.instants:
            yield Span(self.workflow.pk, at, at + length)


@dataclass(frozen=True)
class Forecast:
    """What is planned between two instants. Immutable, computed once when asked."""

    first: datetime
    until: datetime
    planned: tuple[Planned, ...]
    limit: int
    is_frozen: bool = False
    frozen_until: datetime | None = None

    @cached_property
    def profile(self) -> Profile:
        """Return how many workflows work at once."""
        return Profile.of(self._spans(self.planned))

    def gaps(self, *, with_frequent: bool = False) -> list[Gap]:
        """Return the free stretches, longest first.

        Those that begin every few minutes leave none; they count only when asked.
        """
        kept = [item for item in self.planned if with_frequent or not item.is_frequent]
        profile = Profile.of(self._spans(kept))
        return profile.gaps(to_seconds(self.first), to_seconds(self.until))

    def others(self, workflow: Workflow) -> Profile:
        """Return the profile without one workflow."""
        rest = [item for item in self.planned if item.workflow != workflow]
        return Profile.of(self._spans(rest))

    def proposal(self, planned: Planned) -> Quieter | None:
        """Return a quieter time for a scheduler; None when there is no better one."""
        return quieter(
            planned.schedule,
            planned.instants,
            planned.duration.whole_seconds,
            self.others(planned.workflow),
        )

    def at_work(self, begins: int, ends: int) -> list[Planned]:
        """Return the schedulers with a run in ``[begins, ends)``."""
        return [
            item
            for item in self.planned
            if any(
                span.begins < ends and span.ends > begins
                for span in item.spans(to_seconds(self.first), to_seconds(self.until))
            )
        ]

    def crowded(self, *, most: int = 5) -> list[Planned]:
        """Return those that take part in the highest peaks, the busiest first."""
        met = [
            (self._met(item), item)
            for item in self.planned
            if not item.is_always_on and not item.is_frequent
        ]
        met = [pair for pair in met if pair[0] > 1]
        met.sort(key=lambda pair: (-pair[0], pair[1].workflow.internal_name))
        return [item for _peak, item in met[:most]]

    def _met(self, item: Planned) -> int:
        length = item.duration.whole_seconds
        return max(
            (self.profile.peak(at, at + length) for at in item.instants), default=0
        )

    def _spans(self, planned: Iterable[Planned]) -> Iterator[Span]:
        low, high = to_seconds(self.first), to_seconds(self.until)
        for item in planned:
            yield from item.spans(low, high)


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many others are at work when a schedule fires, and where there are fewer."""

    others: int
    limit: int
    better: Quieter | None

    @property
    def is_busy(self) -> bool:
        """Tell whether it is worth a hint."""
        return self.others >= BUSY_OTHERS or self.others >= self.limit


def crowd_of(
    found: Forecast, workflow: Workflow, schedule: Schedule, zone: ZoneInfo
) -> Crowd:
    """Tell whom ``schedule`` would meet within the forecast. One query."""
    low, high = found.first - _ONE_SECOND, found.until - _ONE_SECOND
    listed = calendar.missed(schedule, low, high, zone=zone, limit=LOOKED_AT)
    instants = [to_seconds(at) for at in listed.instants]
    typical = typical_duration([workflow.pk], with_idle=True).get(workflow.pk)
    seconds = Duration.of(workflow, typical).whole_seconds
    others = found.others(workflow)
    now = max((others.peak(at, at + seconds) for at in instants), default=0)
    better = quieter(schedule, instants, seconds, others) if now else None
    return Crowd(now, found.limit, better)


def forecast(first: datetime, until: datetime) -> Forecast:
    """Return what is planned in ``[first, until)``. Two queries.

    Counts workflows that are started, and paused ones from the instant at which
    they resume by themselves. ``first`` is not before now.
    """
    tasks = list(_pending().order_by("workflow_id", "activity", "-id"))
    workflows = {task.workflow_id: task.workflow for task in tasks}
    typical = typical_duration(workflows, with_idle=True)
    freeze = _Freeze.of(tasks)
    planned = []
    seen: set[tuple[int, str]] = set()
    for task in tasks:
        if (task.workflow_id, task.activity) in seen:
            continue
        seen.add((task.workflow_id, task.activity))
        duration = Duration.of(task.workflow, typical.get(task.workflow_id))
        found = _planned(task, duration, first, until, freeze)
        if found is not None:
            planned.append(found)
    return Forecast(
        first,
        until,
        tuple(planned),
        limits.max_active(),
        freeze.is_frozen,
        freeze.until,
    )


@dataclass(frozen=True, slots=True)
class _Freeze:
    """The freeze that lasts, as the query of the schedulers brings it along."""

    is_frozen: bool = False
    until: datetime | None = None

    @classmethod
    def of(cls, tasks: Sequence[Any]) -> _Freeze:
        if not tasks:
            return cls()
        return cls(tasks[0].is_frozen, tasks[0].frozen_until)


def _pending() -> QuerySet[Task]:
    """Return the schedulers that wait for their next instant."""
    at_work = Q(workflow__state=State.STARTED)
    resumes = Q(workflow__state=State.PAUSED, workflow__resume_at__isnull=False)
    freeze = Freeze.objects.filter(ended_at__isnull=True).order_by()
    return (
        Task.objects.annotate(
            is_frozen=Exists(freeze), frozen_until=Subquery(freeze.values("until")[:1])
        )
        .filter(
            at_work | resumes,
            status=TaskStatus.ACTIVE,
            substate=Substate.PENDING,
            activity_type="scheduler",
            run__isnull=True,
            scheduled_for__isnull=False,
        )
        .select_related("workflow", "workflow__structure")
        .defer("variables", "traceback")
    )


def _planned(
    task: Task,
    duration: Duration,
    first: datetime,
    until: datetime,
    freeze: _Freeze,
) -> Planned | None:
    workflow = task.workflow
    try:
        schedule, zone = _plan(task)
    except (ScheduleError, LookupError, ValueError, StopIteration):
        return None
    if task.scheduled_for is None:
        return None
    # A pending instant that is late fires at once: it is no longer ahead.
    start = max(task.scheduled_for, first) - _ONE_SECOND
    found = calendar.missed(
        schedule, start, until - _ONE_SECOND, zone=zone, limit=MOST_INSTANTS + 1
    )
    count, instants = found.count, list(found.instants)
    left = schedule.firings_left(task.iterations)
    if left is not None:
        before = calendar.missed(
            schedule, task.scheduled_for - _ONE_SECOND, start, zone=zone, limit=0
        )
        left = max(0, left - before.count)
        count, instants = min(count, left), instants[:left]
    if count > MOST_INSTANTS:
        return Planned(workflow, task.activity, schedule, zone, duration, (), count)
    held_until = _held_until(workflow, freeze)
    kept = [at for at in _after_hold(instants, held_until, schedule) if at < until]
    kept = list(_outside_blackouts(workflow, kept, zone))
    seed = planning.jitter_seed(workflow, task.activity)
    due = (calendar.jittered(instant, schedule, seed) for instant in kept)
    seconds = tuple(to_seconds(instant) for instant in due)
    return Planned(
        workflow,
        task.activity,
        schedule,
        zone,
        duration,
        seconds,
        count,
        held=count - len(kept),
    )


def _plan(task: Task) -> tuple[Schedule, ZoneInfo]:
    plan = planning.plan_of(task)
    if plan is not None:
        return plan.schedule, plan.zone
    structure = task.workflow.structure
    node = next(
        item
        for item in (structure.activities if structure else ())
        if item["name"] == task.activity
    )
    schedule = Schedule.parse(node["parameters"]["schedule"])
    return schedule, planning.zone_of(task.workflow, schedule)


def _held_until(workflow: Workflow, freeze: _Freeze) -> datetime | None:
    ends = [
        at
        for at in (
            workflow.resume_at if workflow.state == State.PAUSED else None,
            freeze.until,
        )
        if at is not None
    ]
    return max(ends, default=None)


def _after_hold(
    instants: Sequence[datetime], held_until: datetime | None, schedule: Schedule
) -> list[datetime]:
    """Return what fires when nothing does before ``held_until``."""
    if held_until is None:
        return list(instants)
    kept = [at for at in instants if at >= held_until]
    is_made_up = schedule.resume_policy is not Policy.SKIP
    if len(kept) < len(instants) and is_made_up:
        kept.insert(0, held_until)
    return kept


def _outside_blackouts(
    workflow: Workflow, instants: Sequence[datetime], zone: ZoneInfo
) -> Iterator[datetime]:
    """Yield the instants as the windows let them fire, each one once."""
    blackouts = planning.blackouts_of(workflow)
    if not blackouts or not instants:
        yield from instants
        return
    cut: list[Stretch] = list(
        calendar.stretches(blackouts, instants[0], instants[-1], zone=zone)
    )
    begins = [stretch.first for stretch in cut]
    last: datetime | None = None
    for instant in instants:
        stretch = cut[max(0, bisect_right(begins, instant) - 1)]
        at: datetime | None = instant
        if stretch.is_blacked_out:
            window = calendar.covering(blackouts, instant, zone=zone)
            is_late = window and window.blackout.policy is BlackoutPolicy.DEFER
            at = window.ends if window and is_late else None
        if at is not None and at != last:
            last = at
            yield at
