"""The structure of a workflow as a list of forms: a draft, until it is saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from workflows.actions import drafts, rehearse, rights
from workflows.console import access
from workflows.console.activity_form import ActivityForm
from workflows.console.structure_rows import of_no_activity, palette, rows_of
from workflows.console.views.workflow_detail import find
from workflows.engine import diff, editing, validation
from workflows.engine.graph import ERROR_OUTPUT, Graph, Node
from workflows.exceptions import (
    AppError,
    CommandRefused,
    InvalidInput,
    NotFound,
    StaleVersion,
)
from workflows.models import Source, StructureDraft, StructureVersion, Workflow

VIEW = "workflows.view"
EMPTY: dict[str, Any] = {"activities": [], "transitions": []}


@access.requires(VIEW)
def structure(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Show the activities of the draft, or of the version in force."""
    workflow = find(internal_name)
    return render(request, "workflows/structure.html", page(request, workflow))


def page(request: HttpRequest, workflow: Workflow) -> dict[str, Any]:
    """Return what list and drawing show. Bounded queries."""
    draft = drafts.find_draft(workflow, request.user)
    graph = graph_of(workflow, draft)
    findings = drafts.findings_of(workflow, graph, timezone.now())
    return {
        "workflow": workflow,
        "draft": draft,
        "graph": graph,
        "rows": rows_of(graph, findings),
        "general": of_no_activity(findings, graph),
        "palette": palette(),
        "newer": newer_version(workflow, draft),
        "others": others(workflow, request),
        "refusal": access.lacking(request, rights.EDIT_STRUCTURE),
    }


def graph_of(workflow: Workflow, draft: StructureDraft | None) -> Graph:
    """Return the graph that the operator works on. No SQL with the structure."""
    if draft is not None:
        return Graph.of(draft.graph)
    return Graph.of(workflow.structure.graph if workflow.structure else EMPTY)


def newer_version(
    workflow: Workflow, draft: StructureDraft | None
) -> StructureVersion | None:
    """Return the version in force where the draft did not begin from it."""
    current = workflow.structure
    if draft is None or current is None or current.number == draft.base:
        return None
    found: StructureVersion = workflow.versions.select_related("author").get(
        pk=current.pk
    )
    return found


def others(workflow: Workflow, request: HttpRequest) -> list[StructureDraft]:
    """Return the drafts of other operators, the newest first."""
    return list(
        workflow.drafts.exclude(operator=request.user.pk)
        .select_related("operator")
        .defer("graph", "done", "undone")
        .order_by("-changed_at")[:3]
    )


@access.requires(rights.EDIT_STRUCTURE)
@require_POST
def edit(request: HttpRequest, internal_name: str, do: str) -> HttpResponse:
    """Apply one step to the draft, and lead back to what it was made on."""
    workflow = find(internal_name)
    step = _STEPS.get(do)
    if step is None:
        raise NotFound(_("There is no step %(name)s."), name=do)
    return step(request, workflow)


def _changed(request: HttpRequest, workflow: Workflow, change: drafts.Edit) -> None:
    drafts.edit_draft(
        internal_name=workflow.internal_name,
        edit=change,
        acting_operator=request.user,
        at=timezone.now(),
    )


