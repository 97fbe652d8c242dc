from __future__ import annotations

from workflows.models.execution import (
    Occurrence,
    OccurrenceOutcome,
    Run,
    RunStatus,
    RunTrigger,
    Signal,
    Substate,
    Task,
    TaskStatus,
)
from workflows.models.ledger import (
    AuditEntry,
    Command,
    CommandName,
    CommandStatus,
    JournalEntry,
    Level,
    Source,
)
from workflows.models.supervision import Heartbeat, HeartbeatKind
from workflows.models.workflow import (
    ErrorPolicy,
    OverlapPolicy,
    PauseReason,
    Severity,
    State,
    StructureVersion,
    Workflow,
)

__all__ = [
    "AuditEntry",
    "Command",
    "CommandName",
    "CommandStatus",
    "ErrorPolicy",
    "Heartbeat",
    "HeartbeatKind",
    "JournalEntry",
    "Level",
    "Occurrence",
    "OccurrenceOutcome",
    "OverlapPolicy",
    "PauseReason",
    "Run",
    "RunStatus",
    "RunTrigger",
    "Severity",
    "Signal",
    "Source",
    "State",
    "StructureVersion",
    "Substate",
    "Task",
    "TaskStatus",
    "Workflow",
]
