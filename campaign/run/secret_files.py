"""Keys that belong to one installation, in files only its owner can read."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from campaign.run.paths import VarPaths


def read_secret(path: Path) -> str:
    """Return the content of the file, or the empty string when there is none."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


def ensure_secrets(paths: VarPaths) -> None:
    """Make the two keys of an installation where they do not exist yet."""
    _ensure(paths.secret_key, lambda: secrets.token_urlsafe(64))
    _ensure(paths.secrets_key, _fernet_key)


def _fernet_key() -> str:
    """Return a key in the form Fernet takes, without loading its library."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _ensure(path: Path, make: Callable[[], str]) -> None:
    """Write the key once, whole, and never readable by others."""
    if read_secret(path):
        return
    scratch = path.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(make() + "\n")
        file.flush()
        os.fsync(file.fileno())
    scratch.rename(path)
