"""One session of torture, from the first start to the verdict."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from django.db import connection

from bench.torture import effects, failpoints, orders, verify
from bench.torture.chaos import MESSAGES, Chaos
from bench.torture.site import Site
from bench.torture.verdict import Check
from bench.torture.verify import rows

_DEADLOCK = "ERROR:  deadlock detected"
_READY_SECONDS = 90.0
_ROUSE_SECONDS = 60.0
_QUIET_SECONDS = 3.0
_STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was promised, what was done, what happened."""

    checks: list[Check]
    deeds: dict[str, int]
    facts: dict[str, str]

    @property
    def is_sound(self) -> bool:
        """Return whether every promise was kept."""
        return not any(check.violations for check in self.checks)


def torture(
    site: Site, *, seconds: float, seed: int, groups: Collection[str]
) -> Outcome:
    """Torture the installation for so long, by deeds of ``groups``, and judge it.

    Django must be set up for the database of the installation.
    """
    effects.prepare()
    chaos = Chaos(site, random.Random(seed), groups)
    operators = orders.Operators(random.Random(seed + 1))
    orders.start_all(operators)
    connection.close()
    operators.begin()
    try:
        chaos.rage(seconds)
    finally:
        operators.end()
        failpoints.truce_file(site.stack.var).touch()
    site.keep_second_clock()
    began = time.monotonic()
    _say("the torture is over, everything comes to its end")
    if not _wait(site.stack.is_ready, _READY_SECONDS):
        raise AssertionError("the installation does not get ready any more")
    connection.close()
    _wait(lambda: orders.rouse_all(operators) == 0, _ROUSE_SECONDS)
    time.sleep(_QUIET_SECONDS)
    busy = orders.stop_all(operators, seconds=_STOP_SECONDS)
    checks = verify.verify(
        returned_at=operators.returned_at, signals=operators.signals, busy=busy
    )
    checks.append(verify.check_orders(operators.done.total(), operators.faults))
    if set(groups) == {MESSAGES}:
        checks.append(verify.check_tasks())
    rest = time.monotonic() - began
    crashes = _crashes(site)
    deeds = {**chaos.done, "process killed itself amid a step": crashes.total()}
    deeds |= {f"order: {name}": count for name, count in operators.done.items()}
    return Outcome(checks, deeds, _facts(site, crashes, rest))


def _say(text: str) -> None:
    sys.stderr.write(f"torture: {text}\n")


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for the condition; return whether it came true."""
    deadline = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return holds


def _crashes(site: Site) -> Counter[str]:
    file = failpoints.crashes_file(site.stack.var)
    return Counter(file.read_text().splitlines() if file.exists() else [])


def _deadlocks(site: Site) -> int:
    log = site.stack.var / "log" / "postgres.log"
    return log.read_text(errors="replace").count(_DEADLOCK)


def _facts(site: Site, crashes: Counter[str], rest: float) -> dict[str, str]:
    """Return what shows that the checks had something to look at."""
    facts = {
        f"runs {status}": f"{count:,}"
        for status, count in rows(
            "SELECT status, sum(repeats) FROM workflows_run r"
            " JOIN workflows_workflow w ON w.id = r.workflow_id"
            " WHERE starts_with(w.internal_name, 'torture') GROUP BY 1 ORDER BY 2 DESC"
        )
    }
    facts |= {
        f"planned instants {outcome.replace('_', ' ')}": f"{count:,}"
        for outcome, count in rows(
            "SELECT outcome, sum(count) FROM workflows_occurrence o"
            " JOIN workflows_workflow w ON w.id = o.workflow_id"
            " WHERE starts_with(w.internal_name, 'torture') GROUP BY 1 ORDER BY 2 DESC"
        )
    }
    facts["handlers begun"] = _count("SELECT count(*) FROM torture.attempt")
    facts["handlers begun again after a crash"] = _count(
        "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM"
        " torture.attempt GROUP BY task_id, step) each"
    )
    facts["at-most-once tasks failed because their worker was lost"] = _count(
        "SELECT count(*) FROM workflows_task WHERE status = 'failed'"
        " AND error LIKE '%was lost%'"
    )
    facts["tasks of dead workers taken over"] = _count(
        "SELECT count(*) FROM workflows_journalentry"
        " WHERE message LIKE 'The worker%was lost%'"
    )
    facts["late results refused"] = _count(
        "SELECT count(*) FROM workflows_journalentry"
        " WHERE message LIKE 'A late result%'"
    )
    facts["deadlocks that the database broke"] = f"{_deadlocks(site):,}"
    facts["seconds from the last kill to rest and verdict"] = f"{rest:.0f}"
    return facts | {
        f"killed itself when {point}": f"{count:,}"
        for point, count in _by_order(crashes)
    }


def _count(statement: str) -> str:
    ((count,),) = rows(statement)
    return f"{count:,}"


def _by_order(crashes: Counter[str]) -> Iterable[tuple[str, int]]:
    return ((point, crashes[point]) for point in failpoints.POINTS if crashes[point])
