"""How many workflows run at once, when nothing does, and where there is room.

Pure functions over spans of whole UTC seconds: no database, no clock. The page of
the future and the page of the past ask the same ones.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import time
from typing import Final

from workflows.engine.calendar import Kind, Schedule
from workflows.engine.calendar.instants import second_of_day
from workflows.engine.calendar.terms import DAY_SECONDS

_MINUTE: Final = 60
#: A proposal moves a schedule by at most so many minutes.
WIDEST_SHIFT: Final = 90
#: So many of a schedule's instants are looked at for a proposal.
LOOKED_AT: Final = 400


@dataclass(frozen=True, slots=True)
class Span:
    """A workflow at work from ``begins`` to just before ``ends``."""

    workflow_id: int
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of time of a grid; empty where a local hour does not exist."""

    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time in which no workflow is at work."""

    begins: int
    ends: int

    @property
    def seconds(self) -> int:
        """Return how long it is."""
        return self.ends - self.begins


@dataclass(frozen=True, slots=True)
class Profile:
    """The number of workflows at work as a step function of time.

    From ``times[i]`` on it is ``counts[i]``, up to the next time; before the first
    and after the last it is 0. A workflow that runs beside itself counts once.
    """

    times: tuple[int, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, spans: Iterable[Span]) -> Profile:
        """Return the profile of spans in any order."""
        steps: defaultdict[int, int] = defaultdict(int)
        for span in merged(spans):
            steps[span.begins] += 1
            steps[span.ends] -= 1
        times, counts, level = [], [], 0
        for at in sorted(steps):
            if not steps[at]:
                continue
            level += steps[at]
            times.append(at)
            counts.append(level)
        return cls(tuple(times), tuple(counts))

    def peak(self, begins: int, ends: int) -> int:
        """Return the most at once in ``[begins, ends)``; 0 for an empty stretch."""
        if ends <= begins:
            return 0
        first = bisect_right(self.times, begins) - 1
        last = bisect_right(self.times, ends - 1)
        return max(self.counts[max(first, 0) : last], default=0)

    def peaks(self, cells: Iterable[Cell]) -> list[int]:
        """Return the most at once within each cell."""
        return [self.peak(cell.begins, cell.ends) for cell in cells]

    def gaps(self, low: int, high: int, *, least: int = _MINUTE) -> list[Gap]:
        """Return the free stretches of ``[low, high)``, longest first, then earliest.

        Those shorter than ``least`` seconds are left out.
        """
        found = [gap for gap in self._gaps(low, high) if gap.seconds >= least]
        return sorted(found, key=lambda gap: (-gap.seconds, gap.begins))

    def _gaps(self, low: int, high: int) -> Iterator[Gap]:
        free_from: int | None = low
        for at, count in zip(self.times, self.counts, strict=True):
            if count and free_from is not None:
                end = min(at, high)
                if end > free_from:
                    yield Gap(free_from, end)
                free_from = None
            elif not count:
                free_from = max(at, low)
            if at >= high:
                break
        if free_from is not None and free_from < high:
            yield Gap(free_from, high)


@dataclass(frozen=True, slots=True)
class Quieter:
    """A later or earlier time at which fewer others are at work."""

    minutes: int
    schedule: Schedule
    others_now: int
    others_then: int


def merged(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the spans with those of one workflow that overlap or touch made one."""
    by_workflow: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for span in spans:
        if span.ends > span.begins:
            by_workflow[span.workflow_id].append((span.begins, span.ends))
    for workflow_id, pairs in by_workflow.items():
        pairs.sort()
        begins, ends = pairs[0]
        for low, high in pairs:
            if low > ends:
                yield Span(workflow_id, begins, ends)
                begins, ends = low, high
            elif high > ends:
                ends = high
        yield Span(workflow_id, begins, ends)


def even_cells(first: int, seconds: int, count: int) -> list[Cell]:
    """Return ``count`` cells of equal length, one after the other."""
    return [
        Cell(first + index * seconds, first + (index + 1) * seconds)
        for index in range(count)
    ]


def shifted(schedule: Schedule, minutes: int) -> Schedule | None:
    """Return the schedule with its times of day moved; None where that cannot be.

    A time never leaves its day, so the days stay what they were. Only a repetition
    that goes on all day, or within one day, can be moved.
    """
    if schedule.kind is Kind.ONCE:
        return None
    if not schedule.is_periodic:
        times = [_moved(at, minutes) for at in schedule.times]
        kept = tuple(at for at in times if at is not None)
        if not kept or len(kept) != len(schedule.times):
            return None
        return replace(schedule, times=kept)
    begins = _moved(schedule.from_time, minutes)
    if begins is None:
        return None
    if schedule.until_time is None:
        every = schedule.every_seconds or DAY_SECONDS
        # Later than one period, the first slot of the day would be lost.
        is_lossless = second_of_day(begins) < every and not schedule.is_long_period
        return replace(schedule, from_time=begins) if is_lossless else None
    ends = _moved(schedule.until_time, minutes)
    if ends is None or (ends <= begins) != (schedule.until_time <= schedule.from_time):
        return None
    return replace(schedule, from_time=begins, until_time=ends)


def quieter(
    schedule: Schedule,
    instants: Sequence[int],
    seconds: int,
    others: Profile,
    *,
    widest: int = WIDEST_SHIFT,
) -> Quieter | None:
    """Return the nearest shift by whole minutes at which the fewest others work.

    ``instants`` are those of the schedule, ``seconds`` how long a run takes. None
    when no shift is better than staying.
    """
    looked_at = instants[:LOOKED_AT]
    now = _others(looked_at, seconds, others, 0)
    best: Quieter | None = None
    for distance in range(1, widest + 1):
        for minutes in (distance, -distance):
            moved = shifted(schedule, minutes)
            if moved is None:
                continue
            then = _others(looked_at, seconds, others, minutes)
            if then < (best.others_then if best else now):
                best = Quieter(minutes, moved, now, then)
        if best is not None and best.others_then == 0:
            break
    return best


def _others(instants: Iterable[int], seconds: int, others: Profile, by: int) -> int:
    distance = by * _MINUTE
    return max(
        (others.peak(at + distance, at + distance + seconds) for at in instants),
        default=0,
    )


def _moved(at: time, minutes: int) -> time | None:
    second = second_of_day(at) + minutes * _MINUTE
    if not 0 <= second < DAY_SECONDS:
        return None
    return time(second // 3600, second // 60 % 60, second % 60)
