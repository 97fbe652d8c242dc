"""A context without a run, for activity types that are called by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class FakeContext:
    """What an activity sees, and what it left behind."""

    parameters: Any = field(default_factory=dict)
    variables: Any = field(default_factory=lambda: {"vars": {}, "instance": {}})
    own: dict[str, Any] = field(default_factory=dict)
    started_at: datetime = AT
    scheduled_for: datetime | None = None
    workflow_id: int = 0
    workflow_name: str = "sample"
    run_id: int = 1
    task_id: int = 1
    label: str = "Sample"
    attempt: int = 1
    seconds_left: float = 60.0
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def checkpoint(self) -> None:
        """Go on."""

    def info(self, message: str, **parameters: Any) -> None:
        self.lines.append(message % parameters)

    def warning(self, message: str, **parameters: Any) -> None:
        self.warnings.append(message % parameters)

    def begin_child(self, workflow_name: str, variables: Any) -> None:
        raise AssertionError("no sub-workflow was expected")

    def child_result(self) -> None:
        return None


@pytest.fixture
def make_context():
    """Return a context with the parameters and event variables given."""

    def make(parameters: Any = None, **given: Any) -> FakeContext:
        variables = {"vars": given.pop("vars", {}), "instance": {}, "task": {}}
        return FakeContext(parameters=parameters or {}, variables=variables, **given)

    return make
