"""What the API answers about the moment: what waits, what runs, what is frozen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Field, Schema
from pydantic import AwareDatetime, ConfigDict

from workflows.api.schemas import RunOut


class WaitReasonOut(Schema):
    """Why one task or run does not run."""

    code: str
    text: str
    parameters: dict[str, Any]
    activity: str
    task_id: int | None
    run_id: int | None
    since: datetime | None
    until: datetime | None


class WaitingOut(Schema):
    """Why each task and run that does not run waits."""

    items: list[WaitReasonOut]
    next: str | None = None


class BlockerOut(Schema):
    """A database connection whose lock the task's SQL waits for."""

    pid: int
    user: str
    application: str
    state: str
    sql: str


class RunningTaskOut(Schema):
    """A running task: its worker, its database connection, its last words."""

    task_id: int
    internal_name: str
    run_id: int | None
    activity: str
    queue: str
    host: str
    pid: int | None
    backend_pid: int | None
    has_worker: bool = Field(
        description="Whether a connection still works for it; else it is taken over"
    )
    epoch: int
    attempt: int
    started_at: datetime | None
    running_seconds: float
    heartbeat_at: datetime | None
    silent_seconds: float
    is_stuck: bool = Field(description="No sign of life for more than 60 s")
    cancel_asked_at: datetime | None
    backend_state: str
    wait_event: str
    sql: str = Field(description="The first 500 characters of its current statement")
    sql_since: datetime | None
    blockers: list[BlockerOut]
    last_line: str
    last_line_at: datetime | None
    grades: list[str] = Field(
        description="How the caller may end it with cancel_task: ask, sql, force"
    )


class RunningTasks(Schema):
    """What runs, the longest silent first."""

    items: list[RunningTaskOut]
    next: str | None = None


class FreshnessOut(Schema):
    """What waited for the workflow when it was last looked at.

    `good_until` is the instant up to which its result is right.
    Nothing but `is_known: false` when it declares no backlog or none was taken yet.
    """

    is_known: bool
    rows: int | None = None
    oldest_at: datetime | None = None
    good_until: datetime | None = None
    sampled_at: datetime | None = None
    is_over: bool = False
    error: str = ""
    texts: list[str] = []


class PartOut(Schema):
    """What one run did, or would have done, in one activity."""

    tasks: int
    is_executed: bool
    status: str
    count: int | None
    label: str
    error: str
    lines: list[str]


class ComparedActivity(Schema):
    """One activity in the simulation and in the real run."""

    activity: str
    simulated: PartOut | None
    real: PartOut | None


class ComparisonOut(Schema):
    """A simulation, and the first real run after it."""

    simulation: RunOut
    real: RunOut | None
    activities: list[ComparedActivity]


class DrainOut(Schema):
    """How far a frozen instance has come to rest."""

    running: int
    queued: int
    due: int
    is_drained: bool


class FreezeIn(Schema):
    """Why the instance is frozen, and until when at the latest."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=512)
    until: AwareDatetime | None = Field(
        None, description="It ends by itself at this instant"
    )


class FreezeOut(Schema):
    """Whether the instance is frozen, by whom and why."""

    is_frozen: bool
    reason: str = ""
    author: str = ""
    source: str = ""
    started_at: datetime | None = None
    until: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    progress: DrainOut | None = None
