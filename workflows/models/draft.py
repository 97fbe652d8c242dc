"""A structure that an operator is working on and has not put in force."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from workflows.models.workflow import Workflow


class StructureDraft(models.Model):
    """One operator's draft of one workflow; it began from version ``base``.

    ``done`` and ``undone`` hold the graphs before and after the present one, the
    nearest last: what undo and redo go through.
    """

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="drafts", db_index=False
    )
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    base = models.PositiveIntegerField()
    graph = models.JSONField()
    done = models.JSONField(default=list)
    undone = models.JSONField(default=list)
    changed_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "operator"), name="structure_draft_of_operator"
            ),
        )

    def __str__(self) -> str:
        return f"{self.workflow_id}/{self.operator_id}"
