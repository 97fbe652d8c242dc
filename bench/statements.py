"""Which statements the server executes, how often and how long, from its own log."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bench.installation import Installation
from campaign.run.paths import VarPaths

_LINE = re.compile(
    r"^(\S+ \S+) UTC \[\d+\] .*?LOG:  duration: ([\d.]+) ms"
    r"  (?:statement|execute [^:]*): (.*)",
    re.DOTALL,
)
_BEGINNING = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ UTC \[", re.MULTILINE)
_LITERALS = re.compile(r"'(?:[^']|'')*'(?:::\w+)?|\b\d+(?:\.\d+)?\b")
_LISTS = re.compile(r"\((?:\s*\?,)+\s*\?\)")
_ROWS = re.compile(r"(\([^()]*\))(?:,\s*\1)+")
_SELECTED = re.compile(r"SELECT (\"\w+\"\.\"\w+\",? ?)+.*? FROM ", re.DOTALL)
_LOGGED = "log_min_duration_statement"
_FLUSH_SECONDS = 0.5


@dataclass(slots=True)
class Statement:
    """One kind of statement: how often it was executed, and milliseconds in all."""

    text: str
    count: int = 0
    milliseconds: float = 0.0


@dataclass(slots=True)
class Logged:
    """What was executed while the log was on, the most expensive kind first."""

    seconds: float = 0.0
    statements: list[Statement] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Return how many statements there were."""
        return sum(one.count for one in self.statements)

    @property
    def commits(self) -> int:
        """Return how many transactions of several statements were committed."""
        return sum(one.count for one in self.statements if one.text == "COMMIT")


@contextmanager
def logged(running: Installation) -> Iterator[Logged]:
    """Have the server log every statement meanwhile; read at the end.

    The log itself costs time: take counts and proportions, no rates.
    """
    found = Logged()
    _switch(running, f"ALTER SYSTEM SET {_LOGGED} = 0")
    since, started = datetime.now(UTC), time.monotonic()
    try:
        yield found
    finally:
        found.seconds = time.monotonic() - started
        until = datetime.now(UTC)
        _switch(running, f"ALTER SYSTEM RESET {_LOGGED}")
    time.sleep(_FLUSH_SECONDS)
    kinds: dict[str, Statement] = {}
    for at, milliseconds, text in _entries(running):
        if since <= at <= until:
            kind = kinds.setdefault(text, Statement(text))
            kind.count += 1
            kind.milliseconds += milliseconds
    found.statements = sorted(kinds.values(), key=lambda one: -one.milliseconds)


def _switch(running: Installation, statement: str) -> None:
    with running.connect() as session:
        session.execute(statement.encode())
        session.execute(b"SELECT pg_reload_conf()")
    time.sleep(_FLUSH_SECONDS)


def _entries(running: Installation) -> Iterator[tuple[datetime, float, str]]:
    """Yield instant, duration and normalized text of every logged statement."""
    folder = VarPaths(running.stack.var).log
    for path in folder.glob("postgres.log*"):
        content = path.read_text(errors="replace")
        places = [match.start() for match in _BEGINNING.finditer(content)]
        for start, end in zip(places, [*places[1:], None], strict=True):
            match = _LINE.match(content[start:end])
            if match:
                at = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
                yield at, float(match[2]), normalized(match[3])


def normalized(text: str) -> str:
    """Return a statement without its values, on one line."""
    text = _LITERALS.sub("?", " ".join(text.split()))
    text = _ROWS.sub(r"\1", _LISTS.sub("(?)", text))
    return _SELECTED.sub("SELECT … FROM ", text)
