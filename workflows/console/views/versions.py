"""The versions of a structure: list, comparison, going back; document and copies."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from workflows.actions import (
    compare_versions,
    export_workflow,
    factory_diff,
    find_version,
    rehearse,
    reset_to_factory,
    restore_version,
    rights,
)
from workflows.console import access
from workflows.console.views.workflow_detail import find
from workflows.exceptions import (
    AppError,
    CommandRefused,
    InvalidInput,
    NotFound,
    StaleVersion,
)
from workflows.models import Source, Workflow

PAGE = 50
FACTORY = "factory"


@access.requires("workflows.view")
def version_list(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Show the versions, newest first, a page at a time."""
    workflow = find(internal_name)
    versions = workflow.versions.select_related("author").defer("graph")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 10:
        versions = versions.filter(number__lt=int(before))
    rows = list(versions.order_by("-number")[: PAGE + 1])
    context = {
        "workflow": workflow,
        "versions": rows[:PAGE],
        "older": rows[PAGE - 1].number if len(rows) > PAGE else None,
        "has_factory": factory_diff(workflow) is not None,
        "refusal": access.lacking(request, rights.EDIT_STRUCTURE),
    }
    return render(request, "workflows/version_list.html", context)


@access.requires("workflows.view")
def compare(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Show what changed from version ``from`` to version ``to``."""
    workflow = find(internal_name)
    numbers = [_number(request, name) for name in ("from", "to")]
    old, new = sorted(numbers)
    context = {
        "workflow": workflow,
        "old": find_version(workflow, old),
        "new": find_version(workflow, new),
        "diff": compare_versions(workflow, old, new),
    }
    return render(request, "workflows/version_compare.html", context)


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    if not text.isdecimal() or len(text) > 9:
        raise InvalidInput(_("Choose two versions to compare."))
    return int(text)


@access.requires(rights.EDIT_STRUCTURE)
@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: HttpRequest, internal_name: str, version: str) -> HttpResponse:
    """Show what going back to a version does (GET); go back (POST)."""
    workflow = find(internal_name)
    is_factory = version == FACTORY
    if not is_factory and not (version.isdecimal() and len(version) < 10):
        raise NotFound(_("There is no version %(number)s."), number=version)
    number = 0 if is_factory else int(version)
    action = reset_to_factory if is_factory else restore_version
    order = _order(request, workflow, None if is_factory else number)
    refusal: AppError | None = None
    context: dict[str, Any] = {}
    if request.method == "POST":
        try:
            saved = action(**order)
        except (InvalidInput, StaleVersion, CommandRefused) as error:
            refusal = error
        else:
            messages.success(
                request,
                _("Version %(number)s of the structure is in force.")
                % {"number": saved.number},
            )
            return redirect(workflow)
    else:
        try:
            context["effects"] = rehearse(action, **order)
        except AppError as error:
            refusal = error
    current = workflow.structure.number if workflow.structure else 0
    context |= {
        "workflow": workflow,
        "number": number,
        "is_factory": is_factory,
        "current": current,
        "diff": (
            factory_diff(workflow)
            if is_factory
            else compare_versions(workflow, current, number)
        ),
        "stopped_by": refusal,
        "cancels": request.POST.get("removed_tasks") == "cancel",
    }
    status = refusal.status if refusal and request.method == "POST" else 200
    return render(request, "workflows/version_restore.html", context, status=status)


def _order(
    request: HttpRequest, workflow: Workflow, number: int | None
) -> dict[str, Any]:
    expected = request.POST.get("version", "")
    current = workflow.structure.number if workflow.structure else 0
    is_cancel = request.POST.get("removed_tasks") == "cancel"
    order: dict[str, Any] = {
        "internal_name": workflow.internal_name,
        "expected_version": int(expected) if expected.isdecimal() else current,
        "acting_operator": request.user,
        "source": Source.CONSOLE,
        "at": timezone.now(),
        "comment": request.POST.get("comment", "").strip()[:512],
        "removed_tasks": "cancel" if is_cancel else "refuse",
    }
    return order if number is None else {**order, "number": number}


@access.requires("workflows.view")
def export(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Return the workflow as a document; ``version`` asks for an earlier one."""
    workflow = find(internal_name)
    text = request.GET.get("version", "")
    number = int(text) if text.isdecimal() and len(text) < 10 else None
    document = export_workflow(workflow, number)
    answer = HttpResponse(
        json.dumps(document, ensure_ascii=False, indent=2) + "\n",
        content_type="application/json; charset=utf-8",
    )
    answer["Content-Disposition"] = f'attachment; filename="{internal_name}.json"'
    return answer
