"""The overview, the supervision page, and their live changes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone

from campaign.platform import supervision as told
from campaign.supervision import readings
from campaign.supervision.console import engine
from workflows.console import access
from workflows.console.context import health_of
from workflows.console.live import Fragments

VIEW = engine.VIEW
SUPERVISED = ("parts", "queues", "figures", "concerns")
SHOWN_AT_HOME = ("summary", "figures", "concerns", "next")


def _supervision(request: HttpRequest) -> dict[str, Any]:
    at = timezone.now()
    parts = readings.parts(health_of(request), at)
    return {
        "parts": parts,
        "down": [part for part in parts if part.status == readings.DOWN],
        "queues": readings.queue_depths(),
        "figures": told.figures(request, at),
        "concerns": told.concerns(request, at),
    }


def _overview(request: HttpRequest) -> dict[str, Any]:
    at = timezone.now()
    may_see = request.user.has_perm(VIEW)
    parts = readings.parts(health_of(request), at) if may_see else []
    return {
        "down": [part for part in parts if part.status != readings.UP],
        "parts": parts,
        "figures": told.figures(request, at),
        "concerns": told.concerns(request, at),
        "next": engine.next_runs() if may_see else [],
        "may_see": may_see,
    }


def _fragments(context: dict[str, Any], names: tuple[str, ...]) -> Fragments:
    fragments = Fragments()
    for name in names:
        html = render_to_string(f"monitoring/_{name}.html", context)
        fragments.add(f"monitoring-{name}", html)
    return fragments


@access.requires(VIEW)
def supervision(request: HttpRequest) -> HttpResponse:
    """Show the lights of every part, the queues, and what needs a person."""
    context = _supervision(request)
    token = _fragments(context, SUPERVISED).token
    return render(request, "monitoring/supervision.html", {**context, "token": token})


@access.requires(VIEW)
def supervision_changes(request: HttpRequest) -> HttpResponse:
    """Return what changed of the supervision page since the reader's token."""
    fragments = _fragments(_supervision(request), SUPERVISED)
    return fragments.answer(request.GET.get("token", ""), summary=True)


@access.requires()
def overview(request: HttpRequest) -> HttpResponse:
    """Show what waits for a person, and what comes next."""
    context = _overview(request)
    token = _fragments(context, SHOWN_AT_HOME).token
    return render(request, "monitoring/overview.html", {**context, "token": token})


@access.requires()
def overview_changes(request: HttpRequest) -> HttpResponse:
    """Return what changed of the overview since the reader's token."""
    fragments = _fragments(_overview(request), SHOWN_AT_HOME)
    return fragments.answer(request.GET.get("token", ""), summary=True)
