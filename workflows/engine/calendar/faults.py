"""The error that a schedule raises when it cannot be used."""

from __future__ import annotations

from collections.abc import Iterable

Fault = tuple[str, str]


class ScheduleError(ValueError):
    """The schedule cannot be used.

    ``faults`` holds every fault at once, as pairs of field name and translated
    message; the message says what is wrong and how to put it right.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: list[Fault] = list(faults)
        super().__init__("; ".join(f"{field}: {text}" for field, text in self.faults))
