"""``python -m campaign.run``: the foreground process of an installation.

This process is the supervisor. A second, short-lived one (`campaign.run.conductor`)
brings the database up to date, has the supervisor start the programs, and ends once
everything is ready.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
from pathlib import Path

from setproctitle import getproctitle

from campaign.run.conductor import FAILED, conduct, explain
from campaign.run.paths import VarPaths, make_private
from campaign.run.prepare import prepare_files
from workflows.processes import die_with_parent


def main() -> int:
    """Run the installation until Ctrl-C or SIGTERM; return the exit status."""
    _end_with_make()
    getproctitle()  # finds the room for titles, while the environment is untouched
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    paths = VarPaths.from_environment()
    try:
        lock = _take_lock(paths)
        prepare_files(paths)
        # Loads everything, so it comes after the settings were found sound.
        from campaign.run import assets, preload, supervision  # noqa: PLC0415

        assets.refresh_assets()
        preload.load_everything()
    except KeyboardInterrupt:
        return 0
    except Exception as fault:  # noqa: BLE001 (told to the person, then the end)
        explain(fault)
        return 1
    kept = supervision.open_descriptors() - {lock}
    reports = _start_conductor(paths)
    supervision.supervise(paths.run / "supervisor.conf", kept=kept)
    with contextlib.suppress(BlockingIOError):
        return 1 if os.read(reports, 1) == FAILED else 0
    return 0


def _end_with_make() -> None:
    """Stop when a ``make`` that runs us is killed; a shell may go its own way."""
    with contextlib.suppress(OSError):
        if Path(f"/proc/{os.getppid()}/comm").read_text().strip() == "make":
            die_with_parent(signal.SIGTERM)


def _take_lock(paths: VarPaths) -> int:
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
    return descriptor


def _start_conductor(paths: VarPaths) -> int:
    """Fork the conducting process; return the pipe on which it reports."""
    reports, told = os.pipe()
    parent = os.getpid()
    if os.fork() == 0:
        os.close(reports)
        die_with_parent(signal.SIGTERM)
        os._exit(conduct(paths, parent=parent, told=told))
    os.close(told)
    os.set_blocking(reports, False)
    return reports


if __name__ == "__main__":
    sys.exit(main())
