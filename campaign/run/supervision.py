"""Our supervisor: keeps process groups together and starts programs by a fork.

Everything is loaded once, in the supervisor's process, which uses none of it. A
program of ours is then a fork of that process: it starts in no time and shares the
loaded code with all others, which saves some 200 MB and seconds of every start.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from django.core.management import execute_from_command_line
from setproctitle import setproctitle
from supervisor import events
from supervisor.medusa import asyncore_25 as asyncore
from supervisor.options import ServerOptions
from supervisor.supervisord import Supervisor

from campaign.run.paths import BASE_DIR
from workflows.processes import die_with_parent

_MANAGE = str(BASE_DIR / "manage.py")
_HANDLED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGCHLD,
    signal.SIGUSR2,
)


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


class ForkingOptions(ServerOptions):
    """Runs a Python program of ours inside the forked process, without exec.

    ``kept`` are the descriptors that objects of the loaded code own. They stay open
    in the child: were their numbers closed and used anew, then such an object would
    close somebody else's file when it goes.
    """

    def __init__(self, kept: frozenset[int]) -> None:
        super().__init__()
        self._kept = kept

    def close_fd(self, fd: int) -> bool:
        """Close a descriptor unless it is to be kept."""
        return fd in self._kept or bool(super().close_fd(fd))

    def execve(self, filename: str, argv: list[str], env: dict[str, str]) -> None:
        """Become the program; called in the child, after its descriptors are set."""
        if argv[0] != sys.executable or argv[1] not in {_MANAGE, "-m"}:
            super().execve(filename, argv, env)
        for number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
        die_with_parent(signal.SIGTERM)
        os.environ.clear()
        os.environ.update(env)
        _become(argv)


def _become(argv: list[str]) -> NoReturn:
    """Run one Python command line to its end, and end with it."""
    status = 0
    try:
        setproctitle(" ".join(argv))
        if argv[1] == "-m":
            sys.argv = argv[2:]
            import_module(argv[2]).main()
        else:
            sys.argv = argv[1:]
            execute_from_command_line(sys.argv)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except BaseException:  # noqa: BLE001 (the end of this process)
        traceback.print_exc()
        status = 1
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def open_descriptors() -> frozenset[int]:
    """Return the descriptors of this process beyond the standard three."""
    listed = {int(name) for name in os.listdir("/proc/self/fd")}
    return frozenset(fd for fd in listed if fd > 2 and _is_open(fd))


def _is_open(fd: int) -> bool:
    """Tell whether it is still open: the listing itself used one."""
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def supervise(configuration: Path, *, kept: frozenset[int]) -> None:
    """Be the supervisor until told to stop; programs inherit ``kept``."""
    sys.argv = ["supervisord"]
    options = ForkingOptions(kept)
    options.realize(["-c", str(configuration)], doc=__doc__)
    options.first = True
    options.test = False
    gc.collect()
    gc.freeze()
    try:
        with contextlib.suppress(asyncore.ExitNow):
            GroupKeepingSupervisor(options).main()
    finally:
        options.close_httpservers()
        options.close_logger()
