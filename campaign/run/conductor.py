"""Conduct the start: bring the database up to date, have all started, await that.

Runs in a process of its own, see `campaign.run.__main__`. Whatever prevents the
start is told in one sentence and ends it.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from campaign.run.control import Supervisor, SupervisorUnreachable
from campaign.run.paths import VarPaths
from campaign.run.postgres import EmbeddedDatabaseError
from campaign.run.prepare import StartFault
from campaign.run.programs import GROUP, POSTGRES
from workflows.exceptions import AppError

FAILED = b"F"
_SUPERVISOR_SECONDS = 20.0
_READY_SECONDS = 120.0
_FAULTS = (
    StartFault,
    ImproperlyConfigured,
    EmbeddedDatabaseError,
    AppError,
    OSError,
)


def conduct(paths: VarPaths, *, parent: int, told: int) -> int:
    """Bring the installation to life; return the exit status of this process.

    When that fails, ``told`` is the pipe on which the supervisor's process learns
    it, and ``parent`` is asked to stop everything.
    """
    for number in (signal.SIGTERM, signal.SIGINT):  # a wanted stop needs no words
        signal.signal(number, lambda *_: os._exit(0))
    supervisor = Supervisor(paths.supervisor_socket)
    try:
        _start(paths, supervisor)
    except Exception as fault:  # noqa: BLE001 (told to the person, then the end)
        if _is_stopping(supervisor):
            return 0
        explain(fault)
        os.write(told, FAILED)
        os.kill(parent, signal.SIGTERM)
        return 1
    return 0


def explain(fault: Exception) -> None:
    """Write to the terminal why there is no start."""
    if isinstance(fault, _FAULTS):
        sys.stderr.write(f"Cannot start: {' '.join(str(fault).split())}\n")
    else:
        traceback.print_exception(fault)
    sys.stderr.flush()


def _is_stopping(supervisor: Supervisor) -> bool:
    """Tell whether somebody stops the installation, which explains every fault."""
    try:
        return supervisor.state() != "RUNNING"
    except SupervisorUnreachable:
        return os.getppid() == 1


def _start(paths: VarPaths, supervisor: Supervisor) -> None:
    """Bring the database up to date and everything to life."""
    _await_supervisor(supervisor)
    # Needs Django's models, which are loaded by the time this runs.
    from campaign.run import database  # noqa: PLC0415

    database.await_database(
        lambda: next((x for x in supervisor.programs() if x.name == POSTGRES), None),
        paths.log / f"{POSTGRES}.log",
    )
    password = database.bring_up_to_date()
    supervisor.start_group(GROUP)
    url = _await_readiness(paths, supervisor)
    if password:
        sys.stdout.write(
            f"Operator admin has the password {password}"
            " (shown this once; change it after signing in)\n"
        )
    sys.stdout.write(f"Ready: {url}/\n")
    sys.stdout.flush()


def _await_supervisor(supervisor: Supervisor) -> None:
    deadline = time.monotonic() + _SUPERVISOR_SECONDS
    while True:
        try:
            supervisor.state()
        except SupervisorUnreachable as error:
            if time.monotonic() > deadline:
                raise StartFault(
                    f"the supervisor does not answer ({error})."
                ) from error
            time.sleep(0.05)
        else:
            return


def _await_readiness(paths: VarPaths, supervisor: Supervisor) -> str:
    """Wait until every component is up; return the address of the console."""
    from django.conf import settings  # noqa: PLC0415 (loaded by now)

    deadline = time.monotonic() + _READY_SECONDS
    missing = "web"
    while time.monotonic() < deadline:
        answer = _readiness(f"{settings.LOCAL_URL}/readyz")
        if answer.get("status") == "ready":
            return str(settings.LOCAL_URL)
        components: dict[str, Any] = answer.get("components", {})
        missing = (
            ", ".join(x for x, y in components.items() if y.get("status") != "up")
            or missing
        )
        _check_programs(paths, supervisor)
        time.sleep(0.1)
    raise StartFault(
        f"{missing} did not come up within {_READY_SECONDS:.0f} seconds;"
        f" the files in {paths.log} tell more."
    )


def _check_programs(paths: VarPaths, supervisor: Supervisor) -> None:
    """Give up at once when the supervisor has given up on a program."""
    for program in supervisor.programs():
        if program.state == "FATAL":
            raise StartFault(
                f"{program.name} ends as soon as it is started;"
                f" {_last_line(paths.log / f'{program.name}.log')}"
            )


def _last_line(log: Path) -> str:
    """Return where to read on, with the last line of the log."""
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"{log} ends with: {last}" if last else f"{log} is empty."


def _readiness(url: str) -> dict[str, Any]:
    """Return what /readyz answers, whatever its status; nothing while it is dead."""
    try:
        with urllib.request.urlopen(url, timeout=3) as response:  # noqa: S310 (ours)
            return dict(json.load(response))
    except urllib.error.HTTPError as error:
        try:
            return dict(json.load(error))
        except ValueError:
            return {}
    except (OSError, ValueError, http.client.HTTPException):
        return {}
