"""Schedules and the instants they mean: pure functions, no database, no clock.

The engine, the console's preview, the API and the tests all ask the same
``next_after``; ``plan`` is the only place that decides what fires after downtime.
"""

from __future__ import annotations

from workflows.engine.calendar.blackout import (
    Blackout,
    Stretch,
    Window,
    covering,
    free_from,
    stretches,
)
from workflows.engine.calendar.changes import (
    ChangeEffect,
    OnChange,
    change_effects,
)
from workflows.engine.calendar.cron import from_cron
from workflows.engine.calendar.differences import Differences, Fate, differences
from workflows.engine.calendar.durations import format_duration, parse_duration
from workflows.engine.calendar.faults import ScheduleError
from workflows.engine.calendar.instants import (
    Missed,
    Preview,
    ZoneChange,
    first_due,
    missed,
    next_after,
    occurrences,
    preview,
    zone_changes,
)
from workflows.engine.calendar.misfire import (
    Decision,
    Skipped,
    jittered,
    plan,
)
from workflows.engine.calendar.schedule import Schedule, format_time
from workflows.engine.calendar.terms import (
    LAST,
    BlackoutPolicy,
    ExpiryType,
    Kind,
    Mark,
    Policy,
    SkipReason,
)
from workflows.engine.calendar.values import Expiry, Ordinal, YearDay
from workflows.engine.calendar.zones import find_zone, resolve_zone

__all__ = [
    "LAST",
    "Blackout",
    "BlackoutPolicy",
    "ChangeEffect",
    "Decision",
    "Differences",
    "Expiry",
    "ExpiryType",
    "Fate",
    "Kind",
    "Mark",
    "Missed",
    "OnChange",
    "Ordinal",
    "Policy",
    "Preview",
    "Schedule",
    "ScheduleError",
    "SkipReason",
    "Skipped",
    "Stretch",
    "Window",
    "YearDay",
    "ZoneChange",
    "change_effects",
    "covering",
    "differences",
    "find_zone",
    "first_due",
    "format_duration",
    "format_time",
    "free_from",
    "from_cron",
    "jittered",
    "missed",
    "next_after",
    "occurrences",
    "parse_duration",
    "plan",
    "preview",
    "resolve_zone",
    "stretches",
    "zone_changes",
]
