"""The structure as a drawing: one draft with the list, edited in the browser.

The page asks for the draft as JSON, sends it back whole after each change, and gets
what there is to say about it. Without script it leads to the list.
"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from workflows.actions import drafts, rights
from workflows.activities import activity_types
from workflows.console import access
from workflows.console.activity_form import ActivityForm
from workflows.console.structure_rows import rows_of
from workflows.console.views.structure import find, graph_of, page
from workflows.engine.graph import Graph
from workflows.exceptions import AppError, InvalidInput, NotFound
from workflows.models import Workflow

#: A structure of a hundred activities is a tenth of it.
LARGEST = 1_000_000
_STEPS = {"undo": drafts.undo_draft, "redo": drafts.redo_draft}


@access.requires("workflows.view")
def editor(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Show the drawing; this page alone allows inline styles, which X6 sets."""
    workflow = find(internal_name)
    answer = render(request, "workflows/structure_editor.html", page(request, workflow))
    policy = {
        **settings.CONTENT_SECURITY_POLICY,
        "style-src": "'self' 'unsafe-inline'",
    }
    answer["Content-Security-Policy"] = "; ".join(
        f"{directive} {sources}" for directive, sources in policy.items()
    )
    return answer


@access.requires("workflows.view")
@require_http_methods(["GET", "HEAD", "PUT", "POST"])
def draft(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Return the draft (GET), replace it (PUT), or go a step back or forth (POST)."""
    workflow = find(internal_name)
    try:
        if request.method == "PUT":
            _replace(request, workflow)
        elif request.method == "POST":
            _step(request, workflow)
    except AppError as error:
        faults = [{"field": f.field, "message": f.message} for f in error.faults]
        body = {"message": error.message, "faults": faults}
        return JsonResponse(body, status=error.status)
    return JsonResponse(_shown(request, workflow))


def _replace(request: HttpRequest, workflow: Workflow) -> None:
    access.check(request, rights.EDIT_STRUCTURE)
    if len(request.body) > LARGEST:
        raise InvalidInput(_("The structure is too large."))
    try:
        graph = json.loads(request.body)
    except ValueError as error:
        raise InvalidInput(_("The structure is no JSON document.")) from error
    drafts.replace_draft(
        internal_name=workflow.internal_name,
        graph=graph,
        acting_operator=request.user,
        at=timezone.now(),
    )


def _step(request: HttpRequest, workflow: Workflow) -> None:
    access.check(request, rights.EDIT_STRUCTURE)
    step = _STEPS.get(request.GET.get("do", ""))
    if step is None:
        raise NotFound(_("There is no such step."))
    step(
        internal_name=workflow.internal_name,
        acting_operator=request.user,
        at=timezone.now(),
    )


def _shown(request: HttpRequest, workflow: Workflow) -> dict[str, Any]:
    """Return the draft with what the drawing needs to draw it."""
    kept = drafts.find_draft(workflow, request.user)
    graph = graph_of(workflow, kept)
    findings = drafts.findings_of(workflow, graph, timezone.now())
    rows = rows_of(graph, findings)
    kinds = activity_types()
    return {
        "graph": graph.as_dict(),
        "activities": [
            {
                "name": row.node.name,
                "title": row.node.title,
                "kind": str(row.kind),
                "icon": row.icon,
                "outputs": [way.output for way in row.ways],
                "findings": [
                    {"level": one.level, "message": one.message} for one in row.findings
                ],
                "is_initial": kinds[row.node.type].is_initial_only,
            }
            for row in rows
        ],
        "general": [
            {"level": one.level, "message": one.message}
            for one in findings
            if one.activity not in graph.by_name
        ],
        "has_draft": kept is not None,
        "can_undo": bool(kept and kept.done),
        "can_redo": bool(kept and kept.undone),
    }


@access.requires("workflows.view")
def activity_fields(
    request: HttpRequest, internal_name: str, name: str
) -> HttpResponse:
    """Return the form of one activity, for the panel beside the drawing."""
    workflow = find(internal_name)
    graph: Graph = graph_of(workflow, drafts.find_draft(workflow, request.user))
    node = graph.by_name.get(name)
    if node is None:
        raise NotFound(_("The structure has no activity %(name)s."), name=name)
    findings = drafts.findings_of(workflow, graph, timezone.now())
    row = next(row for row in rows_of(graph, findings) if row.node.name == name)
    context = {
        "workflow": workflow,
        "node": node,
        "row": row,
        "form": ActivityForm(node),
        "refusal": access.lacking(request, rights.EDIT_STRUCTURE),
    }
    return render(request, "workflows/_activity_form.html", context)
