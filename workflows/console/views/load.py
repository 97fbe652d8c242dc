"""All schedules at a glance, and the heat maps of the days to come and gone by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from workflows.console import access, load_grid, queries, wording
from workflows.console.filters import package_choices
from workflows.engine import limits, load
from workflows.engine.all_schedules import Listed, schedules_listed
from workflows.engine.calendar.instants import to_instant
from workflows.engine.forecast import Gap, Quieter
from workflows.engine.load import Forecast, Planned
from workflows.engine.past_load import (
    MOST_LISTED,
    PastFilter,
    at_work,
    past_load,
)
from workflows.engine.schedule_text import describe
from workflows.models import Workflow

DAYS: Final = (1, 2, 3, 7, 14)
WEEK: Final = 7
GAPS: Final = 10
LEAST: Final = (0, 1, 10, 60, 300, 900, 1800, 3600)
MOST_WORKFLOWS: Final = 500
TYPES: Final = (
    ("", gettext_lazy("Technical and own")),
    ("technical", gettext_lazy("Technical workflows")),
    ("own", gettext_lazy("Own workflows")),
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A quieter time for a scheduler, with the address of the preview."""

    planned: Planned
    text_now: str
    text_then: str
    found: Quieter
    url: str


@dataclass(frozen=True, slots=True)
class Free:
    """A stretch of time for maintenance."""

    begins: datetime
    ends: datetime
    seconds: int

    @classmethod
    def of(cls, gap: Gap) -> Free:
        """Return a gap as instants."""
        return cls(to_instant(gap.begins), to_instant(gap.ends), gap.seconds)


@dataclass(frozen=True, slots=True)
class Source:
    """A line of the table that tells from what the forecast is made."""

    planned: Planned
    label: str
    sentence: str
    url: str


@access.requires("workflows.view")
@require_safe
def heat_map(request: HttpRequest) -> HttpResponse:
    """Show how many workflows will run at once, when none does, and quieter times."""
    now = timezone.now()
    days = _number(request.GET, "days", DAYS, 1)
    plan = _plan_ahead(now, days)
    found = load.forecast(now, plan.bounds[1])
    grid = load_grid.draw(
        plan,
        found.profile,
        found.limit,
        since=now,
        chosen=request.GET.get("cell", ""),
    )
    with_frequent = request.GET.get("frequent") == "1"
    context = {
        "grid": grid,
        "found": found,
        "days": days,
        "choices": DAYS,
        "gaps": [
            Free.of(gap) for gap in found.gaps(with_frequent=with_frequent)[:GAPS]
        ],
        "with_frequent": with_frequent,
        "frequent": [item for item in found.planned if item.is_frequent],
        "always_on": [item for item in found.planned if item.is_always_on],
        "proposals": _proposals(found),
        "sources": [_source(item) for item in found.planned],
        "cell_rows": _in_cell(found, grid),
        "refusal": access.lacking(request, "workflows.change_technical"),
        "assumed": load.ASSUMED_SECONDS,
        "title": _("Heat map"),
    }
    return render(request, "workflows/heat_map.html", context)


@access.requires("workflows.view")
@require_safe
def past_heat_map(request: HttpRequest) -> HttpResponse:
    """Show how many workflows ran at once on a day, by five minutes."""
    now = timezone.now()
    today = timezone.localdate()
    day = min(_day(request.GET.get("day", ""), today), today)
    plan = load_grid.of_day(day)
    first, until = plan.bounds
    chosen, selection = _past_filter(request.GET)
    found = past_load(first, until, chosen, now)
    limit = limits.max_active()
    grid = load_grid.draw(
        plan, found.profile, limit, before=now, chosen=request.GET.get("cell", "")
    )
    worked = at_work(*grid.chosen, chosen, now) if grid.chosen else []
    context = {
        "grid": grid,
        "found": found,
        "limit": limit,
        "day": day,
        "today": today,
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1) if day < today else None,
        "selection": selection,
        "least_choices": [
            (number, wording.span(number) if number else _("any")) for number in LEAST
        ],
        "types": TYPES,
        "workflows": list(
            Workflow.objects.visible()
            .only("internal_name", "own_label", "is_technical")
            .order_by("internal_name")[:MOST_WORKFLOWS]
        ),
        "worked": worked,
        "is_cell_cut": len(worked) == MOST_LISTED,
        "is_filtered": any(selection.values()),
        "title": _("Heat map"),
    }
    return render(request, "workflows/heat_map_past.html", context)


