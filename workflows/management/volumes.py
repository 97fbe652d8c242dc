"""Sample rows that packages add to ``manage.py volume``, each for its own tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db.models import Model

from workflows.exceptions import DuplicateRegistration

Tell = Callable[[str], object]


class Fill(Protocol):
    """Writes ``count`` rows spread over ``days`` that end at ``at``."""

    def __call__(
        self, *, count: int, days: int, at: datetime, tell: Tell
    ) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True)
class Volume:
    """Sample rows of a package: the option of the command, how to write and remove.

    ``fill`` and ``clear`` return the rows of each kind; they work in chunks, each in
    a transaction of its own.
    """

    option: str
    help: str
    fill: Fill
    clear: Callable[[Tell], Mapping[str, int]]
    exists: Callable[[], bool]
    tables: tuple[type[Model], ...]

    @property
    def key(self) -> str:
        """Return the name under which the command parses the option."""
        return self.option.replace("-", "_")


_volumes: dict[str, Volume] = {}


def register(volume: Volume) -> Volume:
    """Add a kind of sample rows; raises DuplicateRegistration for a known option."""
    if volume.option in _volumes:
        raise DuplicateRegistration(
            name=volume.option,
            first=_volumes[volume.option].help,
            second=volume.help,
        )
    _volumes[volume.option] = volume
    return volume


def registered() -> Iterator[Volume]:
    """Yield every kind in the order of its option."""
    yield from (_volumes[option] for option in sorted(_volumes))