def _add(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    given = request.POST
    after, _comma, output = given.get("after", "").partition(" ")
    made: list[str] = []

    def change(graph: Graph) -> Graph:
        changed, name = editing.add_activity(
            graph,
            type_name=given.get("type", ""),
            label=given.get("label", "").strip(),
            after=after,
            output=output,
        )
        made.append(name)
        return changed

    _changed(request, workflow, change)
    return redirect("workflows:activity", workflow.internal_name, made[-1])


def _remove(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    name = request.POST.get("activity", "")
    _changed(request, workflow, lambda graph: editing.remove_activity(graph, name))
    return redirect("workflows:structure", workflow.internal_name)


def _way(request: HttpRequest, change: Callable[..., Graph]) -> drafts.Edit:
    given = request.POST
    return lambda graph: change(
        graph,
        source=given.get("source", ""),
        output=given.get("output", ""),
        destination=given.get("destination", ""),
    )


def _connect(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    _changed(request, workflow, _way(request, editing.connect))
    return _back(request, workflow)


def _disconnect(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    _changed(request, workflow, _way(request, editing.disconnect))
    return _back(request, workflow)


def _undo(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    drafts.undo_draft(
        internal_name=workflow.internal_name,
        acting_operator=request.user,
        at=timezone.now(),
    )
    return redirect("workflows:structure", workflow.internal_name)


def _redo(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    drafts.redo_draft(
        internal_name=workflow.internal_name,
        acting_operator=request.user,
        at=timezone.now(),
    )
    return redirect("workflows:structure", workflow.internal_name)


def _discard(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    drafts.discard_draft(
        internal_name=workflow.internal_name, acting_operator=request.user
    )
    messages.success(request, _("Draft thrown away; the structure is as it was."))
    return redirect("workflows:structure", workflow.internal_name)


def _rebase(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    drafts.rebase_draft(
        internal_name=workflow.internal_name,
        acting_operator=request.user,
        at=timezone.now(),
    )
    return redirect("workflows:structure_review", workflow.internal_name)


_STEPS: dict[str, Callable[[HttpRequest, Workflow], HttpResponse]] = {
    "add": _add,
    "remove": _remove,
    "connect": _connect,
    "disconnect": _disconnect,
    "undo": _undo,
    "redo": _redo,
    "discard": _discard,
    "rebase": _rebase,
}


def _back(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    activity = request.POST.get("from", "")
    if activity:
        return redirect("workflows:activity", workflow.internal_name, activity)
    return redirect("workflows:structure", workflow.internal_name)


@access.requires(VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def activity(request: HttpRequest, internal_name: str, name: str) -> HttpResponse:
    """Show the form of an activity (GET); keep it in the draft (POST)."""
    workflow = find(internal_name)
    context = page(request, workflow)
    graph: Graph = context["graph"]
    node = graph.by_name.get(name)
    if node is None:
        raise NotFound(_("The structure has no activity %(name)s."), name=name)
    form = ActivityForm(node)
    status = 200
    if request.method == "POST":
        access.check(request, rights.EDIT_STRUCTURE)
        kept, form = _keep(request, workflow, node)
        if kept is not None:
            return kept
        status = 422
    row = next(row for row in context["rows"] if row.node.name == name)
    context |= {"node": node, "row": row, "form": form, "error_output": ERROR_OUTPUT}
    return render(request, "workflows/activity.html", context, status=status)


def _keep(
    request: HttpRequest, workflow: Workflow, node: Node
) -> tuple[HttpResponse | None, ActivityForm]:
    """Keep a form in the draft; one with faults, or one that grows, is shown again."""
    more = request.POST.get("more", "")
    form = ActivityForm(node, request.POST, more={more: 1} if more else None)
    values = form.values()
    filled = replace(
        node, parameters=values["parameters"], extras={**values["options"]}
    )
    faults = [] if more else validation.unfit(filled)
    if faults or more:
        form.show(faults)
        return None, form
    _changed(
        request,
        workflow,
        lambda graph: editing.change_activity(graph, node.name, values),
    )
    messages.success(
        request, _("%(label)s is in the draft.") % {"label": values["label"]}
    )
    return redirect("workflows:structure", workflow.internal_name), form


@access.requires(rights.EDIT_STRUCTURE)
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Show what the draft changes and what that does (GET); put it in force (POST)."""
    workflow = find(internal_name)
    refusal: AppError | None = None
    status = 200
    if request.method == "POST":
        try:
            saved = drafts.save_draft(**_order(request, workflow))
        except (InvalidInput, StaleVersion, CommandRefused) as error:
            refusal, status = error, 422 if isinstance(error, InvalidInput) else 409
        else:
            return _saved(request, workflow, saved)
    context = page(request, workflow)
    draft = context["draft"]
    if draft is None:
        return redirect("workflows:structure", workflow.internal_name)
    before = Graph.of(workflow.structure.graph if workflow.structure else EMPTY)
    context["diff"] = diff.compare(before, context["graph"])
    if refusal is None and context["newer"] is None:
        try:
            context["effects"] = rehearse(
                drafts.save_draft, **_order(request, workflow)
            )
        except AppError as error:
            refusal = error
    context |= {
        "stopped_by": refusal,
        "comment": request.POST.get("comment", ""),
        "cancels": request.POST.get("removed_tasks") == "cancel",
    }
    return render(request, "workflows/structure_review.html", context, status=status)


def _order(request: HttpRequest, workflow: Workflow) -> dict[str, Any]:
    is_cancel = request.POST.get("removed_tasks") == "cancel"
    return {
        "internal_name": workflow.internal_name,
        "acting_operator": request.user,
        "source": Source.CONSOLE,
        "at": timezone.now(),
        "comment": request.POST.get("comment", "").strip()[:512],
        "removed_tasks": "cancel" if is_cancel else "refuse",
    }


def _saved(
    request: HttpRequest, workflow: Workflow, saved: drafts.SavedStructure
) -> HttpResponse:
    messages.success(
        request,
        _(
            "Structure of %(workflow)s saved as version %(number)s;"
            " no run was triggered."
        )
        % {"workflow": workflow.label, "number": saved.number},
    )
    for warning in saved.warnings:
        messages.warning(request, f"{warning.place}: {warning.message}")
    return redirect(workflow)
