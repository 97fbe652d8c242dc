"""The audit trail, and how the instance is."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from workflows.api import rows
from workflows.api.caller import ADMIN, operator_with, reader
from workflows.api.paging import DEFAULT_LIMIT, keyset, searched
from workflows.api.schemas import AuditPage, ComponentOut, MonitoringOut
from workflows.api.state_router import running_tasks
from workflows.api.state_schemas import RunningTasks
from workflows.api.workflow_router import Cursor, Limit
from workflows.engine import pausing
from workflows.engine.supervision import component_status
from workflows.models import AuditEntry, Workflow

router = Router(tags=["Supervision"])
SHOWN = 500


@router.get("/audit", response=AuditPage, url_name="audit")
def list_audit(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    object_type: str = "",
    object_id: str = "",
    action: str = "",
) -> dict[str, Any]:
    """List the changes that are no commands, newest first."""
    operator_with(request, ADMIN, permission="workflows.view_audit")
    wanted = {"object_type": object_type, "object_id": object_id}
    found = AuditEntry.objects.filter(
        **{name: value for name, value in wanted.items() if value}
    )
    if action:
        of_action = found.filter(action=action)
        page = searched(of_action, among=found, limit=limit, cursor=cursor)
    else:
        page = keyset(found, limit=limit, cursor=cursor)
    return {"items": [rows.audit_out(entry) for entry in page.items], "next": page.next}


@router.get("/monitoring", response=MonitoringOut, url_name="monitoring")
def show_monitoring(request: HttpRequest) -> MonitoringOut:
    """Show the parts of the instance and the workflows that need a person."""
    reader(request)
    at = timezone.now()
    components = component_status(at)
    paused_long = pausing.paused_for_long(at, pausing.Rules.in_force().period)
    is_up = all(component.status == "up" for component in components.values())
    names = Workflow.objects.visible().values_list("internal_name", flat=True)
    return MonitoringOut(
        status="ready" if is_up else "unavailable",
        components={
            name: ComponentOut(
                status=component.status,
                detail=str(component.detail),
                age_seconds=component.age_seconds,
            )
            for name, component in components.items()
        },
        failed=list(names.filter(failed=True)[:SHOWN]),
        paused=list(names.filter(state="paused", failed=False)[:SHOWN]),
        paused_long=list(
            paused_long.order_by("paused_at").values_list("internal_name", flat=True)[
                :SHOWN
            ]
        ),
    )


@router.get("/monitoring/stuck", response=RunningTasks, url_name="monitoring_stuck")
def list_running(request: HttpRequest) -> RunningTasks:
    """List all running tasks, the longest silent first."""
    return running_tasks(reader(request))
