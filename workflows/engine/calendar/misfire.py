"""What fires when a planned instant has come, also after hours of downtime."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

from workflows.engine.calendar.blackout import Blackout, stretches
from workflows.engine.calendar.instants import Missed, missed, next_after
from workflows.engine.calendar.schedule import Schedule
from workflows.engine.calendar.terms import BlackoutPolicy, Policy, SkipReason

MAX_FIRED_ONE_BY_ONE: Final = 24
ON_TIME: Final = timedelta(seconds=120)
"""A firing this late is an ordinary delay, also of the minute-wise safety net."""

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A stretch of planned instants that get no firing of their own, and why."""

    first: datetime
    last: datetime
    count: int
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about the planned instants that have come.

    ``fire`` holds the instants to fire now, oldest first. ``skipped`` accounts for
    every other one, in order and without overlap; the two together hold each
    planned instant exactly once. ``missed_count`` counts the instants that passed
    without their firing (``vars.missedCount``): all but the one that is on time.
    ``next`` is the instant to plan, ``None`` when the schedule has ended.
    """

    fire: tuple[datetime, ...]
    skipped: tuple[Skipped, ...]
    missed_count: int
    next: datetime | None

    @property
    def due_count(self) -> int:
        """Return how many planned instants this decision accounts for."""
        return len(self.fire) + sum(stretch.count for stretch in self.skipped)


@dataclass(frozen=True, slots=True)
class _Due:
    """The planned instants from ``first`` on, ``first`` being one whatever happens.

    The row that is due was planned once; an edit of the schedule in between must
    not make it vanish without an outcome.
    """

    schedule: Schedule
    first: datetime
    zone: ZoneInfo
    free: tuple[tuple[datetime, datetime], ...] | None = None
    """When given, only instants of these stretches count; ascending."""

    def between(self, low: datetime, high: datetime, limit: int = 1) -> Missed:
        """Return the instants in ``[low, high]``, listing the oldest ``limit``."""
        whole = Missed(0, None, None, ())
        for begin, end in self._parts(low, high):
            part = self._all_between(begin, end, limit - len(whole.instants))
            if part.count:
                whole = Missed(
                    whole.count + part.count,
                    whole.first or part.first,
                    part.last,
                    (*whole.instants, *part.instants),
                )
        return whole

    def _parts(
        self, low: datetime, high: datetime
    ) -> Iterable[tuple[datetime, datetime]]:
        if self.free is None:
            return ((low, high),)
        cut = ((max(low, begin), min(high, end)) for begin, end in self.free)
        return (part for part in cut if part[0] <= part[1])

    def _all_between(self, low: datetime, high: datetime, limit: int) -> Missed:
        if low > self.first:
            return missed(
                self.schedule, low - _SECOND, high, zone=self.zone, limit=limit
            )
        if high < self.first:
            return Missed(0, None, None, ())
        rest = missed(
            self.schedule, self.first, high, zone=self.zone, limit=max(0, limit - 1)
        )
        return replace(
            rest,
            count=rest.count + 1,
            first=self.first,
            last=rest.last or self.first,
            instants=(self.first, *rest.instants)[:limit],
        )

    def skip(
        self, low: datetime, high: datetime, reason: SkipReason
    ) -> tuple[Skipped, ...]:
        """Return the instants in ``[low, high]`` as skipped stretches, in order."""
        found = (
            self._all_between(begin, end, 0) for begin, end in self._parts(low, high)
        )
        return tuple(
            Skipped(part.first, part.last, part.count, reason)
            for part in found
            if part.first is not None and part.last is not None
        )


def plan(
    schedule: Schedule,
    due: datetime,
    now: datetime,
    *,
    zone: ZoneInfo,
    policy: Policy | None = None,
    count_so_far: int = 0,
    seed: str = "",
    blackouts: Sequence[Blackout] = (),
) -> Decision:
    """Decide what fires at ``now`` for a schedule whose planned instant is ``due``.

    ``policy`` is ``schedule.misfire`` unless given; pass ``schedule.resume_policy``
    for instants held back by a pause. ``seed`` is the one given to ``jittered``.
    An instant that is on time fires under every policy. After an outage

    * ``fire_once`` fires the latest instant, which stands for all;
    * ``skip`` fires none;
    * ``fire_all`` fires the oldest 24, and skips the rest as over the limit.

    An instant later than the maximum lateness never fires, nor does one planned
    inside a window of ``blackouts`` that skips: it is no missed one either. Whole
    seconds; safe to call twice, or before ``due``, when it decides nothing.
    """
    left = schedule.firings_left(count_so_far)
    if left == 0:
        return Decision((), (), 0, None)
    if jittered(due, schedule, seed) > now:
        return Decision((), (), 0, due)
    stock = _Due(schedule, due, zone)
    everything = stock.between(due, now)
    last = everything.last or due
    if last > due and jittered(last, schedule, seed) > now:
        # The newest instant has come, its random delay has not.
        everything = stock.between(due, last - _SECOND)
        last = everything.last or due
    newest = last
    stock, blacked_out = _without_blackouts(stock, newest, blackouts)
    if blacked_out:
        remaining = stock.between(due, newest, limit=0).last
        if remaining is None:
            following = next_after(schedule, newest, count_so_far, zone=zone)
            return Decision((), blacked_out, 0, following)
        last = remaining
    delay = timedelta(seconds=schedule.jitter_seconds)
    on_time = now - last <= delay + ON_TIME
    fire, skipped = _choose(
        stock, last, now - delay, on_time, policy or schedule.misfire
    )
    skipped = tuple(sorted((*skipped, *blacked_out), key=lambda item: item.first))
    if left is not None and len(fire) >= left:
        # The schedule ends with its last allowed firing: nothing after it was planned.
        fire = fire[:left]
        skipped = tuple(item for item in skipped if item.first < fire[-1])
        end = None
    else:
        end = next_after(schedule, newest, count_so_far + len(fire), zone=zone)
    total = len(fire) + sum(
        item.count for item in skipped if item.reason is not SkipReason.BLACKOUT
    )
    return Decision(fire, skipped, total - (1 if on_time and last in fire else 0), end)


def jittered(instant: datetime, schedule: Schedule, seed: str) -> datetime:
    """Return ``instant`` put off by the schedule's random delay.

    The delay lies between zero and ``jitter`` and depends only on the seed and the
    instant: every clock process finds the same one. It never reorders firings.
    """
    if not schedule.jitter_seconds:
        return instant
    text = f"{seed}|{instant.timestamp():.0f}".encode()
    number = int.from_bytes(blake2b(text, digest_size=8).digest())
    return instant + timedelta(
        milliseconds=number % (schedule.jitter_seconds * 1000 + 1)
    )


def _without_blackouts(
    stock: _Due, last: datetime, blackouts: Sequence[Blackout]
) -> tuple[_Due, tuple[Skipped, ...]]:
    """Return the instants that no window skips, and the ones that one does."""
    skipping = [item for item in blackouts if item.policy is BlackoutPolicy.SKIP]
    if not skipping:
        return stock, ()
    cut = list(stretches(skipping, stock.first, last, zone=stock.zone))
    blacked_out = (
        stock.skip(each.first, each.last, SkipReason.BLACKOUT)
        for each in cut
        if each.is_blacked_out
    )
    free = tuple((each.first, each.last) for each in cut if not each.is_blacked_out)
    return replace(stock, free=free), tuple(chain.from_iterable(blacked_out))


def _choose(
    stock: _Due, last: datetime, now: datetime, on_time: bool, policy: Policy
) -> tuple[tuple[datetime, ...], tuple[Skipped, ...]]:
    """Return what fires and what is skipped of the instants up to ``last``."""
    too_late: tuple[Skipped, ...] = ()
    start = stock.first
    if stock.schedule.max_lateness_seconds is not None:
        limit = now - timedelta(seconds=stock.schedule.max_lateness_seconds)
        # Instants lie on whole seconds: round the limit up to one.
        limit += timedelta(microseconds=-limit.microsecond % 1_000_000)
        if limit > start:
            too_late = stock.skip(
                start, min(last, limit - _SECOND), SkipReason.TOO_LATE
            )
            start = limit
        if start > last:
            return (), too_late
    if policy is Policy.FIRE_ONCE:
        covered = stock.skip(start, last - _SECOND, SkipReason.COVERED)
        return (last,), (*too_late, *covered)
    newest = (last,) if on_time else ()
    before = last - _SECOND if on_time else last
    if policy is Policy.SKIP:
        skipped = stock.skip(start, before, SkipReason.MISFIRE)
        return newest, (*too_late, *skipped)
    late = stock.between(start, before, limit=MAX_FIRED_ONE_BY_ONE)
    over: tuple[Skipped, ...] = ()
    if late.count > len(late.instants):
        over = stock.skip(late.instants[-1] + _SECOND, before, SkipReason.OVER_LIMIT)
    return (*late.instants, *newest), (*too_late, *over)
