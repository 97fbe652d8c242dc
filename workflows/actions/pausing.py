"""What a pause orders itself: a reminder, the automatic resume, to be kept.

Looked after every 30 seconds; ``tending`` sees to pauses that last.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workflows import audit
from workflows.actions import rights
from workflows.actions.command import issue_command
from workflows.actions.find import lock_workflow
from workflows.engine import journal, notifications, pausing
from workflows.exceptions import AppError, CommandRefused, Fault, InvalidInput
from workflows.models import (
    CommandName,
    Level,
    Notification,
    NotificationKind,
    Source,
    State,
    Workflow,
)

LONGEST_KEEP = timedelta(days=366)

REMINDER = gettext_noop(
    "The workflow has been paused since %(since)s. Reason: %(reason)s"
)
NOT_RESUMED = gettext_noop("The workflow was not resumed as planned: %(error)s")


def look(at: datetime) -> None:
    """Remind of pauses, and resume those that were ordered until now.

    Two may look at once: rows are taken with SKIP LOCKED.
    """
    due = Workflow.objects.filter(
        Q(remind_at__lte=at) | Q(resume_at__lte=at, failed=False), state=State.PAUSED
    )
    for pk in due.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            workflow = due.filter(pk=pk).select_for_update(skip_locked=True).first()
            if workflow is not None:
                _treat_due(workflow, at)
    _close_notices(at)


def keep_paused(
    *,
    internal_name: str,
    until: datetime,
    acting_operator: Any,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Workflow:
    """Keep a workflow paused until a date: no notice, no stop; counting begins anew.

    Raises NotFound, PermissionRefused, CommandRefused when it is not paused, and
    InvalidInput for a date that is past or more than a year ahead.
    """
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        rights.require(acting_operator, rights.operate_right(workflow))
        if workflow.state != State.PAUSED:
            raise CommandRefused(
                command="keep_paused", state=workflow.state, allowed=[]
            )
        if not at < until <= at + LONGEST_KEEP:
            fault = Fault("until", _("Give an instant within a year from now."))
            raise InvalidInput(_("The date has a fault."), faults=[fault])
        before = workflow.snoozed_until
        workflow.snoozed_until = until
        pausing.begin_anew(workflow)
        workflow.save()
        author = acting_operator.get_username() if acting_operator else source
        journal.write(
            workflow,
            "Kept paused until %(until)s.",
            at=at,
            operator=author,
            until=pausing.moment(until),
        )
        notifications.resolve(workflow, [NotificationKind.PAUSED_LONG], at)
        audit.record(
            action="workflows.workflow.kept_paused",
            object_type="workflows.workflow",
            object_id=workflow.internal_name,
            object_label=workflow.internal_name,
            changes={
                "snoozed_until": [
                    before.isoformat() if before else None,
                    until.isoformat(),
                ]
            },
            acting_operator=acting_operator,
            source=source,
            reason=reason,
            at=at,
        )
    return workflow


def _treat_due(workflow: Workflow, at: datetime) -> None:
    if workflow.remind_at is not None and workflow.remind_at <= at:
        workflow.remind_at = None
        workflow.save(update_fields=["remind_at"])
        notifications.notify(
            kind=NotificationKind.PAUSE_REMINDER,
            workflow=workflow,
            level=Level.INFO,
            message=REMINDER,
            parameters={
                "since": pausing.moment(workflow.paused_at or at),
                "reason": workflow.pause_comment or "–",
            },
            at=at,
        )
    if workflow.resume_at is None or workflow.resume_at > at or workflow.failed:
        return
    until = workflow.resume_at
    # Whatever becomes of it, it is tried once.
    workflow.resume_at = None
    workflow.save(update_fields=["resume_at"])
    try:
        issue_command(
            internal_name=workflow.internal_name,
            name=CommandName.RESUME,
            acting_operator=None,
            source=Source.ENGINE,
            reason=f"paused until {pausing.moment(until)}",
            at=at,
        )
    except (AppError, ValueError, KeyError) as error:  # a structure may be broken
        journal.write(workflow, NOT_RESUMED, at=at, level=Level.ERROR, error=str(error))
        notifications.notify(
            kind=NotificationKind.PAUSE_REMINDER,
            workflow=workflow,
            fingerprint_of=("not resumed",),
            level=Level.ERROR,
            message=NOT_RESUMED,
            parameters={"error": str(error)},
            at=at,
        )


def _close_notices(at: datetime) -> None:
    """Close the notices of pauses that are over."""
    over = Notification.objects.filter(
        kind=NotificationKind.PAUSED_LONG, resolved_at__isnull=True
    ).exclude(workflow__state=State.PAUSED)
    for notice in over.select_related("workflow"):
        notifications.resolve(notice.workflow, [NotificationKind.PAUSED_LONG], at)
