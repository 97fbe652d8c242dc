"""What becomes of each planned instant when one schedule replaces another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from workflows.engine.calendar.instants import next_after
from workflows.engine.calendar.schedule import Schedule

_ONE_SECOND: Final = timedelta(seconds=1)


class Fate(StrEnum):
    """How an instant of one schedule stands in the other."""

    KEPT = "kept"
    REMOVED = "removed"
    ADDED = "added"
    MOVED = "moved"
    """The day keeps a run, at another time."""


@dataclass(frozen=True, slots=True)
class Differences:
    """The fates of the instants listed of the old schedule and of the new one."""

    old: tuple[Fate, ...]
    new: tuple[Fate, ...]


def differences(
    old: Schedule,
    old_instants: Sequence[datetime],
    old_zone: ZoneInfo,
    new: Schedule,
    new_instants: Sequence[datetime],
    new_zone: ZoneInfo,
) -> Differences:
    """Tell which listed instants stay, go, come, or move within their local day.

    Each is looked up in the other schedule itself, so that where a list ends plays
    no part. An expiry by number of firings plays no part either.
    """
    gone = _missing(old_instants, _firing(new, new_zone))
    come = _missing(new_instants, _firing(old, old_zone))
    moved_old, moved_new = set(), set()
    gone_by_day, come_by_day = _by_day(gone, new_zone), _by_day(come, new_zone)
    for day, leaving in gone_by_day.items():
        for before, after in zip(leaving, come_by_day.get(day, ()), strict=False):
            moved_old.add(before)
            moved_new.add(after)
    return Differences(
        tuple(_fate(at, gone, moved_old, Fate.REMOVED) for at in old_instants),
        tuple(_fate(at, come, moved_new, Fate.ADDED) for at in new_instants),
    )


def _firing(schedule: Schedule, zone: ZoneInfo) -> Callable[[datetime], bool]:
    def fires(instant: datetime) -> bool:
        return next_after(schedule, instant - _ONE_SECOND, zone=zone) == instant

    return fires


def _missing(
    instants: Sequence[datetime], fires: Callable[[datetime], bool]
) -> list[datetime]:
    return [instant for instant in instants if not fires(instant)]


def _by_day(instants: list[datetime], zone: ZoneInfo) -> dict[date, list[datetime]]:
    days: defaultdict[date, list[datetime]] = defaultdict(list)
    for instant in instants:
        days[instant.astimezone(zone).date()].append(instant)
    return days


def _fate(
    instant: datetime, missing: list[datetime], moved: set[datetime], otherwise: Fate
) -> Fate:
    if instant not in missing:
        return Fate.KEPT
    return Fate.MOVED if instant in moved else otherwise
