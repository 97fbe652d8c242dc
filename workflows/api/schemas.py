"""What the API answers; field names are the models'."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Field, Schema
from pydantic import ConfigDict


class Problem(Schema):
    """An error, as RFC 9457 has it, with a code and every fault."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    error_code: str
    errors: list[FaultOut] = []
    state: str | None = None
    allowed: list[str] | None = None


class FaultOut(Schema):
    """One thing wrong with an input."""

    field: str
    message: str


class WorkflowOut(Schema):
    """A workflow with its live state."""

    id: int
    uuid: str
    internal_name: str
    label: str
    package: str
    package_label: str
    is_technical: bool
    state: str
    failed: bool
    paused_at: datetime | None
    pause_reason: str
    severity: int
    last_start: datetime | None
    last_finish: datetime | None
    next_run: datetime | None
    version: int | None = Field(description="Number of the structure version in force")
    href: str


class WorkflowDetail(WorkflowOut):
    """A workflow with its properties and what may be asked of it now."""

    description: str
    paused_by: str
    pause_comment: str
    resume_at: datetime | None
    remind_at: datetime | None
    snoozed_until: datetime | None
    simulation: bool
    stops_after_run: bool
    history_days: int
    error_policy: str
    overlap_policy: str
    time_zone: str
    consecutive_errors: int
    variables: dict[str, Any]
    supervisors: list[str]
    allowed_commands: list[str]
    commands_href: str


class RunOut(Schema):
    """One chain of tasks caused by one trigger."""

    id: int
    trigger: str
    trigger_activity: str
    scheduled_for: datetime | None
    status: str
    skip_reason: str
    error: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    next_attempt_at: datetime | None
    read_count: int
    written_count: int
    rejected_count: int
    is_idle: bool
    repeats: int
    is_waiting: bool
    is_simulation: bool


class TaskOut(Schema):
    """One activation of one activity."""

    id: int
    run_id: int | None
    activity: str
    activity_type: str
    status: str
    substate: str
    queue: str
    process_at: datetime | None
    iterations: int
    attempt: int
    host: str
    pid: int | None
    heartbeat_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    output: str
    result_label: str
    record_count: int | None
    is_simulated: bool
    cancel_asked_at: datetime | None
    error: str


class LogOut(Schema):
    """One line of the journal."""

    id: int
    run_id: int | None
    task_id: int | None
    activity: str
    level: str
    message: str
    operator: str
    at: datetime


class CommandOut(Schema):
    """A ledger row: who asked for what, and what became of it."""

    id: int
    name: str
    status: str
    author: str
    source: str
    reason: str
    message: str
    parameters: dict[str, Any]
    expected_state: str
    state_before: str
    state_after: str
    requested_at: datetime
    applied_at: datetime | None


class OccurrenceOut(Schema):
    """A planned instant, or several of one outcome."""

    id: int
    activity: str
    scheduled_for: datetime
    last_scheduled_for: datetime
    count: int
    outcome: str
    reason: str
    late_seconds: float
    run_id: int | None
    recorded_at: datetime


class WorkflowPage(Schema):
    items: list[WorkflowOut]
    next: str | None


class RunPage(Schema):
    items: list[RunOut]
    next: str | None


class TaskPage(Schema):
    items: list[TaskOut]
    next: str | None


class LogPage(Schema):
    items: list[LogOut]
    next: str | None


class CommandPage(Schema):
    items: list[CommandOut]
    next: str | None


class OccurrencePage(Schema):
    items: list[OccurrenceOut]
    next: str | None


class NextRuns(Schema):
    """Planned instants to come, in UTC."""

    items: list[datetime]
    next: str | None = None


class ActivityIn(Schema):
    """An activity; further fields are taken as they are."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(min_length=1, max_length=64)
    type: str = Field(max_length=32)
    label: str = Field("", max_length=128)
    parameters: dict[str, Any] = {}


class TransitionIn(Schema):
    """A transition from an output of an activity to another activity."""

    source: str
    output: str
    destination: str


class StructureIn(Schema):
    """A structure to be stored as a new version."""

    activities: list[ActivityIn] = Field(max_length=500)
    transitions: list[TransitionIn] = Field(max_length=2000)
    comment: str = Field("", max_length=512)


class StructureOut(Schema):
    """A structure version."""

    version: int
    activities: list[dict[str, Any]]
    transitions: list[dict[str, Any]]
    is_factory: bool
    author: str
    comment: str
    created_at: datetime


class AuditOut(Schema):
    """A change that is no command."""

    id: int
    action: str
    object_type: str
    object_id: str
    object_label: str
    changes: dict[str, Any]
    author: str
    source: str
    reason: str
    at: datetime


class AuditPage(Schema):
    items: list[AuditOut]
    next: str | None


class ComponentOut(Schema):
    """One part of the instance."""

    status: str
    detail: str
    age_seconds: float | None = None


class MonitoringOut(Schema):
    """The parts of the instance and the workflows that need a person."""

    status: str
    components: dict[str, ComponentOut]
    failed: list[str]
    paused: list[str]
    paused_long: list[str] = Field(
        description="Paused for longer than NmsServer_PausedWorkflowPeriod, in days"
    )


Problem.model_rebuild()
