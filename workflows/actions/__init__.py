"""Everything that changes a workflow on somebody's order: one verb, one module."""

from __future__ import annotations

from workflows.actions.command import CommandResult, allowed_commands, issue_command
from workflows.actions.properties import (
    EDITABLE,
    property_warnings,
    save_properties,
)
from workflows.actions.schedule import (
    SchedulePreview,
    default_schedule,
    next_runs,
    preview_schedule,
    save_schedule,
    schedule_of,
)
from workflows.actions.signal import raise_signal
from workflows.actions.structure import SavedStructure, save_structure
from workflows.actions.versions import (
    compare_versions,
    factory_diff,
    find_version,
    reset_to_factory,
    restore_version,
)

__all__ = [
    "EDITABLE",
    "CommandResult",
    "SavedStructure",
    "SchedulePreview",
    "allowed_commands",
    "compare_versions",
    "default_schedule",
    "factory_diff",
    "find_version",
    "issue_command",
    "next_runs",
    "preview_schedule",
    "property_warnings",
    "raise_signal",
    "reset_to_factory",
    "restore_version",
    "save_properties",
    "save_schedule",
    "save_structure",
    "schedule_of",
]
