"""The maintenance report: every workflow with what the person on call must know."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from workflows import registry
from workflows.console import access, downloads, queries, schedules
from workflows.models import Workflow


@dataclass(frozen=True, slots=True)
class Line:
    """One workflow of the report."""

    workflow: Workflow
    package: str
    schedule: str
    supervisors: str


def lines() -> list[Line]:
    """Return the technical workflows by package and label. Two queries."""
    found = queries.listed().prefetch_related("supervisors")
    return [
        Line(
            workflow,
            registry.package_label(workflow.package),
            schedules.schedule_text(workflow),
            ", ".join(sorted(one.name for one in workflow.supervisors.all())),
        )
        for workflow in found.order_by("package", F("shown_label"))
    ]


@access.requires("workflows.view")
def maintenance_report(request: HttpRequest) -> HttpResponseBase:
    """Show the report (monitoring-technical-workflows.md); ``format=csv`` a file."""
    found = lines()
    if request.GET.get(downloads.PARAMETER) == downloads.CSV:
        return _download(found)
    context = {
        "lines": found,
        "unowned": sum(not line.workflow.owner for line in found),
        "at": timezone.now(),
    }
    answer: HttpResponse = render(request, "workflows/report.html", context)
    return answer


def _download(found: list[Line]) -> HttpResponseBase:
    head = (
        _("Internal name"),
        _("Label"),
        _("Package"),
        _("Schedule"),
        _("Severity"),
        _("Description"),
        _("Owner"),
        _("Supervisors"),
        _("Runbook"),
        _("What to do on an error"),
    )
    return downloads.csv_answer(
        "maintenance-report",
        head,
        (
            (
                line.workflow.internal_name,
                line.workflow.label,
                line.package,
                line.schedule,
                line.workflow.get_severity_display(),
                line.workflow.described,
                line.workflow.owner,
                line.supervisors,
                line.workflow.runbook,
                line.workflow.on_error,
            )
            for line in found
        ),
    )
