"""What an installation needs before its first program starts."""

from __future__ import annotations

import contextlib
import errno
import os
import socket

import django
from django.conf import settings
from django.core.checks import ERROR, run_checks

from campaign.env import env_integer, env_text
from campaign.run.paths import VarPaths, make_private
from campaign.run.postgres import EmbeddedServer
from campaign.run.privileges import is_root
from campaign.run.programs import programs, supervisor_configuration
from campaign.run.secret_files import ensure_secrets, read_secret

#: The account of the database passes through the folder, but cannot list it.
_PASSABLE = 0o711
_NO_ADDRESS = (
    "HOST is {host!r}, which is no address of this machine: set it to 127.0.0.1,"
    " to 0.0.0.0 or to one of its addresses."
)


class StartFault(Exception):
    """The installation cannot start; the message is for the person who starts it."""


def prepare_files(paths: VarPaths) -> None:
    """Check what can be checked without a database, and write every file needed.

    Raises `StartFault`, Django's `ImproperlyConfigured` or `OSError`, each with a
    sentence for the person at the terminal.
    """
    _check_port()
    if is_root():
        paths.root.chmod(_PASSABLE)
    for folder in (paths.log, paths.mail, paths.static, paths.supervisor_socket.parent):
        make_private(folder)
    ensure_secrets(paths)
    paths.supervisor_socket.unlink(missing_ok=True)  # of a start that was killed
    _choose_catcher_port(paths)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
    django.setup()
    _run_checks()
    if settings.DATABASE_IS_EMBEDDED:
        EmbeddedServer.of(paths).prepare()
    listed = programs(
        embedded_database=settings.DATABASE_IS_EMBEDDED,
        mail_catcher=settings.MAIL_CATCHER_ENABLED,
    )
    configuration = paths.run / "supervisor.conf"
    configuration.write_text(supervisor_configuration(paths, listed))


def _check_port() -> None:
    """Raise StartFault when the web server could not have its address."""
    host = env_text("HOST", "127.0.0.1")
    port = env_integer("PORT", 8000, lowest=1, highest=65535)
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise StartFault(_NO_ADDRESS.format(host=host)) from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise StartFault(_NO_ADDRESS.format(host=host)) from error
            raise StartFault(
                f"port {port} on {host} cannot be used ({error.strerror}):"
                " stop the program that holds it, or set PORT to a free one."
            ) from error


def _choose_catcher_port(paths: VarPaths) -> None:
    """Keep the port of the mail catcher from start to start, while it is free."""
    for wanted in (int(read_secret(paths.catcher_port) or "0"), 0):
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe,
        ):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", wanted))
            paths.catcher_port.write_text(f"{probe.getsockname()[1]}\n")
            return


def _run_checks() -> None:
    """Raise StartFault with the first error of Django's and our system checks."""
    for message in run_checks():
        if message.level >= ERROR:
            hint = f" {message.hint}" if message.hint else ""
            raise StartFault(f"{message.msg}{hint} ({message.id})")
