"""All schedules, the load to come and gone by, gaps, clock changes, cron."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router

from workflows.actions import preview_schedule, read_cron, schedule_of
from workflows.api import rows
from workflows.api.bodies import require_small
from workflows.api.caller import reader
from workflows.api.load_schemas import (
    CellOut,
    ChangeList,
    ChangeOut,
    CronIn,
    CronOut,
    GapList,
    GapOut,
    HeatMapOut,
    PastHeatMapOut,
    PlannedOut,
    QuieterOut,
    ScheduleList,
    ScheduleOut,
)
from workflows.engine import limits, load
from workflows.engine.all_schedules import named, schedules_listed
from workflows.engine.calendar import find_zone
from workflows.engine.calendar.instants import to_instant, to_seconds, wall_seconds
from workflows.engine.forecast import Cell, even_cells
from workflows.engine.past_load import PastFilter, past_load
from workflows.engine.schedule_text import describe
from workflows.exceptions import Fault, InvalidInput, NotFound
from workflows.models import Workflow

router = Router(tags=["Schedule and structure"])
CELL_SECONDS = 300
WEEK = timedelta(days=7)
_ONE_DAY = timedelta(days=1)
Days = Annotated[int, Query(1, ge=1, le=load.MOST_DAYS)]
From = Annotated[
    datetime | None, Query(None, alias="from", description="Not before now")
]


@router.get("/schedules", response=ScheduleList, url_name="schedules")
def list_schedules(
    request: HttpRequest, q: str = "", package: str = ""
) -> dict[str, Any]:
    """List the schedules of all workflows with what they plan for seven days."""
    reader(request)
    now = timezone.now()
    found = load.forecast(now, now + WEEK)
    listed = schedules_listed(found, now, now + WEEK, text=q, package=package)
    return {
        "items": [
            ScheduleOut(
                internal_name=row.workflow.internal_name,
                label=row.workflow.label,
                package=row.workflow.package,
                activity=row.activity,
                sentence=row.text,
                zone=row.zone,
                is_planned=row.is_planned,
                starts=row.starts,
                next=list(row.instants),
            )
            for row in listed
        ],
        "next": None,
    }


@router.post("/schedules/from-cron", response=CronOut, url_name="schedule_from_cron")
def post_cron(request: HttpRequest, body: CronIn) -> CronOut:
    """Turn a cron expression into the nearest schedule; nothing is stored.

    400 with the field ``cron`` for what no schedule can say.
    """
    require_small(request)
    reader(request)
    found = read_cron(body.cron, at=timezone.now(), zone=body.zone, count=body.count)
    return CronOut(
        schedule=found.schedule.as_dict(),
        sentence=found.sentence,
        zone=found.zone.key,
        instants=list(found.instants),
        changes=[ChangeOut.of(effect, found.zone) for effect in found.changes],
    )


@router.get("/heat-map", response=HeatMapOut, url_name="heat_map")
def show_heat_map(
    request: HttpRequest, first: From = None, days: Days = 1
) -> dict[str, Any]:
    """Tell how many workflows will run at once, by five minutes, and quieter times."""
    reader(request)
    found = _forecast(first, days)
    begin = to_seconds(found.first)
    count = (to_seconds(found.until) - begin) // CELL_SECONDS
    cells = even_cells(begin, CELL_SECONDS, count)
    return {
        "first": found.first,
        "until": found.until,
        "cell_seconds": CELL_SECONDS,
        "limit": found.limit,
        "is_frozen": found.is_frozen,
        "frozen_until": found.frozen_until,
        "items": _cells(cells, found.profile.peaks(cells)),
        "workflows": [
            PlannedOut.of(item, describe(item.schedule)) for item in found.planned
        ],
        "quieter": _quieter(found),
    }


@router.get("/heat-map/past", response=PastHeatMapOut, url_name="past_heat_map")
def show_past(
    request: HttpRequest,
    day: date | None = None,
    zone: str = "UTC",
    least_seconds: Annotated[int, Query(0, ge=0, le=3600)] = 0,
    workflow: str = "",
    is_technical: bool | None = None,
    q: Annotated[str, Query("", description="Part of a label or a name")] = "",
) -> dict[str, Any]:
    """Tell how many workflows ran at once on a day (default today) of ``zone``."""
    reader(request)
    now = timezone.now()
    place = find_zone(zone)
    if place is None:
        text = _("There is no time zone %(zone)s.") % {"zone": zone}
        raise InvalidInput(text, faults=[Fault("zone", text)])
    chosen_day = day or now.astimezone(place).date()
    low = wall_seconds(place, chosen_day, time(0))
    high = wall_seconds(place, chosen_day + _ONE_DAY, time(0))
    first, until = to_instant(low), to_instant(high)
    chosen = PastFilter(
        least_seconds=least_seconds,
        workflow=workflow,
        is_technical=is_technical,
        among=_keys_of(q) if q.strip() else None,
    )
    found = past_load(first, until, chosen, now)
    cells = even_cells(low, CELL_SECONDS, (high - low) // CELL_SECONDS)
    return {
        "first": first,
        "until": until,
        "cell_seconds": CELL_SECONDS,
        "limit": limits.max_active(),
        "runs": found.runs,
        "is_cut": found.is_cut,
        "items": _cells(cells, found.profile.peaks(cells)),
    }


@router.get("/maintenance-gaps", response=GapList, url_name="maintenance_gaps")
def list_gaps(
    request: HttpRequest,
    first: From = None,
    days: Days = 1,
    with_frequent: bool = False,
    limit: Annotated[int, Query(50, ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """List the stretches in which nothing is planned, the longest first.

    Workflows that begin every few minutes are left out unless ``with_frequent``.
    """
    reader(request)
    found = _forecast(first, days)
    gaps = found.gaps(with_frequent=with_frequent)[:limit]
    frequent = [item for item in found.planned if item.is_frequent]
    return {
        "items": [
            GapOut(
                begins=to_instant(gap.begins),
                ends=to_instant(gap.ends),
                seconds=gap.seconds,
            )
            for gap in gaps
        ],
        "next": None,
        "left_out": []
        if with_frequent
        else [item.workflow.internal_name for item in frequent],
    }


@router.get(
    "/workflows/{internal_name}/schedule/clock-changes",
    response=ChangeList,
    url_name="clock_changes",
)
def list_clock_changes(
    request: HttpRequest, internal_name: str, activity: str = "scheduler"
) -> dict[str, Any]:
    """Tell what the next two changes of the clocks do to the schedule."""
    reader(request)
    workflow = rows.find_workflow(internal_name)
    stored = schedule_of(workflow, activity)
    if stored is None:
        raise NotFound(
            _("%(name)s has no scheduler activity %(activity)s."),
            name=internal_name,
            activity=activity,
        )
    found = preview_schedule(
        workflow=workflow,
        schedule=stored,
        at=timezone.now(),
        count=1,
        activity=activity,
    )
    zone = find_zone(found.zone)
    return {
        "zone": found.zone,
        "items": [ChangeOut.of(each, zone) for each in found.changes if zone],
        "next": None,
    }


def _forecast(first: datetime | None, days: int) -> load.Forecast:
    """Return the forecast from ``first`` on; raises InvalidInput for the past."""
    now = timezone.now()
    begin = first or now
    if begin.tzinfo is None or begin < now - timedelta(minutes=1):
        text = _("Give an instant with its offset that is not over; else use past.")
        raise InvalidInput(text, faults=[Fault("from", text)])
    if begin > now + timedelta(days=load.MOST_DAYS):
        text = _("Give an instant within the next %(days)s days.") % {
            "days": load.MOST_DAYS
        }
        raise InvalidInput(text, faults=[Fault("from", text)])
    begin = begin.replace(second=0, microsecond=0)
    return load.forecast(begin, begin + timedelta(days=days))


def _keys_of(text: str) -> tuple[int, ...]:
    rows = Workflow.objects.visible().filter(named(text.strip()))
    return tuple(rows.values_list("pk", flat=True))


def _quieter(found: load.Forecast) -> list[QuieterOut]:
    pairs = ((item, found.proposal(item)) for item in found.crowded())
    return [
        QuieterOut(
            internal_name=item.workflow.internal_name,
            activity=item.activity,
            minutes=better.minutes,
            others_now=better.others_now,
            others_then=better.others_then,
            sentence=describe(better.schedule),
            schedule=better.schedule.as_dict(),
        )
        for item, better in pairs
        if better is not None
    ]


def _cells(cells: Iterable[Cell], peaks: Iterable[int]) -> list[CellOut]:
    return [
        CellOut(
            begins=to_instant(cell.begins), ends=to_instant(cell.ends), at_once=peak
        )
        for cell, peak in zip(cells, peaks, strict=True)
    ]
