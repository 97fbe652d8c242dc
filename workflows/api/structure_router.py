"""Schedule and structure: reading and replacing them by version."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Body, Router

from workflows.actions import save_schedule, save_structure, schedule_of
from workflows.api import rows
from workflows.api.caller import ADMIN, operator_with, reader
from workflows.api.preconditions import expected_number
from workflows.api.previewing import preview_of
from workflows.api.schemas import StructureIn, StructureOut
from workflows.api.structure_schemas import (
    PreviewOut,
    RemovedTasksIn,
    StructureSavedOut,
)
from workflows.api.versions_router import IfMatch, Preview
from workflows.exceptions import NotFound
from workflows.models import Source, StructureVersion, Workflow

router = Router(tags=["Schedule and structure"])
# What GET adds to the stored shape, so that its body can be sent back as it is.
_ADDED = ("version", "activity")


@router.get("/{internal_name}/schedule", response=dict, url_name="workflow_schedule")
def get_schedule(
    request: HttpRequest,
    response: HttpResponse,
    internal_name: str,
    activity: str = "scheduler",
) -> dict[str, Any]:
    """Show the schedule of a scheduler activity in its stored shape."""
    reader(request)
    workflow = rows.find_workflow(internal_name)
    return _schedule_answer(response, workflow, activity)


@router.put("/{internal_name}/schedule", response=dict, url_name="workflow_schedule")
def put_schedule(
    request: HttpRequest,
    response: HttpResponse,
    internal_name: str,
    body: dict[str, Any] = Body(...),  # noqa: B008 (the framework's way)
    activity: str = "scheduler",
    if_match: IfMatch = "",
    reason: str = "",
    preview: Preview = False,
) -> dict[str, Any]:
    """Replace the schedule; no run is triggered by it.

    With ``preview=1`` nothing is changed; the answer tells the effects.
    """
    operator = operator_with(request, ADMIN, permission="workflows.change_technical")
    workflow = rows.find_workflow(internal_name)
    order: dict[str, Any] = {
        "internal_name": workflow.internal_name,
        "activity": activity,
        "schedule": {name: v for name, v in body.items() if name not in _ADDED},
        "expected_version": expected_number(if_match),
        "acting_operator": operator,
        "source": Source.API,
        "reason": reason,
        "at": timezone.now(),
    }
    if preview:
        return preview_of(save_schedule, **order).model_dump(exclude_defaults=True)
    save_schedule(**order)
    return _schedule_answer(response, rows.find_workflow(internal_name), activity)


@router.get(
    "/{internal_name}/structure", response=StructureOut, url_name="workflow_structure"
)
def get_structure(
    request: HttpRequest,
    response: HttpResponse,
    internal_name: str,
    version: int | None = None,
) -> StructureOut:
    """Show the structure in force, or an earlier version."""
    reader(request)
    workflow = rows.find_workflow(internal_name)
    found = StructureVersion.objects.select_related("author").filter(workflow=workflow)
    if version is None:
        found = found.filter(
            number=workflow.structure.number if workflow.structure else 0
        )
    else:
        found = found.filter(number=version)
    structure = found.first()
    if structure is None:
        raise NotFound(
            _("%(name)s has no structure of that version."), name=internal_name
        )
    response["ETag"] = f'"{structure.number}"'
    return rows.structure_out(structure)


@router.put(
    "/{internal_name}/structure",
    response=StructureSavedOut | PreviewOut,
    url_name="workflow_structure",
)
def put_structure(
    request: HttpRequest,
    response: HttpResponse,
    internal_name: str,
    body: StructureIn,
    if_match: IfMatch = "",
    removed_tasks: RemovedTasksIn = "refuse",
    preview: Preview = False,
) -> StructureSavedOut | PreviewOut:
    """Store a new version of the structure.

    With ``preview=1`` nothing is changed; the answer tells effects and difference.
    """
    operator = operator_with(request, ADMIN, permission="workflows.edit_structure")
    workflow = rows.find_workflow(internal_name)
    order: dict[str, Any] = {
        "internal_name": workflow.internal_name,
        "graph": body.model_dump(
            include={"activities", "transitions"}, exclude_unset=True
        ),
        "expected_version": expected_number(if_match),
        "acting_operator": operator,
        "source": Source.API,
        "comment": body.comment,
        "removed_tasks": removed_tasks,
        "at": timezone.now(),
    }
    if preview:
        return preview_of(save_structure, **order)
    saved = save_structure(**order)
    response["ETag"] = f'"{saved.number}"'
    return StructureSavedOut.of_saved(saved)


def _schedule_answer(
    response: HttpResponse, workflow: Workflow, activity: str
) -> dict[str, Any]:
    schedule = schedule_of(workflow, activity)
    if schedule is None or workflow.structure is None:
        raise NotFound(
            _("%(name)s has no scheduler activity %(activity)s."),
            name=workflow.internal_name,
            activity=activity,
        )
    response["ETag"] = f'"{workflow.structure.number}"'
    return {**schedule, "activity": activity, "version": workflow.structure.number}
