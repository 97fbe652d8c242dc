"""Housekeeping at the pace of the torture.

A real installation loses a process once in months; here one dies every two seconds.
What finds and heals that is therefore asked for three times as often. Nothing else
differs from the product.
"""

from __future__ import annotations

from campaign.run import watchdog
from workflows import conf
from workflows.engine import clock

FACTOR = 3


def accelerate() -> None:
    """Shorten the periods of the engine's and the watchdog's housekeeping."""
    conf.CANARY_SECONDS = round(conf.CANARY_SECONDS / FACTOR)
    conf.RESCUE_SECONDS = round(conf.RESCUE_SECONDS / FACTOR)
    conf.UNCLAIMED_SECONDS = round(conf.UNCLAIMED_SECONDS / FACTOR)
    conf.SILENCE_SECONDS = round(conf.SILENCE_SECONDS / FACTOR)
    clock.HOUSEKEEPING_SECONDS /= FACTOR
    watchdog.LATE_SECONDS /= FACTOR
    watchdog._ROUND_SECONDS /= FACTOR
    watchdog._FIRST_PAUSE = watchdog._LONGEST_PAUSE = watchdog.LATE_SECONDS
