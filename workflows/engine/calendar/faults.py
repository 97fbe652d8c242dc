"""The error that a schedule raises when it cannot be used."""

from __future__ import annotations

from collections.abc import Iterable

from workflows.exceptions import Fault, InvalidInput


class ScheduleError(InvalidInput, ValueError):
    """The schedule cannot be used.

    ``faults`` holds every fault at once, each with its field and a translated
    message that says what is wrong and how to put it right.
    """

    code = "invalid_schedule"

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        named = tuple(Fault(field, message) for field, message in faults)
        super().__init__(
            "; ".join(f"{fault.field}: {fault.message}" for fault in named),
            faults=named,
        )
