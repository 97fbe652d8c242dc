"""What there is to say about a structure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workflows.exceptions import Fault


class FindingLevel(StrEnum):
    """What a finding keeps from happening."""

    ERROR = "error"  # the structure cannot be saved
    INCOMPLETE = "incomplete"  # it can be saved while at rest, not started
    WARNING = "warning"  # it is told


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say about a structure: where, what, and what to do."""

    activity: str
    field: str
    message: str
    level: FindingLevel = FindingLevel.ERROR

    @property
    def place(self) -> str:
        """Return the activity and, where there is one, its field, dotted."""
        return ".".join(part for part in (self.activity, self.field) if part)

    def as_fault(self) -> Fault:
        """Return it as the fault of an input."""
        return Fault(self.place, self.message)
