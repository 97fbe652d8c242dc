"""The programs of one installation, written down for the supervisor."""

from __future__ import annotations

import configparser
import io
import shlex
import sys
from dataclasses import dataclass

from campaign.run.paths import BASE_DIR, VarPaths

#: The group that starts after, and stops before, the database.
GROUP = "campaign"
POSTGRES = "postgres"
QUEUES = ("workflows", "realtime", "bulk")
_LOG_BYTES = "10MB"
_LOG_FILES = "5"


@dataclass(frozen=True, slots=True)
class Program:
    """One supervised process and how it is stopped."""

    name: str
    arguments: tuple[str, ...]
    stop_signal: str = "TERM"
    stop_seconds: int = 7
    autostart: bool = False
    priority: int = 100

    @property
    def command(self) -> str:
        """Return the command line, quoted for the supervisor."""
        line = shlex.join((sys.executable, *self.arguments))
        return line.replace("%", "%%")


def manage(name: str, *arguments: str) -> Program:
    """Return the program that runs one of our administration commands."""
    return Program(
        name="-".join((name, *arguments)),
        arguments=(str(BASE_DIR / "manage.py"), name, *arguments),
    )


def programs(*, embedded_database: bool, mail_catcher: bool) -> list[Program]:
    """Return every program of an installation, the database first."""
    listed = [
        Program("web", ("-m", "campaign.run.web")),
        manage("clock"),
        *(manage("cluster", queue) for queue in QUEUES),
        Program("watchdog", ("-m", "campaign.run.watchdog")),
    ]
    if mail_catcher:
        listed.append(manage("mailcatcher"))
    if embedded_database:
        database = Program(
            POSTGRES,
            ("-m", "campaign.run.postgres"),
            stop_signal="INT",
            stop_seconds=30,
            autostart=True,
            priority=1,
        )
        listed.insert(0, database)
    return listed


def supervisor_configuration(paths: VarPaths, listed: list[Program]) -> str:
    """Return the content of the supervisor's configuration file."""
    parser = configparser.RawConfigParser()
    parser.read_dict(
        {
            "unix_http_server": {
                "file": _text(paths.supervisor_socket),
                "chmod": "0600",
            },
            "rpcinterface:supervisor": {
                "supervisor.rpcinterface_factory": (
                    "supervisor.rpcinterface:make_main_rpcinterface"
                )
            },
            "supervisord": {
                "directory": _text(BASE_DIR),
                "identifier": "campaign",
                "logfile": _text(paths.log / "supervisor.log"),
                "logfile_backups": _LOG_FILES,
                "logfile_maxbytes": _LOG_BYTES,
                "nocleanup": "true",
                "nodaemon": "true",
                "pidfile": _text(paths.run / "supervisor.pid"),
                "silent": "true",
                "umask": "077",
            },
            **{f"program:{one.name}": _section(paths, one) for one in listed},
            f"group:{GROUP}": {
                "programs": ",".join(x.name for x in listed if x.name != POSTGRES),
                "priority": "900",
            },
        }
    )
    buffer = io.StringIO()
    parser.write(buffer)
    return buffer.getvalue()


def _section(paths: VarPaths, program: Program) -> dict[str, str]:
    """Return the options of one program.

    A program that dies is started again at once, then with growing pauses.
    """
    return {
        "command": program.command,
        "environment": f'PGAPPNAME="campaign-{program.name}"',
        "autostart": str(program.autostart).lower(),
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "6",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        "killasgroup": "true",
        "priority": str(program.priority),
        "redirect_stderr": "true",
        "stdout_logfile": _text(paths.log / f"{program.name}.log"),
        "stdout_logfile_backups": _LOG_FILES,
        "stdout_logfile_maxbytes": _LOG_BYTES,
    }


def _text(path: object) -> str:
    """Return a path as the supervisor's configuration wants it written."""
    return str(path).replace("%", "%%")
