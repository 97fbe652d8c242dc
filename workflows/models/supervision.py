"""Signs of life, freezes, freshness, and what operators were told."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from workflows.models.ledger import Level, Source
from workflows.models.workflow import Workflow


class HeartbeatKind(models.TextChoices):
    """Who gives the sign of life."""

    CLOCK = "clock", _("Clock")
    QUEUE = "queue", _("Queue")
    DUTY = "duty", _("Duty")


class Heartbeat(models.Model):
    """The last sign of life of one part.

    For a queue ``sent_at`` is when its last canary was enqueued and ``at`` when a
    worker of the queue last ran one. A duty keeps in ``sent_at`` when it was last
    ordered.
    """

    kind = models.CharField(max_length=8, choices=HeartbeatKind)
    name = models.CharField(max_length=128)
    host = models.CharField(max_length=128, blank=True)
    pid = models.IntegerField(null=True, blank=True)
    at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("kind", "name"), name="heartbeat_of_part"),
        )

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


class Freeze(models.Model):
    """A hold over the whole instance; the workflows keep their own states."""

    reason = models.CharField(max_length=512)
    author = models.CharField(max_length=150, blank=True)
    source = models.CharField(max_length=8, choices=Source)
    started_at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True)

    class Meta:
        default_permissions = ()
        permissions = (("freeze", _("Freeze the whole instance")),)
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                models.Value(1),
                condition=Q(ended_at__isnull=True),
                name="freeze_only_one",
            ),
        )

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%dT%H:%M:%SZ}"


class Freshness(models.Model):
    """What waited for a workflow when it was last looked at.

    ``good_until`` is the instant up to which its result is right.
    """

    workflow = models.OneToOneField(
        Workflow, on_delete=models.CASCADE, primary_key=True, related_name="freshness"
    )
    rows = models.BigIntegerField(default=0)
    oldest_at = models.DateTimeField(null=True, blank=True)
    good_until = models.DateTimeField(null=True, blank=True)
    sampled_at = models.DateTimeField()
    is_over = models.BooleanField(default=False)
    error = models.CharField(max_length=512, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.workflow_id}: {self.rows}"


class NotificationKind(models.TextChoices):
    """Why operators are told something."""

    FAILED = "failed", _("Workflow in error")
    RECOVERED = "recovered", _("Workflow recovered")
    OVERDUE = "overdue", _("Run overdue")
    DEADLINE = "deadline", _("Deadline missed")
    UNUSUAL = "unusual", _("Unusual duration")
    HUNG = "hung", _("Task ended by its time limit")
    BACKLOG = "backlog", _("Backlog over its limit")
    PAUSED_LONG = "paused_long", _("Paused for long")
    PAUSE_REMINDER = "pause_reminder", _("Reminder of a pause")
    AUTO_STOPPED = "auto_stopped", _("Stopped after a long pause")
    RESTART_GAVE_UP = "restart_gave_up", _("Automatic restart gave up")
    SILENT = "silent", _("No sign of life")
    DIGEST = "digest", _("Daily digest")
    ALERT = "alert", _("Alert")


class Notification(models.Model):
    """One thing that operators were told; equal ones share a row while it lasts."""

    kind = models.CharField(max_length=16, choices=NotificationKind)
    workflow = models.ForeignKey(
        Workflow,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="notifications",
    )
    activity = models.CharField(max_length=64, blank=True)
    fingerprint = models.CharField(max_length=64)
    level = models.SmallIntegerField(choices=Level, default=Level.ERROR)
    message = models.TextField()
    parameters = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    path = models.CharField(max_length=256, blank=True)
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    sent_count = models.PositiveIntegerField(default=0)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("-last_at", "-id")
        indexes = (
            models.Index(fields=("-last_at", "-id"), name="notification_newest"),
            # plain.conclude() asks whether a success has to be told.
            models.Index(
                fields=("workflow",),
                name="notification_open",
                condition=Q(resolved_at__isnull=True),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("fingerprint",),
                condition=Q(resolved_at__isnull=True),
                name="notification_open_once",
            ),
        )

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """Return the sentence in the reader's language. No SQL."""
        message = translate(self.message) if self.message else ""
        return message % self.parameters if self.parameters else message


class NotificationRead(models.Model):
    """That an operator has seen everything up to an instant."""

    operator = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    read_until = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.operator_id}"
