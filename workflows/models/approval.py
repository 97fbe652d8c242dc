"""Questions to operators, and their answers."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from workflows.models.execution import Task


class Approval(models.Model):
    """A question to operators that a task waits for (approval.md)."""

    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="approval")
    title = models.CharField(max_length=256)
    message = models.TextField(blank=True)
    choices = models.JSONField(default=list)
    group = models.ForeignKey(
        "auth.Group", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    is_multiple = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("-id",)
        indexes = (
            # The menu counts the open questions of an operator on every page.
            models.Index(
                fields=("group", "operator"),
                name="approval_open",
                condition=Q(closed_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return self.title


class ApprovalReply(models.Model):
    """The final answer of one operator; ``taken_at`` is when the task saw it."""

    approval = models.ForeignKey(
        Approval, on_delete=models.CASCADE, related_name="replies"
    )
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    choice = models.CharField(max_length=64)
    comment = models.TextField(blank=True)
    answered_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("approval", "operator"), name="approval_answered_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.choice}/{self.pk}"
