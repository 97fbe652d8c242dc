"""Everything that changes a workflow on somebody's order: one verb, one module."""

from __future__ import annotations

from workflows.actions.command import CommandResult, allowed_commands, issue_command
from workflows.actions.create import create_workflow, duplicate_workflow
from workflows.actions.delete import delete_workflow, preview_deletion
from workflows.actions.exchange import (
    export_workflow,
    import_workflow,
    preview_import,
)
from workflows.actions.freezing import freeze_instance, thaw_instance
from workflows.actions.pausing import keep_paused
from workflows.actions.properties import (
    EDITABLE,
    property_warnings,
    save_properties,
)
from workflows.actions.rehearsal import EffectLine, Effects, rehearse
from workflows.actions.schedule import (
    CronReading,
    SchedulePreview,
    default_schedule,
    next_runs,
    preview_schedule,
    read_cron,
    save_schedule,
    schedule_of,
    shift_schedule,
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
    "CronReading",
    "EffectLine",
    "Effects",
    "SavedStructure",
    "SchedulePreview",
    "allowed_commands",
    "compare_versions",
    "create_workflow",
    "default_schedule",
    "delete_workflow",
    "duplicate_workflow",
    "export_workflow",
    "factory_diff",
    "find_version",
    "freeze_instance",
    "import_workflow",
    "issue_command",
    "keep_paused",
    "next_runs",
    "preview_deletion",
    "preview_import",
    "preview_schedule",
    "property_warnings",
    "raise_signal",
    "read_cron",
    "rehearse",
    "reset_to_factory",
    "restore_version",
    "save_properties",
    "save_schedule",
    "save_structure",
    "schedule_of",
    "shift_schedule",
    "thaw_instance",
]
