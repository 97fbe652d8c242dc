"""Figures: what was measured, in which unit, against which aim."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    ``target`` is the aim as text, ``is_met`` whether the value keeps it (None where
    there is no aim); ``beside`` is the peer's or the floor's value of the same run.
    """

    label: str
    value: float
    unit: str
    target: str = ""
    is_met: bool | None = None
    beside: str = ""


@dataclass(slots=True)
class Result:
    """What one measure found; ``raw`` keeps every single value."""

    name: str
    figures: list[Figure] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def at_most(
        self, label: str, value: float, unit: str, aim: float, *, beside: str = ""
    ) -> None:
        """Add a figure that should stay below its aim."""
        text = f"< {plain(aim)} {unit}"
        self.figures.append(Figure(label, value, unit, text, value < aim, beside))

    def at_least(
        self, label: str, value: float, unit: str, aim: float, *, beside: str = ""
    ) -> None:
        """Add a figure that should reach its aim."""
        text = f"≥ {plain(aim)} {unit}"
        self.figures.append(Figure(label, value, unit, text, value >= aim, beside))

    def tell(self, label: str, value: float, unit: str, *, beside: str = "") -> None:
        """Add a figure without an aim."""
        self.figures.append(Figure(label, value, unit, beside=beside))

    def as_dict(self) -> dict[str, Any]:
        """Return what the JSON file keeps."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Spread:
    """The distribution of a list of values."""

    count: int
    p50: float
    p95: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return median, 95th percentile (nearest rank) and maximum."""
        ordered = sorted(values)
        rank = math.ceil(0.95 * len(ordered)) - 1
        return cls(len(ordered), statistics.median(ordered), ordered[rank], ordered[-1])


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    return float(statistics.median(values))


def load_average() -> float:
    """Return the load of the last minute."""
    return os.getloadavg()[0]


def plain(value: float) -> str:
    """Return a number as people write it: three digits, thousands apart."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
