"""Words and limits of schedules, shared by every module of the calendar."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final, Literal

NamedFault = tuple[str, str]
"""A field and what is wrong with it."""
Last = Literal["last"]
LAST: Final[Last] = "last"

DAY_SECONDS: Final = 86_400
ANCHOR_DAY: Final = date(1970, 1, 1)
"""Every N days, weeks or months is counted from here when there is no start date."""
LAST_DAY: Final = date(2999, 12, 31)
"""No firing is planned after this day; it bounds every search."""

MAX_TIMES: Final = 96
MAX_INTERVAL: Final = 999
MAX_EVERY_SECONDS: Final = 366 * DAY_SECONDS
MAX_LATENESS_SECONDS: Final = 366 * DAY_SECONDS
MAX_JITTER_SECONDS: Final = 300
MAX_ITERATIONS: Final = 1_000_000_000
MAX_BLACKOUTS: Final = 50
MAX_BLACKOUT_NAME: Final = 80


class Kind(StrEnum):
    """Frequency kinds of a schedule (*Source:* scheduler.md)."""

    ONCE = "once"
    SEVERAL_TIMES_A_DAY = "several_times_a_day"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


class Policy(StrEnum):
    """What to do with planned instants that passed unfired (our choice)."""

    FIRE_ONCE = "fire_once"
    SKIP = "skip"
    FIRE_ALL = "fire_all"


class BlackoutPolicy(StrEnum):
    """What to do with an instant planned inside a blackout window (our choice)."""

    SKIP = "skip"
    DEFER = "defer"
    """Fire once when the window ends."""


class ExpiryType(StrEnum):
    """How a schedule ends."""

    NEVER = "never"
    COUNT = "count"
    DATE = "date"


class SkipReason(StrEnum):
    """Why a planned instant has no firing of its own."""

    COVERED = "covered"
    """One late firing stands for this instant too."""
    MISFIRE = "misfire"
    """The policy says that missed instants are not made up for."""
    TOO_LATE = "too_late"
    """Later than the schedule's maximum lateness."""
    OVER_LIMIT = "over_limit"
    """More missed instants than are fired one by one."""
    BLACKOUT = "blackout"
    """Planned inside a blackout window that skips."""


class Mark(StrEnum):
    """What is special about an instant of a preview."""

    NONE = ""
    MOVED = "moved"
    """The local time does not exist that day; fires right after the gap."""
    REPEATED = "repeated"
    """The local time exists twice that day; fires on the first one only."""
    EXPIRED = "expired"
    """Beyond the end of the schedule: shown, never fired."""
