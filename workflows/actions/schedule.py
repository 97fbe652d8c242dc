"""Changing and previewing schedules. Saving a schedule never triggers a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from workflows import audit, conf
from workflows.actions import rights
from workflows.actions.find import lock_workflow
from workflows.actions.structure import add_version, require_editable, require_version
from workflows.engine import calendar, forecast, planning, replanning, structure_rules
from workflows.engine.calendar import (
    ChangeEffect,
    Differences,
    Fate,
    Mark,
    Preview,
    Schedule,
    ScheduleError,
)
from workflows.engine.graph import Graph
from workflows.engine.schedule_text import describe
from workflows.exceptions import Fault, InvalidInput, NotFound
from workflows.models import Source, StructureVersion, Task, Workflow
from workflows.registry import catalogue_entry


@dataclass(frozen=True, slots=True)
class SchedulePreview:
    """A schedule beside the one in force: sentences and next instants (UTC)."""

    sentence_old: str
    sentence_new: str
    old: tuple[Preview, ...]
    new: tuple[Preview, ...]
    zone: str
    notes: tuple[str, ...]
    changes: tuple[ChangeEffect, ...]
    fates: Differences


def parse_schedule(
    data: Mapping[str, Any], *, minimum_seconds: int | None = None
) -> Schedule:
    """Return the schedule; raises InvalidInput with every fault."""
    try:
        return Schedule.parse(data, minimum_seconds=minimum_seconds)
    except ScheduleError as error:
        raise InvalidInput(
            _("The schedule has faults."),
            faults=[Fault(f.field, f.message) for f in error.faults],
        ) from error


def schedule_of(
    workflow: Workflow, activity: str = "scheduler"
) -> dict[str, Any] | None:
    """Return the stored schedule of a scheduler activity, or None."""
    if workflow.structure is None:
        return None
    node = Graph.of(workflow.structure.graph).by_name.get(activity)
    if node is None or node.type != "scheduler":
        return None
    return dict(node.parameters["schedule"])


def default_schedule(workflow: Workflow) -> dict[str, Any] | None:
    """Return the schedule that the catalogue gives the workflow."""
    entry = catalogue_entry(workflow.internal_name)
    return dict(entry.schedule) if entry and entry.schedule else None


def next_runs(
    workflow: Workflow,
    at: datetime,
    count: int = 10,
    *,
    pending: Sequence[Task] | None = None,
) -> list[datetime]:
    """Return the next planned instants, soonest first; none while it is at rest.

    Costs one query, none with the ``pending`` tasks that belong to no run. What is
    planned already comes from the pending task, the rest from the calendar.
    """
    own = workflow.tasks.filter(
        status="active", activity_type="scheduler", run__isnull=True
    ).order_by("pk")
    planned_tasks = (
        task
        for task in (own if pending is None else pending)
        if task.activity_type == "scheduler" and task.scheduled_for is not None
    )
    task = next(planned_tasks, None)
    stored = schedule_of(workflow, task.activity) if task else None
    if task is None or stored is None or task.scheduled_for is None:
        return []
    schedule = Schedule.parse(stored)
    following = calendar.occurrences(
        schedule,
        max(task.scheduled_for, at),
        count,
        zone=planning.zone_of(workflow, schedule),
        count_so_far=task.iterations + 1,
    )
    planned = [task.scheduled_for] if task.scheduled_for > at else []
    return [*planned, *following][:count]


def preview_schedule(
    *,
    workflow: Workflow,
    schedule: Mapping[str, Any],
    at: datetime,
    count: int = 10,
    activity: str = "scheduler",
) -> SchedulePreview:
    """Compare a schedule with the one in force; changes nothing.

    Raises InvalidInput with every fault.
    """
    new = parse_schedule(schedule)
    stored = schedule_of(workflow, activity)
    old = Schedule.parse(stored) if stored else None
    zone = planning.zone_of(workflow, new)
    instants = tuple(calendar.preview(new, at, count, zone=zone))
    before: tuple[Preview, ...] = ()
    fates = Differences((), (Fate.ADDED,) * len(instants))
    if old is not None:
        zone_old = planning.zone_of(workflow, old)
        before = tuple(calendar.preview(old, at, count, zone=zone_old))
        fates = calendar.differences(
            old,
            [item.instant for item in before],
            zone_old,
            new,
            [item.instant for item in instants],
            zone,
        )
    return SchedulePreview(
        sentence_old=describe(old) if old else "",
        sentence_new=describe(new),
        old=before,
        new=instants,
        zone=zone.key,
        notes=_notes(instants),
        changes=tuple(calendar.change_effects(new, at, zone=zone)),
        fates=fates,
    )


@dataclass(frozen=True, slots=True)
class CronReading:
    """A cron expression as the nearest schedule; the expression is not kept."""

    schedule: Schedule
    sentence: str
    zone: ZoneInfo
    instants: tuple[datetime, ...]
    changes: tuple[ChangeEffect, ...]


def read_cron(
    expression: str, *, at: datetime, zone: str = "", count: int = 10
) -> CronReading:
    """Turn a cron expression of five fields into the nearest schedule.

    Changes nothing. Raises InvalidInput, at the field ``cron`` for what no schedule
    can say, at ``zone`` for a zone that does not exist.
    """
    try:
        schedule = calendar.from_cron(expression)
    except ScheduleError as error:
        raise InvalidInput(
            _("This cron expression cannot be a schedule."),
            faults=[Fault(f.field, f.message) for f in error.faults],
        ) from error
    try:
        found = calendar.resolve_zone(zone, server_tz=conf.server_zone())
    except ValueError as error:
        raise InvalidInput(
            _("This cron expression cannot be a schedule."),
            faults=[Fault("zone", str(error))],
        ) from error
    if zone:
        schedule = replace(schedule, tz=zone)
    return CronReading(
        schedule,
        describe(schedule),
        found,
        tuple(calendar.occurrences(schedule, at, count, zone=found)),
        tuple(calendar.change_effects(schedule, at, zone=found)),
    )


def shift_schedule(stored: Mapping[str, Any], minutes: int) -> dict[str, Any]:
    """Return the stored shape with its times of day moved; raises InvalidInput."""
    moved = forecast.shifted(parse_schedule(stored), minutes)
    if moved is None:
        raise InvalidInput(
            _(
                "This schedule cannot be moved by %(minutes)s minutes: a time would"
                " leave its day."
            ),
            minutes=minutes,
        )
    return moved.as_dict()


def _notes(instants: tuple[Preview, ...]) -> tuple[str, ...]:
    notes = []
    marks = {item.mark for item in instants}
    if not instants or marks == {Mark.EXPIRED}:
        notes.append(_("This schedule has no further instant."))
    if Mark.MOVED in marks:
        notes.append(
            _("On a day of the change to summer time it fires right after the gap.")
        )
    if Mark.REPEATED in marks:
        notes.append(
            _("On a day of the change to winter time it fires the first time only.")
        )
    return tuple(notes)


def save_schedule(
    *,
    internal_name: str,
    schedule: Mapping[str, Any],
    expected_version: int | None,
    acting_operator: Any,
    source: Source,
    at: datetime,
    activity: str = "scheduler",
    reason: str = "",
) -> StructureVersion:
    """Store a schedule as a new structure version and plan anew, triggering nothing.

    Raises NotFound, InvalidInput with every fault, StaleVersion when
    ``expected_version`` is not the current one, PermissionRefused.
    """
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        rights.require(acting_operator, rights.CHANGE)
        require_version(workflow, expected_version)
        require_editable(workflow)
        before = schedule_of(workflow, activity)
        if before is None or workflow.structure is None:
            raise NotFound(
                _("The workflow %(workflow)s has no scheduler %(activity)s."),
                workflow=internal_name,
                activity=activity,
            )
        shortest = structure_rules.shortest_interval(is_technical=workflow.is_technical)
        stored = parse_schedule(schedule, minimum_seconds=shortest).as_dict()
        graph = Graph.of(workflow.structure.graph)
        changed = graph.with_parameters(
            activity, {**graph.by_name[activity].parameters, "schedule": stored}
        )
        version = add_version(
            workflow,
            changed,
            author=acting_operator,
            comment=reason or _("Schedule changed"),
        )
        replanning.adopt_structure(workflow, changed, at)
        audit.record(
            action="workflows.workflow.schedule_changed",
            object_type="workflows.workflow",
            object_id=workflow.internal_name,
            object_label=workflow.internal_name,
            acting_operator=acting_operator,
            source=source,
            at=at,
            changes={"schedule": [before, stored]},
            reason=reason,
        )
    return version
