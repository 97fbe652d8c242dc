"""Editing a schedule: fields, preview of old and new, save, reset."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from workflows import conf
from workflows.actions import (
    SchedulePreview,
    default_schedule,
    preview_schedule,
    save_schedule,
    schedule_of,
)
from workflows.console import access, wording
from workflows.console.forms import add_faults, zone_names
from workflows.console.schedule_form import ScheduleForm
from workflows.console.schedules import schedules_of
from workflows.console.views.workflow_detail import find
from workflows.engine.calendar import (
    Mark,
    Preview,
    Schedule,
    resolve_zone,
    zone_changes,
)
from workflows.engine.schedule_text import describe
from workflows.exceptions import InvalidInput, NotFound, StaleVersion
from workflows.models import Source, StructureVersion, Workflow

SHOWN = 10
LOOK_AHEAD_DAYS = 60
MARKS: dict[Mark, str | Promise] = {
    Mark.MOVED: gettext_lazy("moved: this local time does not exist that day"),
    Mark.REPEATED: gettext_lazy("first of two: this local time comes twice that day"),
    Mark.EXPIRED: gettext_lazy("after the end: not run"),
}


@dataclass(frozen=True, slots=True)
class Instant:
    """One line of the preview, in the schedule's zone and in the reader's."""

    text: str
    here: str
    iso: str
    mark: str
    is_off: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A preview made ready for the page."""

    sentence_old: str
    sentence_new: str
    old: list[Instant]
    new: list[Instant]
    zone: str
    zone_old: str
    notes: Sequence[str]
    is_same: bool


@access.requires("workflows.view")
def first_schedule(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Lead to the form of the workflow's first scheduler."""
    for planned in schedules_of(find(internal_name)):
        return redirect("workflows:schedule", internal_name, planned.activity)
    raise NotFound(
        _("The workflow %(workflow)s has no scheduler."), workflow=internal_name
    )


@access.requires("workflows.view")
@require_http_methods(["GET", "HEAD", "POST"])
def schedule(request: HttpRequest, internal_name: str, activity: str) -> HttpResponse:
    """Show the form; preview, save or reset. Saving triggers no run."""
    workflow = find(internal_name)
    stored = schedule_of(workflow, activity)
    if stored is None:
        raise NotFound(
            _("The workflow %(workflow)s has no scheduler %(activity)s."),
            workflow=internal_name,
            activity=activity,
        )
    initial = ScheduleForm.initial_of(stored)
    form = ScheduleForm(request.POST or None, initial=initial)
    order = request.POST.get("do", "") if request.method == "POST" else ""
    shape: dict[str, Any] = stored
    preview: Shown | None = None
    status = 200
    conflict: StaleVersion | None = None
    try:
        if request.method == "POST":
            shape = _read(form, workflow, order)
        preview = _preview(workflow, activity, shape)
        if order in ("save", "reset"):
            version = _save(request, workflow, activity, shape)
            return _saved(request, workflow, version)
    except InvalidInput as error:
        add_faults(form, error.faults)
        status = 422
    except StaleVersion as error:
        conflict, status = error, 409
    context = {
        "workflow": workflow,
        "activity": activity,
        "form": form,
        "preview": preview,
        "conflict": conflict,
        "version": request.POST.get("version") or _number(workflow),
        "default_text": _default_text(workflow),
        "refusal": access.lacking(request, "workflows.change_technical"),
        "zones": zone_names(),
    }
    if request.htmx and order == "preview":  # type: ignore[attr-defined]
        return render(request, "workflows/_schedule_preview.html", context)
    return render(request, "workflows/schedule.html", context, status=status)


def _read(form: ScheduleForm, workflow: Workflow, order: str) -> dict[str, Any]:
    """Return the stored shape that the request asks for; raises InvalidInput."""
    if order == "reset":
        default = default_schedule(workflow)
        if default is None:
            raise InvalidInput(_("This workflow has no built-in schedule."))
        form.is_valid()
        return default
    if not form.is_valid():
        raise InvalidInput(_("The schedule has faults."))
    return form.stored()


def _save(
    request: HttpRequest, workflow: Workflow, activity: str, shape: dict[str, Any]
) -> StructureVersion:
    expected = request.POST.get("version", "")
    return save_schedule(
        internal_name=workflow.internal_name,
        schedule=shape,
        expected_version=int(expected) if expected.isdigit() else _number(workflow),
        acting_operator=request.user,
        source=Source.CONSOLE,
        at=timezone.now(),
        activity=activity,
        reason=request.POST.get("reason", "").strip()[:512],
    )


def _saved(
    request: HttpRequest, workflow: Workflow, version: StructureVersion
) -> HttpResponse:
    messages.success(
        request,
        _("Schedule of %(workflow)s saved as version %(number)s; no run was triggered.")
        % {"workflow": workflow.label, "number": version.number},
    )
    return redirect(workflow)


def _number(workflow: Workflow) -> int:
    return workflow.structure.number if workflow.structure else 0


def _default_text(workflow: Workflow) -> str:
    default = default_schedule(workflow)
    return describe(Schedule.parse(default)) if default else ""


def _preview(workflow: Workflow, activity: str, shape: dict[str, Any]) -> Shown:
    """Return the sentences and instants of old and new; raises InvalidInput."""
    now = timezone.now()
    found = preview_schedule(
        workflow=workflow, schedule=shape, at=now, count=SHOWN, activity=activity
    )
    zone = zoneinfo.ZoneInfo(found.zone)
    stored = schedule_of(workflow, activity) or shape
    zone_old = resolve_zone(
        Schedule.parse(stored).tz,
        workflow_tz=workflow.time_zone,
        server_tz=conf.server_zone(),
    )
    old, new = _instants(found.old, zone_old), _instants(found.new, zone)
    return Shown(
        found.sentence_old,
        found.sentence_new,
        old,
        new,
        found.zone,
        zone_old.key,
        [*found.notes, *_zone_notes(zone, now), *_load_notes(found)],
        found.sentence_old == found.sentence_new and found.old == found.new,
    )


def _instants(items: Sequence[Preview], zone: zoneinfo.ZoneInfo) -> list[Instant]:
    here = timezone.get_current_timezone_name()
    shown = []
    for item in items:
        with timezone.override(zone):
            text = wording.moment(item.instant, seconds=item.instant.second != 0)
        local = "" if here == zone.key else wording.moment(item.instant)
        shown.append(
            Instant(
                text,
                local,
                wording.iso(item.instant),
                str(MARKS.get(item.mark, "")),
                item.mark is Mark.EXPIRED,
            )
        )
    return shown


def _zone_notes(zone: zoneinfo.ZoneInfo, now: datetime) -> list[str]:
    """Tell of a clock change that is near."""
    notes = []
    for change in zone_changes(zone, now, 1, days=LOOK_AHEAD_DAYS):
        with timezone.override(zone):
            when = wording.moment(change.instant)
        text = (
            _("Clocks in %(zone)s go forward on %(when)s.")
            if change.after > change.before
            else _("Clocks in %(zone)s go back on %(when)s.")
        )
        notes.append(text % {"zone": zone.key, "when": when})
    return notes


def _load_notes(found: SchedulePreview) -> list[str]:
    """Tell how many runs a day a frequent schedule makes."""
    if len(found.new) < 2:
        return []
    distance = found.new[1].instant - found.new[0].instant
    if distance >= timedelta(minutes=15) or distance <= timedelta(0):
        return []
    runs = wording.number(round(timedelta(days=1) / distance))
    return [_("At this frequency up to %(n)s runs a day are made.") % {"n": runs}]
