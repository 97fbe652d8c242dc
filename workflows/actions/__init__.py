"""Everything that changes a workflow on somebody's order: one verb, one module."""

from __future__ import annotations

from workflows.actions.command import CommandResult, allowed_commands, issue_command
from workflows.actions.properties import EDITABLE, save_properties
from workflows.actions.schedule import (
    SchedulePreview,
    default_schedule,
    next_runs,
    preview_schedule,
    save_schedule,
    schedule_of,
)
from workflows.actions.signal import raise_signal
from workflows.actions.structure import save_structure

__all__ = [
    "EDITABLE",
    "CommandResult",
    "SchedulePreview",
    "allowed_commands",
    "default_schedule",
    "issue_command",
    "next_runs",
    "preview_schedule",
    "raise_signal",
    "save_properties",
    "save_schedule",
    "save_structure",
    "schedule_of",
]
