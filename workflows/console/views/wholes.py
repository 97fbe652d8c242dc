"""Whole workflows: making, copying, importing and deleting them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from workflows.actions import (
    create_workflow,
    delete_workflow,
    duplicate_workflow,
    import_workflow,
    preview_deletion,
    preview_import,
    rights,
)
from workflows.console import access
from workflows.console.forms import add_faults
from workflows.console.views.workflow_detail import find
from workflows.console.whole_forms import CreateForm, DuplicateForm, ImportForm
from workflows.exceptions import AppError, InvalidInput, PermissionRefused
from workflows.models import Source

VIEW = "workflows.view"
METHODS = ["GET", "HEAD", "POST"]


def _order(request: HttpRequest) -> dict[str, Any]:
    return {
        "acting_operator": request.user,
        "source": Source.CONSOLE,
        "at": timezone.now(),
    }


@access.requires(VIEW)
@require_http_methods(METHODS)
def create(request: HttpRequest) -> HttpResponse:
    """Ask for a name (GET); make a workflow of a start and an end (POST)."""
    form = CreateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_workflow(**form.cleaned_data, **_order(request))
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            messages.success(
                request, _("%(workflow)s is made.") % {"workflow": made.label}
            )
            return redirect("workflows:structure", made.internal_name)
    return _shown(request, "workflows/workflow_create.html", {"form": form})


@access.requires(VIEW)
@require_http_methods(METHODS)
def duplicate(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Ask for the name of the copy (GET); copy (POST)."""
    workflow = find(internal_name)
    form = DuplicateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = duplicate_workflow(
                internal_name=internal_name, **form.cleaned_data, **_order(request)
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            messages.success(
                request,
                _("%(copy)s is made from %(workflow)s; it is not started.")
                % {"copy": made.label, "workflow": workflow.label},
            )
            return redirect(made)
    context = {"workflow": workflow, "form": form}
    return _shown(request, "workflows/workflow_duplicate.html", context)


@access.requires(VIEW)
@require_http_methods(METHODS)
def import_document(request: HttpRequest) -> HttpResponse:
    """Ask for a document (GET); show what importing it does, or import it (POST)."""
    form = ImportForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        access.check(request, rights.EDIT_STRUCTURE)
        order = {**form.order(), **_order(request)}
        try:
            if request.POST.get("do") == "import":
                saved = import_workflow(**order)
                return _imported(request, saved)
            context["effects"], context["saved"] = preview_import(**order)
            form = _kept(form)
        except PermissionRefused:
            raise
        except AppError as error:
            context["stopped_by"] = error
            form = _kept(form)
    context["form"] = form
    return _shown(
        request,
        "workflows/workflow_import.html",
        context,
        refused=bool(form.errors or context.get("stopped_by")),
    )


def _kept(form: ImportForm) -> ImportForm:
    """Return the form with the document in its text, for the file is not sent twice."""
    return ImportForm(initial=form.cleaned_data)


def _imported(request: HttpRequest, saved: Any) -> HttpResponse:
    workflow = saved.version.workflow
    messages.success(
        request,
        _("%(workflow)s is imported: version %(number)s is in force.")
        % {"workflow": workflow.label, "number": saved.number},
    )
    for warning in saved.warnings:
        messages.warning(request, f"{warning.place}: {warning.message}")
    return redirect(workflow)


@access.requires(VIEW)
@require_http_methods(METHODS)
def delete(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Show what deleting does (GET); delete (POST)."""
    workflow = find(internal_name)
    current = workflow.structure.number if workflow.structure else 0
    expected = request.POST.get("version", "")
    given = {
        "internal_name": internal_name,
        "expected_version": int(expected) if expected.isdecimal() else current,
        "reason": request.POST.get("reason", "").strip()[:512],
        **_order(request),
    }
    context: dict[str, Any] = {"workflow": workflow, "current": current}
    status = 200
    try:
        if request.method == "POST":
            delete_workflow(**given)
            messages.success(
                request, _("%(workflow)s is deleted.") % {"workflow": workflow.label}
            )
            return redirect("workflows:workflow_list")
        if not access.lacking(request, rights.EDIT_STRUCTURE):
            context["effects"] = preview_deletion(**given)
    except PermissionRefused:
        raise
    except AppError as error:
        context["stopped_by"] = error
        status = error.status if request.method == "POST" else 200
    context["refusal"] = access.lacking(request, rights.EDIT_STRUCTURE)
    return render(request, "workflows/workflow_delete.html", context, status=status)


def _shown(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    refused: bool | None = None,
) -> HttpResponse:
    if refused is None:
        refused = request.method == "POST"
    context["refusal"] = access.lacking(request, rights.EDIT_STRUCTURE)
    return render(request, template, context, status=422 if refused else 200)
