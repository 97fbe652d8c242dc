"""Writing the journal: what a run did, for operators."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workflows.models import JournalEntry, Level, Run, Task, Workflow


def write(
    workflow: Workflow,
    message: str,
    *,
    at: datetime,
    level: Level = Level.INFO,
    run: Run | None = None,
    task: Task | None = None,
    activity: str = "",
    operator: str = "",
    **parameters: Any,
) -> None:
    """Add one line; ``message`` is an English msgid, filled from ``parameters``."""
    JournalEntry.objects.create(
        workflow=workflow,
        run=run,
        task=task,
        activity=activity or (task.activity if task else ""),
        level=level,
        message=message,
        parameters=parameters,
        operator=operator,
        at=at,
    )
