from __future__ import annotations

from workflows.models.approval import Approval, ApprovalReply
from workflows.models.draft import StructureDraft
from workflows.models.execution import (
    Event,
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
from workflows.models.saved_view import SavedView
from workflows.models.supervision import (
    Freeze,
    Freshness,
    Heartbeat,
    HeartbeatKind,
    Notification,
    NotificationKind,
    NotificationRead,
)
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
    "Approval",
    "ApprovalReply",
    "AuditEntry",
    "Command",
    "CommandName",
    "CommandStatus",
    "ErrorPolicy",
    "Event",
    "Freeze",
    "Freshness",
    "Heartbeat",
    "HeartbeatKind",
    "JournalEntry",
    "Level",
    "Notification",
    "NotificationKind",
    "NotificationRead",
    "Occurrence",
    "OccurrenceOutcome",
    "OverlapPolicy",
    "PauseReason",
    "Run",
    "RunStatus",
    "RunTrigger",
    "SavedView",
    "Severity",
    "Signal",
    "Source",
    "State",
    "StructureDraft",
    "StructureVersion",
    "Substate",
    "Task",
    "TaskStatus",
    "Workflow",
]
