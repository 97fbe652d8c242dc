"""What operators were told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from workflows.api.caller import reader
from workflows.api.paging import DEFAULT_LIMIT, keyset
from workflows.api.workflow_router import Cursor, Limit
from workflows.models import Level, Notification, NotificationKind

router = Router(tags=["Supervision"])


class NotificationOut(Schema):
    """One thing that operators were told; equal ones share it while it lasts."""

    id: int
    kind: str
    level: str
    workflow: str | None
    activity: str
    message: str
    path: str
    run_id: int | None
    task_id: int | None
    count: int
    first_at: datetime
    last_at: datetime
    sent_at: datetime | None
    sent_count: int
    resolved_at: datetime | None


class NotificationPage(Schema):
    items: list[NotificationOut]
    next: str | None


@router.get("/notifications", response=NotificationPage, url_name="notifications")
def list_notifications(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    kind: NotificationKind | None = None,
    workflow: str = "",
    is_open: bool | None = None,
) -> dict[str, Any]:
    """List what operators were told, the latest first.

    ``workflow`` is an internal name; ``is_open`` true leaves what still lasts.
    """
    reader(request)
    found = Notification.objects.select_related("workflow")
    if kind:
        found = found.filter(kind=kind)
    if workflow:
        found = found.filter(workflow__internal_name=workflow)
    if is_open is not None:
        found = found.filter(resolved_at__isnull=is_open)
    page = keyset(found, limit=limit, cursor=cursor, order=("-last_at", "-id"))
    return {"items": [notification_out(row) for row in page.items], "next": page.next}


def notification_out(row: Notification) -> NotificationOut:
    """Return a notification in the caller's language; its workflow is loaded."""
    return NotificationOut(
        id=row.pk,
        kind=row.kind,
        level=Level(row.level).name.lower(),
        workflow=row.workflow.internal_name if row.workflow else None,
        activity=row.activity,
        message=row.text,
        path=row.path,
        run_id=row.parameters.get("run"),
        task_id=row.parameters.get("task"),
        count=row.count,
        first_at=row.first_at,
        last_at=row.last_at,
        sent_at=row.sent_at,
        sent_count=row.sent_count,
        resolved_at=row.resolved_at,
    )
