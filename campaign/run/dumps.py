"""Write the database to one file, and bring it back."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from campaign.run.database import server_version
from campaign.run.paths import VarPaths
from campaign.run.postgres import (
    VERSION,
    EmbeddedDatabaseError,
    EmbeddedServer,
    binaries,
)

_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
#: A backup of ours holds this table, whatever its version.
_OUR_TABLE = "workflows_workflow"
_EMPTY_SCHEMA = "DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n"


class DumpFault(RuntimeError):
    """The backup or the restore is not possible; the message says why."""


def backup(file: Path) -> int:
    """Write a consistent copy of the database to a new file; return its size.

    Needs no pause: it reads one snapshot. The file is whole or not there.
    """
    if file.exists():
        raise DumpFault(f"{file} exists: name another file or remove it.")
    scratch = file.with_name(file.name + ".part")
    with _running_database():
        command = [str(_tool("pg_dump")), "--format=custom"]
        command += ["--no-owner", "--no-privileges", f"--dbname={_address()}"]
        try:
            descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise DumpFault(f"{file} cannot be written: {error.strerror}.") from error
        try:
            with os.fdopen(descriptor, "wb") as target:
                _run(command, stdout=target)
                target.flush()
                os.fsync(target.fileno())
            scratch.rename(file)
        finally:
            scratch.unlink(missing_ok=True)
    return file.stat().st_size


def restore(file: Path, *, force: bool) -> None:
    """Put the content of a backup into the database, all of it or nothing.

    Refuses while the application works on the database, and a database that has
    tables unless ``force`` is given, in which case they are replaced.
    """
    _check_is_ours(file)
    with _running_database():
        _refuse_while_in_use()
        if not force and _tables():
            raise DumpFault(
                f"the database {connection.settings_dict['NAME']} is not empty:"
                " add --force to replace everything in it."
            )
        connection.close()
        with tempfile.TemporaryDirectory(prefix="campaign-restore-") as folder:
            script = Path(folder) / "restore.sql"
            _run(
                [
                    *(str(_tool("pg_restore")), "--no-owner", "--no-privileges"),
                    f"--file={script}",
                    str(file),
                ]
            )
            first = Path(folder) / "empty.sql"
            first.write_text(_EMPTY_SCHEMA)
            _run(
                [
                    *(
                        str(_tool("psql")),
                        "--no-psqlrc",
                        "--quiet",
                        "--output=/dev/null",
                    ),
                    *("--single-transaction", "--set=ON_ERROR_STOP=1"),
                    *(f"--dbname={_address()}", f"--file={first}", f"--file={script}"),
                ]
            )


@contextmanager
def _running_database() -> Iterator[None]:
    """Start the embedded server for a while, unless it, or another one, runs."""
    if not settings.DATABASE_IS_EMBEDDED:
        yield
        return
    server = EmbeddedServer.of(VarPaths.from_environment())
    if _answers(server):
        yield
        return
    server.prepare()
    process = server.start()
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(server):
            if process.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedDatabaseError(
                    "The embedded PostgreSQL does not start; see"
                    f" {server.cluster.parent / 'server.log'}."
                )
            time.sleep(0.05)
        server.ensure_database()
        yield
    finally:
        connection.close()
        process.send_signal(signal.SIGINT)
        process.wait(_STOP_SECONDS)


def _answers(server: EmbeddedServer) -> bool:
    try:
        psycopg.connect(server.url("postgres"), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def _address() -> str:
    """Return the address of the database without its password, which others could
    read in the list of processes."""
    chosen = connection.settings_dict
    named = {
        "dbname": chosen["NAME"],
        "user": chosen["USER"],
        "host": chosen["HOST"],
        "port": chosen["PORT"],
        **chosen["OPTIONS"],
    }
    return make_conninfo("", **{key: value for key, value in named.items() if value})


def _tool(name: str) -> Path:
    """Return a program of PostgreSQL that is not older than the server."""
    needed = server_version()
    found = shutil.which(name)
    if found and not settings.DATABASE_IS_EMBEDDED:
        text = subprocess.run(  # noqa: S603 (our own command line)
            [found, "--version"], capture_output=True, text=True, check=False
        ).stdout
        major = re.search(r"(\d+)(?:\.|\s|$)", text)
        if major and int(major[1]) >= needed:
            return Path(found)
    if needed <= VERSION:
        return binaries() / name
    raise DumpFault(
        f"{name} of PostgreSQL {needed} or newer is needed: install the package"
        f" postgresql-client-{needed}."
    )


def _run(command: list[str], stdout: IO[bytes] | int = subprocess.DEVNULL) -> None:
    environment = {**os.environ, "PGAPPNAME": "backup"}
    if connection.settings_dict["PASSWORD"]:
        environment["PGPASSWORD"] = connection.settings_dict["PASSWORD"]
    result = subprocess.run(  # noqa: S603 (our own command line)
        command,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment,
        check=False,
    )
    if result.returncode != 0:
        lines = result.stderr.decode(errors="replace").strip().splitlines()
        raise DumpFault(lines[0] if lines else f"{command[0]} failed without a word.")


def _check_is_ours(file: Path) -> None:
    if not file.is_file():
        raise DumpFault(f"{file} does not exist.")
    listing = subprocess.run(  # noqa: S603 (our own command line)
        [str(binaries() / "pg_restore"), "--list", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode != 0 or f" {_OUR_TABLE} " not in listing.stdout:
        raise DumpFault(f"{file} is no backup of this application.")


def _refuse_while_in_use() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT application_name FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        others = sorted({name or "unnamed" for (name,) in cursor.fetchall()})
    if others:
        raise DumpFault(
            f"the database is in use by {', '.join(others)}:"
            " stop the application first."
        )


def _tables() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'public')"
        )
        return bool(cursor.fetchone()[0])
