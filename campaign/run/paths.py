"""Where the files of one installation lie, all under ``CAMPAIGN_VAR``."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent
#: The kernel takes 107 bytes for the path of a socket.
_SOCKET_PATH_LIMIT = 107
_LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"


@dataclass(frozen=True, slots=True)
class VarPaths:
    """The folders and files below one ``CAMPAIGN_VAR``."""

    root: Path

    @classmethod
    def from_environment(cls) -> VarPaths:
        """Return the paths of this process's ``CAMPAIGN_VAR`` (default ``./var``)."""
        named = os.environ.get("CAMPAIGN_VAR", "").strip()
        root = Path(named).expanduser() if named else BASE_DIR / "var"
        return cls(Path(os.path.abspath(root)))

    @property
    def log(self) -> Path:
        """The rotated log files."""
        return self.root / "log"

    @property
    def run(self) -> Path:
        """What lives only while the installation runs: lock, configuration, pid."""
        return self.root / "run"

    @property
    def static(self) -> Path:
        """The collected and compressed static files."""
        return self.root / "static"

    @property
    def mail(self) -> Path:
        """The messages that the mail catcher took."""
        return self.root / "mail"

    @property
    def cluster(self) -> Path:
        """The data directory of the embedded PostgreSQL."""
        return self.root / "postgres" / "data"

    @property
    def postgres_sockets(self) -> Path:
        """The folder of the embedded PostgreSQL's socket."""
        return self._short_enough(self.root / "postgres" / "socket", "pg")

    @property
    def supervisor_socket(self) -> Path:
        """The socket of the supervisor's remote control."""
        return self._short_enough(self.run, "sv") / "supervisor.sock"

    @property
    def secret_key(self) -> Path:
        """The file of the generated ``SECRET_KEY``."""
        return self.root / "secret_key"

    @property
    def secrets_key(self) -> Path:
        """The file of the generated key for stored secrets."""
        return self.root / "secrets_key"

    @property
    def catcher_port(self) -> Path:
        """The file that holds the port of the mail catcher."""
        return self.run / "catcher_port"

    def _short_enough(self, folder: Path, kind: str) -> Path:
        """Return the folder, or a private one in /tmp when its path is too long."""
        longest = len(os.fsencode(folder / _LONGEST_SOCKET_NAME))
        if longest <= _SOCKET_PATH_LIMIT:
            return folder
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        name = f"campaign-{os.geteuid()}-{digest}-{kind}"
        return Path(tempfile.gettempdir()) / name


def make_private(folder: Path, *, mode: int = 0o700) -> Path:
    """Make a folder with its parents, owned by us and closed to others; return it.

    Raises `PermissionError` when a folder of that name belongs to someone else, as
    anybody may make one in a shared /tmp.
    """
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to another user.")
    folder.chmod(mode)
    return folder
