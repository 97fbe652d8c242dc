"""``python -m campaign.run.watchdog``: restart what is alive but does not work.

The supervisor sees a process end. It does not see a queue that stands still because
an idle worker was killed while it held the queue's lock, a frozen database, or a
web server that answers nobody. No Django here: the process stays small.
"""

from __future__ import annotations

import http.client
import logging
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg

from campaign.logs import UtcFormatter
from campaign.run.control import ProgramState, Supervisor, SupervisorUnreachable
from campaign.run.paths import VarPaths
from campaign.run.postgres import EmbeddedServer
from campaign.run.programs import POSTGRES, QUEUES
from workflows.processes import die_with_parent

LATE_SECONDS = 30.0
_ROUND_SECONDS = 5.0
_ANSWER_SECONDS = 3
_FIRST_PAUSE = 60.0
_LONGEST_PAUSE = 900.0
_GOOD_FOR = 1800.0

_log = logging.getLogger("campaign.watchdog")


@dataclass(slots=True)
class _Pause:
    """How long a program is left alone after it was restarted."""

    until: float
    seconds: float


@dataclass(slots=True)
class Watchdog:
    """Looks at every part once in five seconds."""

    supervisor: Supervisor
    database_url: str
    web_url: str
    _pauses: dict[str, _Pause] = field(default_factory=dict)
    _good_at: dict[str, float] = field(default_factory=dict)
    _session: psycopg.Connection[Any] | None = None

    def look(self, now: float) -> list[str]:
        """Restart what needs it; return the names of the programs restarted.

        ``now`` is an instant of the monotonic clock.
        """
        programs = {program.name: program for program in self.supervisor.programs()}
        restarted = [
            name
            for name, reason in self._faults(programs, now)
            if self._restart(programs[name], reason, now)
        ]
        for program in programs.values():
            if program.state == "FATAL":
                self._start_again(program, now)
        return restarted

    def _faults(
        self, programs: dict[str, ProgramState], now: float
    ) -> Iterator[tuple[str, str]]:
        """Yield every program that is up yet does not work, with the reason."""
        beats = self._heartbeats()
        if POSTGRES in programs and self._is_late(POSTGRES, beats is not None, now):
            yield POSTGRES, "does not answer"
        if self._is_late("web", self._web_answers(), now):
            yield "web", "does not answer"
        if beats is None:
            return
        clock = beats.get(("clock", ""))
        if clock and clock[0] > LATE_SECONDS:
            yield "clock", f"gave no sign of life for {clock[0]:.0f} s"
        for queue in QUEUES:
            program = programs.get(f"cluster-{queue}")
            beat = beats.get(("queue", queue))
            if program and beat and self._stands_still(program, *beat):
                yield program.name, f"has not run its canary for {beat[0]:.0f} s"

    def _stands_still(
        self, program: ProgramState, age: float, sent_age: float | None
    ) -> bool:
        """Tell whether a queue gets canaries, runs none and has an idle worker.

        When all workers are busy the canary waits its turn, and nothing is wrong.
        """
        is_sent = sent_age is not None and sent_age < LATE_SECONDS
        return age > LATE_SECONDS and is_sent and _has_idle_worker(program.pid)

    def _heartbeats(self) -> dict[tuple[str, str], tuple[float, float | None]] | None:
        """Return the age of each sign of life and of the last canary sent.

        None when the database does not answer. The youngest clock has no name.
        """
        try:
            if self._session is None:
                self._session = psycopg.connect(
                    self.database_url,
                    autocommit=True,
                    connect_timeout=_ANSWER_SECONDS,
                    options=f"-c statement_timeout={_ANSWER_SECONDS}s",
                    tcp_user_timeout=_ANSWER_SECONDS * 1000,
                )
            rows = self._session.execute(
                "SELECT kind, name, EXTRACT(EPOCH FROM now() - at)::float,"
                " EXTRACT(EPOCH FROM now() - sent_at)::float FROM workflows_heartbeat"
                " ORDER BY at"
            ).fetchall()
        except psycopg.errors.UndefinedTable:
            return {}
        except psycopg.Error as error:
            _log.warning("database: %s", " ".join(str(error).split()))
            if self._session is not None:
                self._session.close()
            self._session = None
            return None
        return {
            (kind, "" if kind == "clock" else name): (age, sent_age)
            for kind, name, age, sent_age in rows
        }

    def _web_answers(self) -> bool:
        try:
            with urllib.request.urlopen(  # noqa: S310 (our own address)
                f"{self.web_url}/healthz", timeout=_ANSWER_SECONDS
            ):
                return True
        except urllib.error.HTTPError:
            return True
        except (OSError, http.client.HTTPException):
            return False

    def _is_late(self, name: str, is_good: bool, now: float) -> bool:
        """Tell whether a part has been bad for too long."""
        if is_good or name not in self._good_at:
            self._good_at[name] = now
        return now - self._good_at[name] > LATE_SECONDS

    def _restart(self, program: ProgramState, reason: str, now: float) -> bool:
        """Kill a program unless it is young or was restarted a short time ago."""
        if program.state != "RUNNING" or program.up_seconds < LATE_SECONDS:
            return False
        if not self._may_touch(program.name, now):
            return False
        _log.error("%s %s: restarting it", program.name, reason)
        # A frozen process takes no other signal than this one.
        self.supervisor.kill(program.full_name)
        self._good_at.pop(program.name, None)
        return True

    def _start_again(self, program: ProgramState, now: float) -> None:
        """Start a program that the supervisor has given up."""
        if self._may_touch(program.name, now):
            _log.error("%s was given up: starting it again", program.name)
            self.supervisor.start(program.full_name)

    def _may_touch(self, name: str, now: float) -> bool:
        """Tell whether the pause after the last restart is over; begin a new one.

        Pauses double from one minute to fifteen, and begin anew after a good time.
        """
        last = self._pauses.get(name)
        if last and now < last.until:
            return False
        again = last is not None and now < last.until + _GOOD_FOR
        seconds = min(last.seconds * 2, _LONGEST_PAUSE) if again and last else None
        pause = seconds or _FIRST_PAUSE
        self._pauses[name] = _Pause(now + pause, pause)
        return True


def _has_idle_worker(pid: int) -> bool:
    """Tell from the titles that workers give themselves whether one has no task."""
    try:
        family = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return False
    for process in family:
        try:
            title = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if title.startswith("qcluster ") and title.rstrip("\0 ").endswith(" idle"):
            return True
    return False


def main() -> None:
    """Watch until told to stop."""
    die_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    handler = logging.StreamHandler()
    handler.setFormatter(UtcFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    paths = VarPaths.from_environment()
    foreign = os.environ.get("DATABASE_URL", "").strip()
    watchdog = Watchdog(
        supervisor=Supervisor(paths.supervisor_socket),
        database_url=foreign or EmbeddedServer.of(paths).url(),
        web_url=_web_url(),
    )
    while True:
        time.sleep(_ROUND_SECONDS)
        try:
            watchdog.look(time.monotonic())
        except (SupervisorUnreachable, RuntimeError) as error:
            _log.warning("%s", error)


def _web_url() -> str:
    """Return where the web server of this host answers."""
    host = os.environ.get("HOST", "").strip() or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{bracketed}:{os.environ.get('PORT', '').strip() or '8000'}"


if __name__ == "__main__":
    main()
