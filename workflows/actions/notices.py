"""What an operator decides about notifications: silence for a while, and seen."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from workflows import audit
from workflows.actions import rights
from workflows.actions.find import lock_workflow
from workflows.exceptions import Fault, InvalidInput
from workflows.models import NotificationRead, Source, Workflow

LONGEST_MUTE = timedelta(days=30)


def mute_notifications(
    *,
    internal_name: str,
    until: datetime | None,
    acting_operator: Any,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Workflow:
    """Send no notification of a workflow until an instant; None ends the silence.

    What happens meanwhile stands in the console, and what still lasts then is sent.
    Raises NotFound, PermissionRefused, and InvalidInput for an instant that is over
    or more than 30 days away.
    """
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        right = rights.operate_right(workflow)
        rights.require(acting_operator, right)
        if until is not None and not at < until <= at + LONGEST_MUTE:
            message = _("Choose an instant within the next %(days)s days.") % {
                "days": LONGEST_MUTE.days
            }
            raise InvalidInput(
                _("The workflow cannot be muted until then."),
                faults=[Fault("until", message)],
            )
        before = workflow.muted_until
        workflow.muted_until = until
        workflow.save(update_fields=["muted_until"])
        audit.record(
            action="workflows.workflow.muted"
            if until
            else "workflows.workflow.unmuted",
            object_type="workflows.workflow",
            object_id=workflow.internal_name,
            object_label=workflow.internal_name,
            acting_operator=acting_operator,
            source=source,
            at=at,
            changes={"muted_until": [before, until]},
            reason=reason,
        )
    return workflow


def read_notifications(*, acting_operator: Any, at: datetime) -> None:
    """Note that the operator has seen every notification up to ``at``."""
    NotificationRead.objects.update_or_create(
        operator=acting_operator, defaults={"read_until": at}
    )
