"""Structure versions, and workflows as wholes: made, copied, moved, deleted."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Header, Query, Router, Status

from workflows.actions import (
    compare_versions,
    create_workflow,
    delete_workflow,
    duplicate_workflow,
    export_workflow,
    find_version,
    import_workflow,
    preview_deletion,
    preview_import,
    reset_to_factory,
    restore_version,
)
from workflows.api import rows
from workflows.api.caller import ADMIN, operator_with, reader
from workflows.api.paging import DEFAULT_LIMIT, keyset
from workflows.api.preconditions import expected_number
from workflows.api.previewing import preview_of
from workflows.api.schemas import StructureOut, WorkflowOut
from workflows.api.structure_schemas import (
    ChangeIn,
    CreateIn,
    DiffOut,
    DuplicateIn,
    ImportIn,
    PreviewOut,
    StructureSavedOut,
    VersionOut,
    VersionPage,
)
from workflows.api.workflow_router import Cursor, Limit
from workflows.api.workflow_router import router as workflow_routes
from workflows.models import Source, StructureVersion

# Stands before the routes of one workflow: "import" is no name of one.
router = Router(tags=["Schedule and structure"])
RIGHT = "workflows.edit_structure"
Preview = Annotated[bool, Query(False, description="1: tell the effects only")]
IfMatch = Annotated[str, Header("", alias="If-Match")]


@router.post(
    "/import",
    response={200: StructureSavedOut | PreviewOut, 201: StructureSavedOut},
    url_name="workflow_import",
)
def post_import(
    request: HttpRequest, body: ImportIn, preview: Preview = False
) -> Status[Any]:
    """Make a workflow from a document (201), or give one a new version (200)."""
    operator = operator_with(request, ADMIN, permission=RIGHT)
    order: dict[str, Any] = {
        **body.model_dump(),
        "acting_operator": operator,
        "source": Source.API,
        "at": timezone.now(),
    }
    if preview:
        return Status(200, PreviewOut.of(*preview_import(**order)))
    saved = import_workflow(**order)
    return Status(201 if saved.number == 1 else 200, StructureSavedOut.of_saved(saved))


@router.get("/{internal_name}/versions", response=VersionPage, url_name="versions")
def list_versions(
    request: HttpRequest,
    internal_name: str,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """List the structure versions, newest first."""
    reader(request)
    workflow = rows.find_workflow(internal_name)
    found = StructureVersion.objects.filter(workflow=workflow).select_related("author")
    page = keyset(found.defer("graph"), limit=limit, cursor=cursor)
    return {
        "items": [VersionOut.of(version, workflow) for version in page.items],
        "next": page.next,
    }


@router.get(
    "/{internal_name}/versions/compare", response=DiffOut, url_name="versions_compare"
)
def get_comparison(
    request: HttpRequest,
    internal_name: str,
    before: Annotated[int, Query(..., alias="from", ge=1)],
    after: Annotated[int, Query(..., alias="to", ge=1)],
) -> DiffOut:
    """Tell what changed from one version to another."""
    reader(request)
    return DiffOut.of(
        compare_versions(rows.find_workflow(internal_name), before, after)
    )


@router.get(
    "/{internal_name}/versions/{int:number}",
    response=StructureOut,
    url_name="version",
)
def get_version(request: HttpRequest, internal_name: str, number: int) -> StructureOut:
    """Show one structure version."""
    reader(request)
    return rows.structure_out(find_version(rows.find_workflow(internal_name), number))


@router.post(
    "/{internal_name}/versions/{int:number}/restore",
    response=StructureSavedOut | PreviewOut,
    url_name="version_restore",
)
def post_restore(
    request: HttpRequest,
    response: HttpResponse,
    internal_name: str,
    number: int,
    body: ChangeIn,
    if_match: IfMatch = "",
    preview: Preview = False,
) -> StructureSavedOut | PreviewOut:
    """Put an earlier version in force, as a new one equal to it."""
    return _change(
        request,
        response,
        internal_name,
        restore_version,
        preview,
        if_match,
        number=number,
        **body.model_dump(),
    )


@router.post(
    "/{internal_name}/structure/reset",
    response=StructureSavedOut | PreviewOut,
    url_name="structure_reset",
)
def post_reset(
    request: HttpRequest,
    response: HttpResponse,
    internal_name: str,
    body: ChangeIn,
    if_match: IfMatch = "",
    preview: Preview = False,
) -> StructureSavedOut | PreviewOut:
    """Put the built-in structure in force; the preview tells the difference."""
    return _change(
        request,
        response,
        internal_name,
        reset_to_factory,
        preview,
        if_match,
        **body.model_dump(),
    )


@router.get("/{internal_name}/export", response=dict, url_name="workflow_export")
def get_export(
    request: HttpRequest, internal_name: str, version: int | None = None
) -> dict[str, Any]:
    """Write the workflow as a document (docs/workflow.schema.json)."""
    reader(request)
    return export_workflow(rows.find_workflow(internal_name), version)


@router.post(
    "/{internal_name}/duplicate",
    response={200: PreviewOut, 201: WorkflowOut},
    url_name="workflow_duplicate",
)
def post_duplicate(
    request: HttpRequest,
    internal_name: str,
    body: DuplicateIn,
    preview: Preview = False,
) -> Status[Any]:
    """Copy the workflow; the copy belongs to no package and is not started."""
    order: dict[str, Any] = {
        "internal_name": rows.find_workflow(internal_name).internal_name,
        **body.model_dump(),
        "acting_operator": operator_with(request, ADMIN, permission=RIGHT),
        "source": Source.API,
        "at": timezone.now(),
    }
    if preview:
        return Status(200, preview_of(duplicate_workflow, **order))
    return Status(201, rows.workflow_out(duplicate_workflow(**order)))


@workflow_routes.post("", response={201: WorkflowOut}, url_name="workflow_list")
def post_workflow(request: HttpRequest, body: CreateIn) -> Status[WorkflowOut]:
    """Make an empty workflow: a start and an end, not started."""
    workflow = create_workflow(
        **body.model_dump(),
        acting_operator=operator_with(request, ADMIN, permission=RIGHT),
        source=Source.API,
        at=timezone.now(),
    )
    return Status(201, rows.workflow_out(workflow))


@workflow_routes.delete(
    "/{internal_name}",
    response={200: PreviewOut, 204: None},
    url_name="workflow_detail",
)
def delete_one(
    request: HttpRequest,
    internal_name: str,
    if_match: IfMatch = "",
    reason: str = "",
    preview: Preview = False,
) -> Status[Any]:
    """Delete a workflow at rest; its history goes in the background."""
    order: dict[str, Any] = {
        "internal_name": rows.find_workflow(internal_name).internal_name,
        "expected_version": expected_number(if_match),
        "acting_operator": operator_with(request, ADMIN, permission=RIGHT),
        "source": Source.API,
        "at": timezone.now(),
        "reason": reason,
    }
    if preview:
        return Status(200, PreviewOut.of(preview_deletion(**order)))
    delete_workflow(**order)
    return Status(204, None)


def _change(
    request: HttpRequest,
    response: HttpResponse,
    internal_name: str,
    action: Any,
    preview: bool,
    if_match: str,
    **options: Any,
) -> StructureSavedOut | PreviewOut:
    operator = operator_with(request, ADMIN, permission=RIGHT)
    order: dict[str, Any] = {
        "internal_name": rows.find_workflow(internal_name).internal_name,
        "expected_version": expected_number(if_match),
        "acting_operator": operator,
        "source": Source.API,
        "at": timezone.now(),
        **options,
    }
    if preview:
        return preview_of(action, **order)
    saved = action(**order)
    response["ETag"] = f'"{saved.number}"'
    return StructureSavedOut.of_saved(saved)
