"""Bodies of the schedules of all workflows, the load, and clock changes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ninja import Field, Schema

from workflows.engine.calendar import ChangeEffect
from workflows.engine.change_text import describe_change, describe_effect
from workflows.engine.load import Planned


class ScheduleOut(Schema):
    """A schedule of the list of all."""

    internal_name: str
    label: str
    package: str
    activity: str
    sentence: str
    zone: str
    is_planned: bool = Field(description="False while the workflow is at rest")
    starts: int = Field(description="Within the next seven days")
    next: list[datetime] = Field(description="At most three instants")


class ScheduleList(Schema):
    """All schedules; the list has one page."""

    items: list[ScheduleOut]
    next: str | None = None


class CellOut(Schema):
    """A stretch of time, and how many workflows are at work at once in it."""

    begins: datetime
    ends: datetime
    at_once: int


class PlannedOut(Schema):
    """From what the forecast is made."""

    internal_name: str
    activity: str
    sentence: str
    zone: str
    starts: int
    held: int = Field(description="Starts in a blackout window, a pause or a freeze")
    seconds: float = Field(description="How long a run is taken to last")
    spread: float
    runs: int = Field(description="Finished runs that this is known from; 0: none")

    @classmethod
    def of(cls, item: Planned, sentence: str) -> PlannedOut:
        """Return a scheduler of the forecast."""
        return cls(
            internal_name=item.workflow.internal_name,
            activity=item.activity,
            sentence=sentence,
            zone=item.zone.key,
            starts=item.starts,
            held=item.held,
            seconds=item.duration.seconds,
            spread=item.duration.spread,
            runs=item.duration.runs,
        )


class QuieterOut(Schema):
    """A quieter time for a workflow that meets many others."""

    internal_name: str
    activity: str
    minutes: int = Field(description="By how many minutes its times move")
    others_now: int
    others_then: int
    sentence: str
    schedule: dict[str, Any] = Field(description="To be put as the new schedule")


class HeatMapOut(Schema):
    """The load to come."""

    first: datetime
    until: datetime
    cell_seconds: int
    limit: int = Field(description="So many tasks may run at once")
    is_frozen: bool
    frozen_until: datetime | None
    items: list[CellOut]
    workflows: list[PlannedOut]
    quieter: list[QuieterOut]


class PastHeatMapOut(Schema):
    """The load of one day gone by."""

    first: datetime
    until: datetime
    cell_seconds: int
    limit: int
    runs: int
    is_cut: bool = Field(description="There were more runs than one look reads")
    items: list[CellOut]


class GapOut(Schema):
    """A stretch of time in which nothing is planned."""

    begins: datetime
    ends: datetime
    seconds: int


class GapList(Schema):
    """Free stretches, the longest first; ``left_out`` begin every few minutes."""

    items: list[GapOut]
    next: str | None = None
    left_out: list[str]


class ChangeOut(Schema):
    """A change of the clocks, and what it does to a schedule."""

    at: datetime
    day: date
    seconds_before: int = Field(description="Offset from UTC before the change")
    seconds_after: int
    effect: str = Field(
        description="nothing, not_that_day, moved, first_of_two, slots or shifted"
    )
    text: str
    runs: int
    usual_runs: int

    @classmethod
    def of(cls, effect: ChangeEffect, zone: ZoneInfo) -> ChangeOut:
        """Return an effect with its words in the caller's language."""
        return cls(
            at=effect.change.instant,
            day=effect.day,
            seconds_before=int(effect.change.before.total_seconds()),
            seconds_after=int(effect.change.after.total_seconds()),
            effect=effect.effect.value,
            text=f"{describe_change(effect, zone)} {describe_effect(effect, zone)}",
            runs=effect.runs,
            usual_runs=effect.usual_runs,
        )


class ChangeList(Schema):
    """The next clock changes of a schedule's zone."""

    zone: str
    items: list[ChangeOut]
    next: str | None = None


class CronIn(Schema):
    """A cron expression of five fields."""

    cron: str = Field(max_length=200, examples=["0 4 * * 1-5"])
    zone: str = Field("", max_length=64, examples=["Europe/Paris"])
    count: int = Field(10, ge=1, le=100)


class CronOut(Schema):
    """The nearest schedule; the expression itself is never stored."""

    schedule: dict[str, Any]
    sentence: str
    zone: str
    instants: list[datetime]
    changes: list[ChangeOut]
