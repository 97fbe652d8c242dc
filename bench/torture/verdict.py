"""What the checks found, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_SHOWN = 20


@dataclass
class Check:
    """One promise: how much was held against it, and what violates it."""

    promise: str
    counted: int = 0
    violations: list[str] = field(default_factory=list)

    def expect(self, holds: bool, violation: str) -> None:
        """Count one more, and a violation unless it holds."""
        self.counted += 1
        if not holds:
            self.violations.append(violation)
