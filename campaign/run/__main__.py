"""``python -m campaign.run``: the foreground process of an installation.

This process is the supervisor. A second, short-lived one (`campaign.run.conductor`)
prepares the installation, has the supervisor start the programs, and ends once
everything is ready; so its memory is given back.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.medusa import asyncore_25 as asyncore
from supervisor.options import ServerOptions
from supervisor.supervisord import Supervisor

from campaign.run.conductor import FAILED, PREPARED, conduct
from campaign.run.paths import VarPaths, make_private
from workflows.processes import die_with_parent


class GroupKeepingSupervisor(Supervisor):
    """Ends what is left of a program's process group when its first process ends."""

    def runforever(self) -> None:
        """Watch the programs until told to stop."""
        for kind in (
            events.ProcessStateExitedEvent,
            events.ProcessStateBackoffEvent,
            events.ProcessStateStoppedEvent,
        ):
            events.subscribe(kind, self._end_group)
        super().runforever()

    @staticmethod
    def _end_group(event: Any) -> None:
        """Kill the rest: the group bears the number of its first process."""
        pid = event.process.pid
        if pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)


def main() -> int:
    """Run the installation until Ctrl-C or SIGTERM; return the exit status."""
    _end_with_make()
    os.umask(0o077)
    paths = VarPaths.from_environment()
    try:
        _take_lock(paths)
    except OSError as error:
        sys.stderr.write(f"Cannot start: {error}\n")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    reports = _start_conductor()
    try:
        if os.read(reports, 1) != PREPARED:
            return 1
        _supervise(paths.run / "supervisor.conf")
    except KeyboardInterrupt:
        return 0
    os.set_blocking(reports, False)
    with contextlib.suppress(BlockingIOError):
        return 1 if os.read(reports, 1) == FAILED else 0
    return 0


def _end_with_make() -> None:
    """Stop when a ``make`` that runs us is killed; a shell may go its own way."""
    with contextlib.suppress(OSError):
        if Path(f"/proc/{os.getppid()}/comm").read_text().strip() == "make":
            die_with_parent(signal.SIGTERM)


def _take_lock(paths: VarPaths) -> None:
    """Make sure that no other supervisor works in this folder, for our whole life."""
    make_private(paths.root)
    make_private(paths.run)
    descriptor = os.open(paths.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OSError(
            f"an installation already runs in {paths.root};"
            " stop it, or set CAMPAIGN_VAR to another folder."
        ) from error


def _start_conductor() -> int:
    """Fork the preparing process; return the pipe on which it reports."""
    reports, told = os.pipe()
    parent = os.getpid()
    if os.fork() == 0:
        os.close(reports)
        die_with_parent(signal.SIGTERM)
        os._exit(conduct(parent=parent, told=told))
    os.close(told)
    return reports


def _supervise(configuration: Path) -> None:
    """Be the supervisor until told to stop."""
    sys.argv = ["supervisord"]
    options = ServerOptions()
    options.realize(["-c", str(configuration)], doc=__doc__)
    options.first = True
    options.test = False
    try:
        with contextlib.suppress(asyncore.ExitNow):
            GroupKeepingSupervisor(options).main()
    finally:
        options.close_httpservers()
        options.close_logger()


if __name__ == "__main__":
    sys.exit(main())