@access.requires("workflows.view")
@require_safe
def schedule_list(request: HttpRequest) -> HttpResponse:
    """Show the schedules of all workflows: a week as a grid, and a table."""
    now = timezone.now()
    plan = load_grid.of_days(timezone.localdate(now), WEEK)
    first, until = plan.bounds
    found = load.forecast(now, until)
    text, package = request.GET.get("q", ""), request.GET.get("package", "")
    rows = schedules_listed(found, first, until, text=text, package=package)
    shown = _only(found, rows) if text or package else found
    grid = load_grid.draw(
        plan,
        shown.profile,
        found.limit,
        since=now,
        chosen=request.GET.get("cell", ""),
    )
    context = {
        "grid": grid,
        "found": found,
        "rows": rows,
        "cell_rows": _in_cell(shown, grid),
        "packages": package_choices(),
        "selection": {"q": text, "package": package},
        "is_filtered": bool(text or package),
        "refusal": access.lacking(request, "workflows.change_technical"),
    }
    return render(request, "workflows/schedule_list.html", context)


def _plan_ahead(now: datetime, days: int) -> load_grid.Plan:
    if days == 1:
        return load_grid.of_hours(now)
    return load_grid.of_days(timezone.localdate(now), days)


def _only(found: Forecast, rows: list[Listed]) -> Forecast:
    """Return the forecast of the listed schedules alone."""
    kept = {(row.workflow.pk, row.activity) for row in rows}
    planned = tuple(
        item for item in found.planned if (item.workflow.pk, item.activity) in kept
    )
    return replace(found, planned=planned)


def _in_cell(found: Forecast, grid: load_grid.Grid) -> list[Source]:
    if grid.chosen is None:
        return []
    begins, ends = (int(at.timestamp()) for at in grid.chosen)
    return [_source(item) for item in found.at_work(begins, ends)]


def _source(item: Planned) -> Source:
    return Source(
        item, item.workflow.label, describe(item.schedule), _schedule_url(item)
    )


def _schedule_url(item: Planned, minutes: int = 0) -> str:
    url = reverse(
        "workflows:schedule", args=[item.workflow.internal_name, item.activity]
    )
    return f"{url}?shift={minutes}" if minutes else url


def _proposals(found: Forecast) -> list[Proposal]:
    proposals = []
    for item in found.crowded():
        better = found.proposal(item)
        if better is not None:
            proposals.append(
                Proposal(
                    item,
                    describe(item.schedule, with_validity=False),
                    describe(better.schedule, with_validity=False),
                    better,
                    _schedule_url(item, better.minutes),
                )
            )
    return proposals


def _past_filter(query: QueryDict) -> tuple[PastFilter, dict[str, Any]]:
    """Return the filter and its values as the form shows them."""
    least = _number(query, "least", LEAST, 0)
    kind = query.get("type", "")
    name = query.get("q", "").strip()[:100]
    workflow = query.get("workflow", "")[:64]
    among = None
    if name:
        named = queries.search(Workflow.objects.visible(), name)
        among = tuple(named.values_list("pk", flat=True)[:MOST_WORKFLOWS])
    chosen = PastFilter(
        least_seconds=least,
        workflow=workflow,
        is_technical={"technical": True, "own": False}.get(kind),
        among=among,
    )
    return chosen, {"least": least, "type": kind, "q": name, "workflow": workflow}


def _number(query: QueryDict, name: str, among: tuple[int, ...], default: int) -> int:
    text = query.get(name, "")
    number = int(text) if text.isascii() and text.isdigit() else default
    return number if number in among else default


def _day(text: str, default: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return default
