"""Why did it not run? One instant, and everything that the records say of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from workflows.actions import next_runs
from workflows.console import access
from workflows.console.views.workflow_detail import find
from workflows.exceptions import Fault, InvalidInput
from workflows.models import Command, Occurrence, Workflow

SHOWN = 50
NEAR = 3
AROUND = timedelta(hours=1)


@access.requires("workflows.view")
def why(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Show the planned instants of late, or what became of the one ``at``."""
    workflow = find(internal_name)
    text = request.GET.get("at", "").strip()
    context: dict[str, Any] = {
        "workflow": workflow,
        "at_text": text,
        "rows": [],
        "answer": None,
    }
    if text:
        context |= _of_instant(workflow, read_instant(text))
    else:
        newest = Occurrence.objects.filter(workflow=workflow)
        context["rows"] = list(newest[:SHOWN])
    return render(request, "workflows/why.html", context)


def read_instant(text: str) -> datetime:
    """Return an instant as a form or an address has it; raises InvalidInput."""
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise InvalidInput(
            _("This is no instant."),
            faults=[Fault("at", _("Write it like 2026-11-22T04:00."))],
        )
    if timezone.is_naive(found):
        found = timezone.make_aware(found)
    return found


def _of_instant(workflow: Workflow, at: datetime) -> dict[str, Any]:
    """Return the row that covers an instant, its neighbours, and orders around it."""
    rows = Occurrence.objects.filter(workflow=workflow)
    at_or_before = list(rows.filter(scheduled_for__lte=at)[:NEAR])
    after = list(rows.filter(scheduled_for__gt=at).order_by("scheduled_for")[:NEAR])
    covering = next((row for row in at_or_before if row.last_scheduled_for >= at), None)
    now = timezone.now()
    upcoming = [instant for instant in next_runs(workflow, now) if instant >= at]
    return {
        "at": at,
        "answer": covering,
        "is_future": at > now,
        "rows": [*reversed(after), *at_or_before],
        "upcoming": upcoming[:NEAR],
        "ordered": list(
            Command.objects.filter(
                pk__in=workflow.commands.order_by("-pk").values("pk")[:2_000],
                requested_at__range=(at - AROUND, at + AROUND),
            ).order_by("-pk")[:20]
        ),
    }
