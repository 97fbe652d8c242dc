"""A simulation beside the next real run."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from workflows.console import access
from workflows.console.views.workflow_detail import find
from workflows.engine.comparison import compare
from workflows.exceptions import NotFound
from workflows.models import Run


@access.requires("workflows.view")
@require_safe
def comparison(request: HttpRequest, internal_name: str, number: int) -> HttpResponse:
    """Show what a simulation said and what then happened, activity by activity."""
    workflow = find(internal_name)
    run = Run.objects.filter(workflow=workflow, pk=number, is_simulation=True).first()
    if run is None:
        raise NotFound(_("Run %(number)s is no simulation."), number=number)
    structure = workflow.structure
    labels = {
        activity["name"]: activity.get("label") or activity["name"]
        for activity in (structure.activities if structure else ())
    }
    found = compare(run)
    return render(
        request,
        "workflows/comparison.html",
        {
            "workflow": workflow,
            "found": found,
            "rows": [
                (labels.get(row.activity, row.activity), row.simulated, row.real)
                for row in found.rows
            ],
        },
    )
