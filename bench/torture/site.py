"""The installation under torture: its processes by role, its second clock."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg

from bench.load import ROOT
from bench.torture.failpoints import CRASH_RATE
from campaign.run.paths import VarPaths
from campaign.run.postgres import EmbeddedServer
from tests.live import LiveStack, live_stack

SETTINGS = "bench.torture.settings"
_STOP_SECONDS = 10.0
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
_VARIABLES = {
    "DJANGO_SETTINGS_MODULE": SETTINGS,
    "CAMPAIGN_SAMPLE_DATA": "0",
    "CAMPAIGN_WORKERS_WORKFLOWS": "4",
    "CAMPAIGN_WORKERS_REALTIME": "2",
    "CAMPAIGN_WORKERS_BULK": "5",
}
_WORDS = {
    "clock": "manage.py clock",
    "web server": "campaign-web",
    "watchdog": "campaign.run.watchdog",
    "mail catcher": "manage.py mailcatcher",
    "database server": "postgres -D",
    "database session": "postgres: campaign campaign",
}


@dataclass
class Site:
    """A running installation and the clock that runs beside its own."""

    stack: LiveStack
    environment: Mapping[str, str]
    _second_clock: subprocess.Popen[bytes] | None = None
    _sessions: list[psycopg.Connection[Any]] = field(default_factory=list)

    @property
    def server(self) -> EmbeddedServer:
        """Return its embedded PostgreSQL."""
        return EmbeddedServer.of(VarPaths(self.stack.var))

    def execute(self, statement: str, *parameters: Any) -> int:
        """Execute one statement in a session of its own; return how many rows."""
        with psycopg.connect(
            self.server.url(), autocommit=True, connect_timeout=5
        ) as session:
            return session.execute(statement.encode(), parameters).rowcount

    def keep_second_clock(self) -> None:
        """Start the second clock, and again whenever it has died."""
        if self._second_clock is not None and self._second_clock.poll() is None:
            return
        with (self.stack.var / "log" / "second-clock.log").open("ab") as log:
            self._second_clock = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "clock"],
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def end_second_clock(self) -> None:
        """Stop the second clock for good."""
        clock = self._second_clock
        if clock is None or clock.poll() is not None:
            return
        clock.terminate()
        try:
            clock.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            clock.kill()
            clock.wait()

    def victims(self) -> dict[str, list[psutil.Process]]:
        """Return the living processes by role."""
        found: dict[str, list[psutil.Process]] = {}
        top = self.stack.process.pid
        lines = {one: _command_line(one) for one in _family(top)}
        clusters = [one for one, line in lines.items() if line.startswith("qcluster ")]
        mains = [one for one in clusters if _parent(one) == top]
        for one, line in lines.items():
            role = next((r for r, words in _WORDS.items() if words in line), "")
            if one in mains:
                role = "main process of a queue"
            elif one in clusters:
                role = _role_in_queue(one, line, {main.pid for main in mains})
            if role:
                found.setdefault(role, []).append(one)
        if self._second_clock is not None and self._second_clock.poll() is None:
            second = psutil.Process(self._second_clock.pid)
            found.setdefault("clock", []).append(second)
        return found


def _role_in_queue(process: psutil.Process, line: str, mains: set[int]) -> str:
    if _parent(process) in mains:
        return "sentinel of a queue"
    words = line.rstrip("\0 ")
    for role in ("pusher", "monitor"):
        if words.endswith(f" {role}"):
            return f"{role} of a queue"
    return "idle worker" if words.endswith(" idle") else "busy worker"


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:
        return 0


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def tortured_site(*, crash_rate: float) -> Iterator[Site]:
    """Start an installation with the workloads and a second clock.

    At each failpoint a clock or worker kills itself with the given probability.
    """
    variables = {**_VARIABLES, CRASH_RATE: str(crash_rate)}
    with live_stack(**variables) as stack:
        environment = {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            **variables,
            "CAMPAIGN_VAR": str(stack.var),
            "PORT": stack.url.rpartition(":")[2],
            "PGAPPNAME": "campaign-second-clock",
        }
        site = Site(stack, environment)
        site.keep_second_clock()
        try:
            yield site
        finally:
            site.end_second_clock()
