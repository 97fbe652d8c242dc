"""A thousand runs a minute of a workflow with three activities, held for a while.

34 workflows *scheduler → script → script → script* are due every two seconds, half
of them in the odd ones: 1,020 runs and 3,060 handler calls a minute. Each handler
asks the database for one row. Beside it, the same handler as plain tasks of django-q2
in the same installation: no run, no journal, no history, and no schedule.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.figures import Result, Spread, plain
from bench.installation import SETTINGS, Installation, installation
from bench.processes import processor_seconds
from bench.statements import Logged, logged

_PER_MINUTE = 1_000
_ACTIVITIES = 3
_PERIOD = 2
_WORKFLOWS = 34
_WARM_SECONDS = 6.0
_DRAIN_SECONDS = 60.0
_PREFIX = "benchRate"
_MINE = (
    " FROM workflows_run r JOIN workflows_workflow w ON w.id = r.workflow_id"
    f" WHERE starts_with(w.internal_name, '{_PREFIX}')"
)
_FINISHED = (
    "SELECT extract(epoch FROM r.started_at - r.scheduled_for)::float8 * 1000,"  # noqa: S608
    " extract(epoch FROM r.ended_at - r.scheduled_for)::float8 * 1000"
    + _MINE
    + " AND r.status = 'finished' AND r.ended_at > %s AND r.ended_at <= %s"
)
_OTHERWISE = (
    "SELECT count(*)"
    + _MINE
    + " AND r.status NOT IN ('finished', 'queued', 'running') AND r.created_at > %s"
)
_OPEN = "SELECT count(*)" + _MINE + " AND r.ended_at IS NULL"
_TRANSACTIONS = (
    "SELECT clock_timestamp(), xact_commit FROM pg_stat_database"
    " WHERE datname = current_database()"
)


@dataclass(frozen=True, slots=True)
class _Window:
    """What happened between two instants."""

    seconds: float
    starts: list[float]
    ends: list[float]
    otherwise: int
    open_at_end: int
    commits: int
    processor: dict[str, float]

    @property
    def per_minute(self) -> float:
        return len(self.ends) / self.seconds * 60


def measure(*, quick: bool) -> Result:
    """Measure runs finished per minute, how late they start, and what waits."""
    result = Result("rate")
    seconds = 20.0 if quick else 60.0
    with installation(**{SETTINGS: "bench.sample.settings"}) as running:
        calls = _PER_MINUTE // (3 if quick else 1) * _ACTIVITIES
        peer = running.inside("queue_calls", count=calls)
        running.inside(
            "start_periodic", prefix=_PREFIX, count=_WORKFLOWS, period=_PERIOD
        )
        time.sleep(_WARM_SECONDS)
        window = _watch(running, seconds)
        with logged(running) as statements:
            profiled = _watch(running, seconds / 4)
        running.inside("stop_workflows", prefix=_PREFIX)
    planned = _WORKFLOWS / _PERIOD * 60
    beside = f"plain django-q2 tasks: {plain(peer / _ACTIVITIES * 60)} × 3 calls/min"
    result.at_least(
        f"runs finished, {plain(planned)}/min planned",
        window.per_minute,
        "/min",
        _PER_MINUTE,
        beside=beside,
    )
    starts, ends = Spread.of(window.starts), Spread.of(window.ends)
    result.tell("planned instant → first activity, p50", starts.p50, "ms")
    result.at_most("planned instant → first activity, p95", starts.p95, "ms", 250)
    result.tell("planned instant → first activity, max", starts.most, "ms")
    result.tell("planned instant → end of the run, p95", ends.p95, "ms")
    result.tell("runs open at the end", window.open_at_end, "")
    result.at_most("runs skipped or failed", window.otherwise, "", 1)
    runs = len(window.ends)
    result.tell("transactions per run", window.commits / runs, "")
    busy = sum(window.processor.values())
    result.tell("processor per run", busy / runs * 1000, "ms")
    result.tell("statements per run", statements.count / len(profiled.ends), "")
    result.raw = {
        "start_ms": window.starts,
        "end_ms": window.ends,
        "processor_s": window.processor,
        "django_q2_calls_per_second": peer,
        "statements": _per_run(statements, len(profiled.ends)),
    }
    return result


def _watch(running: Installation, seconds: float) -> _Window:
    """Let it run and read what came of it."""
    [(since, commits)] = running.query(_TRANSACTIONS)
    used = processor_seconds(running)
    started = time.monotonic()
    time.sleep(seconds)
    later = processor_seconds(running)
    [(until, commits_later)] = running.query(_TRANSACTIONS)
    elapsed = time.monotonic() - started
    [(open_runs,)] = running.query(_OPEN)
    found = running.query(_FINISHED, since, until)
    if not found:
        raise AssertionError("no run was finished")
    [(otherwise,)] = running.query(_OTHERWISE, since)
    return _Window(
        elapsed,
        [float(start) for start, _end in found],
        [float(end) for _start, end in found],
        otherwise,
        open_runs,
        commits_later - commits,
        {name: later[name] - used.get(name, 0.0) for name in later},
    )


def _per_run(found: Logged, runs: int) -> list[dict[str, object]]:
    """Return each kind of statement with how often and how long in one run."""
    return [
        {
            "per_run": round(one.count / runs, 2),
            "ms_per_run": round(one.milliseconds / runs, 3),
            "text": one.text,
        }
        for one in found.statements
    ]
