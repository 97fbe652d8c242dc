"""A sender's local journal: which messages it began, and what became of them.

Two short lines a message, written before its envelope goes out and after the answer
came. They outlive a killed process, so its successor knows for every log it held
whether it was never begun, ended, or in doubt; only the messages inside an open
connection are. The journal of another boot or host proves nothing and is not used.

Its file lock is held by the sender to its very end. A process that lost its database
session, and with it the lock of its slot, keeps a successor on this host away until
it has stopped.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

_HEAD = b"campaign sender journal 1\n"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def node() -> str:
    """Return what names this boot of this host and this installation."""
    try:
        boot = _BOOT_ID.read_text().strip()
    except OSError:  # no such file: never trust a journal of an earlier process
        boot = f"pid {os.getpid()}"
    name = f"{boot} {socket.gethostname()} {settings.CAMPAIGN_VAR}"
    return hashlib.sha256(name.encode()).hexdigest()[:16]


class Record:
    """What the journal of a dead sender says of the logs that it held."""

    def __init__(self, data: bytes) -> None:
        self.is_complete = data.startswith(_HEAD)
        self.begun: set[tuple[int, int]] = set()
        self.ended: dict[tuple[int, int], dict[str, Any]] = {}
        for line in data.split(b"\n")[1:-1]:
            try:
                log_id, epoch, outcome = json.loads(line)
            except ValueError:
                self.is_complete = False  # a torn or foreign line proves nothing
                continue
            self.begun.add((log_id, epoch))
            if outcome is not None:
                self.ended[log_id, epoch] = outcome


class Journal:
    """An open journal whose file lock we hold."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._is_whole = True

    def begin(self, log_id: int, epoch: int) -> None:
        """Note that the envelope of a message goes out next."""
        self._write(f"[{log_id},{epoch},null]\n".encode())

    def end(self, log_id: int, epoch: int, outcome: dict[str, Any]) -> None:
        """Note what became of it."""
        self._write(json.dumps([log_id, epoch, outcome]).encode() + b"\n")

    def read(self) -> Record:
        """Return what our predecessor left."""
        size = os.fstat(self._descriptor).st_size
        return Record(os.pread(self._descriptor, size, 0))

    def clear(self) -> None:
        """Start afresh; only while none of our logs is claimed."""
        if not self._is_whole:
            return
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            self._write(_HEAD)

    def _write(self, line: bytes) -> None:
        if not self._is_whole:
            return
        try:
            if os.write(self._descriptor, line) == len(line):
                return
        except OSError:
            pass
        # A full disk: without journal every claimed log counts as in doubt.
        self._is_whole = False
        self._path.unlink(missing_ok=True)


def folder() -> Path:
    """Return the folder of the journals."""
    return Path(settings.CAMPAIGN_VAR) / "run" / "senders"


@contextmanager
def open_journal(lane: int, slot: int) -> Iterator[Journal | None]:
    """Open the journal of a slot with its file lock.

    Yield None while another process of this host has it.
    """
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder() / f"{lane}-{slot}.journal"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield Journal(path, descriptor)
    finally:
        os.close(descriptor)
