"""Statuses copied from delivery logs to events, beside the best single statement.

``updateEventsStatus`` is paused; its work is called on the same rows that the one
statement then gets, each time after VACUUM.
"""

from __future__ import annotations

import time

from bench.figures import Result, median, plain
from bench.installation import installation
from bench.load import push

_WAIT_SECONDS = 20.0
_SENT = "SELECT count(*) FROM messagecenter_rtevent WHERE status = 2"

_WORK = {
    "sweep": "statuses copied",
    "run": "a whole run, corrections looked for",
}


def measure(*, quick: bool) -> Result:
    """Measure rows per second."""
    result = Result("status_copy")
    count, rounds = (10_000, 1) if quick else (50_000, 3)
    with installation() as running:
        push(running.order(requests=1, connections=1))
        deadline = time.monotonic() + _WAIT_SECONDS
        while running.query(_SENT) != [(1,)]:
            if time.monotonic() > deadline:
                raise AssertionError("the first event was not sent")
            time.sleep(0.2)
        running.command("updateEventsStatus", "pause")
        running.command("rtEventsProcessing", "pause")
        time.sleep(1)
        seconds = running.inside("copy_statuses", count=count, rounds=rounds)
    best = median(seconds["best"])
    beside = f"one statement: {plain(count / best)} rows/s"
    for name, label in _WORK.items():
        took = median(seconds[name])
        result.tell(label, count / took, "rows/s", beside=beside)
        result.at_most(f"{label}: times the statement's", took / best, "×", 2)
    result.raw = {"rows": count, "seconds": seconds}
    return result
