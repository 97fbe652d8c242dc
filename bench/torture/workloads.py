"""The workflows of the torture: what each does, how often, and what it promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from workflows.models import ErrorPolicy, OverlapPolicy
from workflows.registry import CatalogueEntry

CHAIN = ("first", "second", "third")
FORK = ("left", "right")
SLICES = 5
SIGNAL_NUMBER = "number"


class Kind(StrEnum):
    """What the activities of a workload are like."""

    KEPT = "Kept"  # one repeatable effect
    ONCE = "Once"  # one effect that must not be repeated
    KEPT_CHAIN = "KeptChain"  # three activities on three queues
    ONCE_CHAIN = "OnceChain"
    KEPT_FORK = "KeptFork"  # two branches of one run
    ONCE_FORK = "OnceFork"
    SLICED = "Sliced"  # long work in slices, a queue task of its own
    SIGNALLED = "Signalled"  # planned, and begun by signals with a number each
    SLOW = "Slow"  # longer than its period: runs overlap

    @property
    def is_repeatable(self) -> bool:
        """Return whether its activities may be executed again after a crash."""
        return self not in (Kind.ONCE, Kind.ONCE_CHAIN, Kind.ONCE_FORK)

    @property
    def steps(self) -> tuple[str, ...]:
        """Return the effects that a whole run has had."""
        if self in (Kind.KEPT_CHAIN, Kind.ONCE_CHAIN):
            return CHAIN
        if self in (Kind.KEPT_FORK, Kind.ONCE_FORK):
            return FORK
        if self is Kind.SLICED:
            return tuple(f"slice {number}" for number in range(SLICES))
        return ("work",)


@dataclass(frozen=True, slots=True)
class Workload:
    """One workflow of the torture."""

    number: int
    kind: Kind
    every_seconds: int
    schedule: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def internal_name(self) -> str:
        """Return the name of its workflow."""
        return f"torture{self.kind}{self.number}"

    def entry(self) -> CatalogueEntry:
        """Return what the catalogue says of it."""
        return CatalogueEntry(
            internal_name=self.internal_name,
            package="delivery",
            labels={"en": f"Torture: {self.kind} {self.number}"},
            description="A workload of make torture.",
            schedule={
                "kind": "several_times_a_day",
                "every": f"PT{self.every_seconds}S",
                "from": "00:00",
                "tz": "UTC",
                **self.schedule,
            },
            signals=("a number",) if self.kind is Kind.SIGNALLED else (),
            starts_with_package=False,
        )


def _workloads() -> Iterator[Workload]:
    ignore = {"error_policy": ErrorPolicy.IGNORE}
    skip, every = {"misfire": "skip"}, {"misfire": "fire_all"}
    mixed = {"misfire": "fire_all", "on_resume": "fire_once"}
    late = {"misfire": "fire_once", "max_lateness": "PT20S"}
    for number, (seconds, schedule) in enumerate(
        ((1, {}), (2, skip), (3, every), (4, mixed), (5, late), (2, {})), 1
    ):
        yield Workload(number, Kind.KEPT, seconds, schedule)
    for number, (seconds, schedule, properties) in enumerate(
        (
            (1, {}, ignore),
            (2, skip, ignore),
            (3, every, ignore),
            (4, late, ignore),
            (2, {}, {}),
            (5, mixed, {}),
        ),
        1,
    ):
        yield Workload(number, Kind.ONCE, seconds, schedule, properties)
    for number, seconds in enumerate((2, 3, 5), 1):
        yield Workload(number, Kind.KEPT_CHAIN, seconds)
    for number, (seconds, properties) in enumerate(((3, ignore), (4, {})), 1):
        yield Workload(number, Kind.ONCE_CHAIN, seconds, {}, properties)
    for number, branches in enumerate(({}, {"parallel_branches": True}), 1):
        yield Workload(number, Kind.KEPT_FORK, 2, {}, branches)
        yield Workload(number, Kind.ONCE_FORK, 3, {}, {**ignore, **branches})
    for number, seconds in enumerate((4, 5), 1):
        yield Workload(number, Kind.SLICED, seconds)
    for number, seconds in enumerate((4, 5), 1):
        yield Workload(number, Kind.SIGNALLED, seconds)
    for number, policy in enumerate(OverlapPolicy, 1):
        yield Workload(number, Kind.SLOW, 2, {}, {"overlap_policy": policy})


WORKLOADS = tuple(_workloads())
BY_NAME = {workload.internal_name: workload for workload in WORKLOADS}


def catalogue_entries() -> list[CatalogueEntry]:
    """Return what the catalogue of the tortured installation has beyond ours."""
    return [workload.entry() for workload in WORKLOADS]
