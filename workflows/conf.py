"""What the engine takes from its surroundings: limits, and periodic duties.

Applications fill in what is theirs; the engine never imports them.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

# A run hands over after this long, so that a worker serves others too.
BUDGET_SECONDS = 20.0
CLOCK_BEAT_SECONDS = 5
CANARY_SECONDS = 10
RESCUE_SECONDS = 15
# A clock or a queue silent for longer is reported as down.
SILENCE_SECONDS = 30
# A queued task that no worker took for this long is announced again.
UNCLAIMED_SECONDS = 30
MAX_ATTEMPTS = 5
JOURNAL_LINES_PER_RUN = 1_000
LATE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Periodic:
    """A duty that the clock orders now and then, executed by a worker."""

    name: str
    function: str
    every_seconds: int
    queue: str


_periodic: dict[str, Periodic] = {}


def register_periodic(
    name: str, function: str, every_seconds: int, *, queue: str = "workflows"
) -> None:
    """Have the clock order ``function`` (a dotted path) every so many seconds."""
    _periodic[name] = Periodic(name, function, every_seconds, queue)


def periodic() -> tuple[Periodic, ...]:
    """Return the registered duties."""
    return tuple(_periodic.values())


def server_zone() -> str:
    """Return the name of the server's time zone."""
    return settings.TIME_ZONE
