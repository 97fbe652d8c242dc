"""Editing a schedule: fields, preview of old and new, save, reset."""

from __future__ import annotations

import zoneinfo
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from workflows import conf
from workflows.actions import (
    default_schedule,
    preview_schedule,
    save_schedule,
    schedule_of,
    shift_schedule,
)
from workflows.console import access
from workflows.console.forms import add_faults, zone_names
from workflows.console.schedule_form import ScheduleForm
from workflows.console.schedule_shown import Shown, shown_preview
from workflows.console.schedules import schedules_of
from workflows.console.views.workflow_detail import find
from workflows.engine import load
from workflows.engine.calendar import Schedule, resolve_zone
from workflows.engine.schedule_text import describe
from workflows.exceptions import InvalidInput, NotFound, StaleVersion
from workflows.models import Source, StructureVersion, Workflow

SHOWN = 10
#: The load is looked at so far ahead.
LOOK_AHEAD = timedelta(days=7)
#: A shift that the address may ask for, in minutes.
MOST_SHIFTED = 24 * 60


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
    minutes = 0 if order in ("save", "reset") else _shift(request)
    shape: dict[str, Any] = stored
    preview: Shown | None = None
    status = 200
    problem = ""
    conflict: StaleVersion | None = None
    try:
        if request.method == "POST":
            shape = _read(form, workflow, order)
        if minutes:
            shape, form, problem = _shifted(shape, minutes)
            status = 422 if problem else 200
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
        "problem": problem,
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


def _shift(request: HttpRequest) -> int:
    """Return by how many minutes the reader wants the schedule moved; 0: not."""
    text = request.POST.get("shift") or request.GET.get("shift") or ""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 4):
        return 0
    minutes = int(text)
    return minutes if abs(minutes) <= MOST_SHIFTED else 0


def _shifted(
    shape: dict[str, Any], minutes: int
) -> tuple[dict[str, Any], ScheduleForm, str]:
    """Return the moved schedule, the form that shows it, and why it was not moved."""
    problem = ""
    try:
        shape = shift_schedule(shape, minutes)
    except InvalidInput as error:
        problem = error.message
    return shape, ScheduleForm(initial=ScheduleForm.initial_of(shape)), problem


def _preview(workflow: Workflow, activity: str, shape: dict[str, Any]) -> Shown:
    """Return the sentences and instants of old and new; raises InvalidInput."""
    now = timezone.now()
    found = preview_schedule(
        workflow=workflow, schedule=shape, at=now, count=SHOWN, activity=activity
    )
    stored = schedule_of(workflow, activity) or shape
    zone_old = resolve_zone(
        Schedule.parse(stored).tz,
        workflow_tz=workflow.time_zone,
        server_tz=conf.server_zone(),
    )
    crowd = load.crowd_of(
        load.forecast(now, now + LOOK_AHEAD),
        workflow,
        Schedule.parse(shape),
        zoneinfo.ZoneInfo(found.zone),
    )
    return shown_preview(found, zone_old, now, crowd)
