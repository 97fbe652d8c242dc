"""What is done to the installation: kills, restarts, doubled messages."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial

import psutil
import psycopg

from bench.torture.site import Site

KILLS, DATABASE, MESSAGES = "kills", "database", "messages"
GROUPS = (KILLS, DATABASE, MESSAGES)
_GAP_SECONDS = 1.5
_LONGEST_GAP_SECONDS = 5.0
# Nothing has to recover when nobody dies: then deeds follow each other faster.
_HURRY = 8
_MESSAGES = 5
_TRIES = 20
#: Weight of each kill by role; a session's kill makes PostgreSQL recover.
_KILLS = {
    "busy worker": 20,
    "idle worker": 4,
    "main process of a queue": 5,
    "sentinel of a queue": 5,
    "pusher of a queue": 4,
    "monitor of a queue": 4,
    "clock": 12,
    "web server": 2,
    "watchdog": 2,
    "mail catcher": 1,
    "database session": 1,
}
_SHUTDOWNS = {
    "database stopped in the fast way": signal.SIGINT,
    "database stopped at once": signal.SIGQUIT,
    "database killed": signal.SIGKILL,
}
_DUPLICATE = (
    "WITH copied AS (INSERT INTO django_q_ormq (key, payload, lock)"
    " SELECT key, payload, now() FROM django_q_ormq ORDER BY random() LIMIT %s"
    " RETURNING key) SELECT pg_notify('campaign_queue_' || key, '') FROM copied"
)
_REDELIVER = (
    "WITH again AS (UPDATE django_q_ormq SET lock = now() WHERE id IN"
    " (SELECT id FROM django_q_ormq WHERE lock > now() ORDER BY random() LIMIT %s)"
    " RETURNING key) SELECT pg_notify('campaign_queue_' || key, '') FROM again"
)
_TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity"
    " WHERE application_name LIKE 'campaign-%%' AND pid <> pg_backend_pid()"
    " ORDER BY random() LIMIT 1) chosen WHERE %s > 0"
)


_CHANGES = (
    ("session ended", KILLS, _TERMINATE),
    ("message doubled", MESSAGES, _DUPLICATE),
    ("message delivered again", MESSAGES, _REDELIVER),
)


@dataclass(frozen=True, slots=True)
class Deed:
    """One evil deed; ``work`` returns how much of it was done."""

    name: str
    group: str
    weight: int
    work: Callable[[], int]


@dataclass
class Chaos:
    """Does something evil every now and then; counts what it did."""

    site: Site
    dice: random.Random
    groups: Collection[str] = GROUPS
    done: Counter[str] = field(default_factory=Counter)

    def rage(self, seconds: float) -> None:
        """Go on for so long; a database that is a victim is stopped at least twice."""
        deeds = [deed for deed in self._deeds() if deed.group in self.groups]
        weights = [deed.weight for deed in deeds]
        shutdowns = [deed for deed in deeds if deed.group == DATABASE]
        gap = _GAP_SECONDS if shutdowns else _GAP_SECONDS / _HURRY
        began = time.monotonic()
        forced = [began + seconds * share for share in (0.6, 0.25)] if shutdowns else []
        while (now := time.monotonic()) < began + seconds:
            if forced and now > forced[-1]:
                forced.pop()
                self._do(self.dice.choice(shutdowns))
            else:
                self._do(self.dice.choices(deeds, weights)[0])
            self.site.keep_second_clock()
            time.sleep(min(self.dice.expovariate(1 / gap), _LONGEST_GAP_SECONDS))

    def _deeds(self) -> Iterator[Deed]:
        for role, weight in _KILLS.items():
            work = partial(self._signal, role, signal.SIGKILL)
            yield Deed(f"{role} killed", KILLS, weight, work)
        for name, number in _SHUTDOWNS.items():
            work = partial(self._signal, "database server", number)
            yield Deed(name, DATABASE, 1, work)
        for name, group, statement in _CHANGES:
            yield Deed(name, group, 9, partial(self._change, statement))

    def _do(self, deed: Deed) -> None:
        try:
            count = deed.work()
        except psycopg.Error:
            return  # the database is away already
        self.done[deed.name] += count
        if count:
            sys.stderr.write(f"torture: {deed.name}\n")

    def _signal(self, role: str, number: signal.Signals) -> int:
        candidates = self.site.victims().get(role, [])
        if not candidates:
            return 0
        try:
            self.dice.choice(candidates).send_signal(number)
        except psutil.NoSuchProcess:
            return 0
        return 1

    def _change(self, statement: str) -> int:
        """Change what the database holds, as soon as it holds something."""
        for _ in range(_TRIES):
            count = self.site.execute(statement, _MESSAGES)
            if count:
                return count
            time.sleep(0.05)
        return 0
