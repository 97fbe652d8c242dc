"""The alert: a mail to the supervisors, without an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.activities.base import ActivityType, Context, register
from workflows.engine.notifications import mail_supervisors
from workflows.exceptions import Fault
from workflows.registry import Done, Result


@register
class Alert(ActivityType):
    """Tells the supervisors something (alert.md). Parameters: title, body."""

    name = "alert"
    label = gettext_lazy("Alert")
    icon = "mail"

    def faults(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Ask for a title."""
        if not parameters.get("title"):
            return [
                Fault("title", _("Give the alert a title; it becomes the subject."))
            ]
        return []

    def is_idempotent(self, parameters: Mapping[str, Any]) -> bool:
        """Return False: a second mail would be a second alert."""
        return False

    def execute(self, context: Context) -> Result:
        """Send; an operator without an address is a warning, not an error."""
        sent = mail_supervisors(
            workflow_id=context.workflow_id,
            subject=context.parameters["title"],
            body=context.parameters.get("body", ""),
        )
        if not sent:
            context.warning("No supervisor has an e-mail address; nobody was told.")
        return Done(count=sent)
