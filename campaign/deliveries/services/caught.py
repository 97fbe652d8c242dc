"""The mail catcher's folder: keep a message, list, read and purge what was caught.

A message is one file, ``YYYY-MM-DD/HHMM/<id>.eml``: two headers with its envelope,
then the message as it came. Its id begins with its instant (UTC), so names sort by age.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import itertools
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from workflows.exceptions import NotFound

ENVELOPE_FROM = "X-Envelope-From"
ENVELOPE_TO = "X-Envelope-To"
MOST_PER_PAGE = 200
_HEAD_BYTES = 8192
_ID = re.compile(r"\d{8}T\d{12}-[0-9a-f]{1,24}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MINUTE = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class CaughtSummary:
    """A caught message in a list."""

    id: str
    at: datetime
    envelope_from: str
    envelope_to: tuple[str, ...]
    subject: str
    size: int


@dataclass(frozen=True, slots=True)
class CaughtPage:
    """Some caught messages, newest first; ``next`` continues the list, or is None."""

    items: tuple[CaughtSummary, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class CaughtMessage:
    """A caught message as it came, and its parts. The HTML is not to be trusted."""

    summary: CaughtSummary
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    source: bytes


def folder() -> Path:
    """Return where caught messages lie."""
    return Path(settings.MAIL_CATCHER_DIR)


class Keeper:
    """Keeps messages for one catcher process."""

    def __init__(self, root: Path, *, is_synced: bool = False) -> None:
        self._root = root
        self._is_synced = is_synced
        self._numbers = itertools.count()
        self._mark = f"{os.getpid():x}"
        self._made: Path | None = None

    def keep(
        self, sender: str, recipients: list[str], data: bytes, at: datetime
    ) -> str:
        """Store a message and return its id; it is in its place when this returns.

        With ``is_synced`` it also survives the loss of power. Raises OSError.
        """
        moment = at.strftime("%Y%m%dT%H%M%S%f")
        name = f"{moment}-{self._mark}{next(self._numbers):06x}"
        place = self._root / at.strftime("%Y-%m-%d") / at.strftime("%H%M")
        if place != self._made:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._made = place
        head = (
            f"{ENVELOPE_FROM}: {sender}\r\n{ENVELOPE_TO}: {', '.join(recipients)}\r\n"
        )
        hidden = f"{place}/.{name}"
        try:
            self._write(hidden, head.encode("utf-8", "replace") + data)
        except FileNotFoundError:  # a purge took the folder
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(hidden, head.encode("utf-8", "replace") + data)
        os.rename(hidden, f"{place}/{name}.eml")
        if self._is_synced:
            _sync_folder(place)
        return name

    def _write(self, path: str, data: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            if self._is_synced:
                os.fsync(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise
        finally:
            os.close(descriptor)


def list_messages(*, before: str | None = None, limit: int = 50) -> CaughtPage:
    """Return caught messages, newest first, older than the one with id ``before``.

    Reads the names of the folders it needs and the heads of the files it returns.
    """
    wanted = max(1, min(limit, MOST_PER_PAGE))
    names = list(itertools.islice(_names(before), wanted + 1))
    items = []
    for name in names[:wanted]:
        with contextlib.suppress(FileNotFoundError):  # purged meanwhile
            items.append(_summary(name))
    return CaughtPage(tuple(items), names[wanted - 1] if len(names) > wanted else None)


def read_message(message_id: str) -> CaughtMessage:
    """Return one caught message. Raises NotFound for anything that is no such id."""
    try:
        data = _path(message_id).read_bytes()
        summary = _summary(message_id)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _not_found() from error
    source = _without_envelope(data)
    message = email.message_from_bytes(source, policy=email.policy.default)
    return CaughtMessage(
        summary=summary,
        headers=tuple((name, _shown(value)) for name, value in message.raw_items()),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        source=source,
    )


def purge_caught(*, older_than: timedelta, at: datetime) -> int:
    """Delete whole days of caught messages that ended before; return how many days."""
    last_kept = (at - older_than).astimezone(UTC).date()
    purged = 0
    for day in _folders(folder(), _DAY):
        try:
            is_old = date.fromisoformat(day.name) < last_kept
        except ValueError:
            continue
        if is_old:
            shutil.rmtree(day, ignore_errors=True)
            purged += 1
    return purged


def _names(before: str | None) -> Iterator[str]:
    if before is not None and not _ID.fullmatch(before):
        raise _not_found()
    for day in _folders(folder(), _DAY):
        for minute in _folders(day, _MINUTE):
            stamp = f"{day.name.replace('-', '')}T{minute.name}"
            if before is not None and stamp > before[: len(stamp)]:
                continue
            with os.scandir(minute) as entries:
                found = [entry.name[:-4] for entry in entries if entry.name[0] != "."]
            for name in sorted(found, reverse=True):
                if _ID.fullmatch(name) and (before is None or name < before):
                    yield name


def _folders(parent: Path, pattern: re.Pattern[str]) -> list[Path]:
    try:
        with os.scandir(parent) as entries:
            names = [entry.name for entry in entries if pattern.fullmatch(entry.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [parent / name for name in sorted(names, reverse=True)]


def _path(message_id: str) -> Path:
    if not _ID.fullmatch(message_id):
        raise _not_found()
    day = f"{message_id[:4]}-{message_id[4:6]}-{message_id[6:8]}"
    return folder() / day / message_id[9:13] / f"{message_id}.eml"


def _summary(message_id: str) -> CaughtSummary:
    path = _path(message_id)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        size = os.fstat(file.fileno()).st_size
    top = head.split(b"\r\n\r\n", 1)[0] + b"\r\n\r\n"
    message = email.message_from_bytes(top, policy=email.policy.default)
    envelope_size = len(head) - len(_without_envelope(head))
    return CaughtSummary(
        id=message_id,
        at=datetime.strptime(message_id[:21], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC),
        envelope_from=_first(message, ENVELOPE_FROM),
        envelope_to=tuple(filter(None, _first(message, ENVELOPE_TO).split(", "))),
        subject=_first(message, "Subject"),
        size=size - envelope_size,
    )


def _first(message: EmailMessage, name: str) -> str:
    try:
        return _shown(message.get(name, ""))
    except (ValueError, IndexError, AttributeError):  # a header beyond repair
        return ""


def _shown(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode()


def _without_envelope(data: bytes) -> bytes:
    for name in (ENVELOPE_FROM, ENVELOPE_TO):
        if data.startswith(name.encode() + b": "):
            data = data.partition(b"\r\n")[2]
    return data


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        return _shown(part.get_content())
    except (LookupError, ValueError):  # an unknown charset or encoding
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _not_found() -> NotFound:
    return NotFound(_("No such caught message: it may have been purged."))


def _sync_folder(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
