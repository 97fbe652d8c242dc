"""Who did what: the command ledger, the audit trail, and the journal of runs."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from workflows.models.execution import Run, Task
from workflows.models.workflow import Workflow


class CommandName(models.TextChoices):
    """What may be asked of a workflow (starting-a-workflow.md)."""

    START = "start", _("Start")
    RESUME = "resume", _("Resume")
    PAUSE = "pause", _("Pause")
    STOP = "stop", _("Stop")
    RESTART = "restart", _("Restart")
    KILL = "kill", _("Unconditional stop")
    WAKE = "wake", _("Execute pending tasks now")
    STOP_AFTER_RUN = "stop_after_run", _("Stop after the current run")
    RESTART_TASK = "restart_task", _("Restart from a task")
    SIMULATE = "simulate", _("Start in simulation mode")
    PURGE = "purge", _("Purge history")
    CANCEL_TASK = "cancel_task", _("Cancel a running task")


class CommandStatus(models.TextChoices):
    """What became of a command."""

    REQUESTED = "requested", _("Requested")
    APPLIED = "applied", _("Applied")
    REFUSED = "refused", _("Refused")
    SUPERSEDED = "superseded", _("Superseded")
    NOOP = "noop", _("Already so")


class Source(models.TextChoices):
    """The surface that a command or change came from."""

    CONSOLE = "console", _("Console")
    API = "api", _("API")
    CLI = "cli", _("Command line")
    ENGINE = "engine", _("Engine")


class Command(models.Model):
    """A ledger row: an order, from whom, and what became of it."""

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="commands", db_index=False
    )
    name = models.CharField(max_length=16, choices=CommandName)
    parameters = models.JSONField(default=dict, blank=True)
    expected_state = models.CharField(max_length=20, blank=True)
    state_before = models.CharField(max_length=20, blank=True)
    state_after = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=12, choices=CommandStatus)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    author = models.CharField(max_length=150, blank=True)
    source = models.CharField(max_length=8, choices=Source)
    reason = models.CharField(max_length=512, blank=True)
    message = models.CharField(max_length=512, blank=True)
    requested_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True, blank=True)
    # The answer that a repeated Idempotency-Key gets again within 24 hours.
    idempotency_key = models.CharField(max_length=128, blank=True)
    answer = models.JSONField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("workflow", "-id"), name="command_of_workflow"),
            models.Index(
                fields=("idempotency_key", "-requested_at"),
                name="command_repeated",
                condition=~models.Q(idempotency_key=""),
            ),
            models.Index(
                fields=("workflow",),
                name="command_open",
                condition=models.Q(status="requested"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}/{self.pk}"


class AuditEntry(models.Model):
    """A change that is no command; rendered into words when shown."""

    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    object_label = models.CharField(max_length=128, blank=True)
    changes = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    author = models.CharField(max_length=150, blank=True)
    source = models.CharField(max_length=8, choices=Source)
    reason = models.CharField(max_length=512, blank=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=("object_type", "object_id", "-id"), name="audit_of_object"
            ),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.object_id}"


class Level(models.IntegerChoices):
    """How grave a journal line is."""

    INFO = 20, _("Information")
    WARNING = 30, _("Warning")
    ERROR = 40, _("Error")


class JournalEntry(models.Model):
    """One line of a workflow's journal, translated when shown.

    ``message`` is an English msgid with named placeholders that ``parameters``
    fill. Rows outlive their run so that the reason of a failure stays readable.
    """

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="journal", db_index=False
    )
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, null=True, blank=True, related_name="journal"
    )
    task = models.ForeignKey(
        Task, on_delete=models.SET_NULL, null=True, blank=True, related_name="journal"
    )
    activity = models.CharField(max_length=64, blank=True)
    level = models.SmallIntegerField(choices=Level, default=Level.INFO)
    message = models.TextField()
    parameters = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    operator = models.CharField(max_length=150, blank=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("workflow", "-id"), name="journal_of_workflow"),
            models.Index(
                fields=("workflow", "-id"),
                name="journal_of_warnings",
                condition=models.Q(level__gte=30),
            ),
            models.Index(fields=("at",), name="journal_age"),
        )

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """Return the line in the reader's language. No SQL."""
        message = translate(self.message) if self.message else ""
        return message % self.parameters if self.parameters else message
