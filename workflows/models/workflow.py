"""A workflow, its one live state, and the immutable versions of its structure."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """Engine states (workflow-life-cycle.md; constants of the engine paper)."""

    EDITED = "edited", _("Being edited")
    START_ASAP = "start_asap", _("Start as soon as possible")
    START_PENDING = "start_pending", _("Start pending")
    STARTED = "started", _("Started")
    PAUSE_REQUESTED = "pause_requested", _("Pause requested")
    PAUSED = "paused", _("Paused")
    STOP_REQUESTED = "stop_requested", _("Stop requested")
    RESTART_REQUESTED = "restart_requested", _("Restart requested")
    FINISHED = "finished", _("Finished")


class PauseReason(models.TextChoices):
    """Why a workflow is paused."""

    OPERATOR = "operator", _("Paused by an operator")
    ERROR = "error", _("An activity failed")
    UNTERMINATED = "unterminated_transition", _("A transition has no destination")
    SUSPENDED = "activity_suspended", _("An activity is set not to execute")
    ENGINE = "engine", _("Paused by the engine")


class Severity(models.IntegerChoices):
    """Weight of a workflow (workflow-properties.md)."""

    NORMAL = 0, _("Normal")
    PRODUCTION = 1, _("Production")
    CRITICAL = 2, _("Critical")


class ErrorPolicy(models.TextChoices):
    """What a failed task does to its workflow (workflow-properties.md)."""

    STOP = "stop", _("Stop the process")
    IGNORE = "ignore", _("Ignore")


class OverlapPolicy(models.TextChoices):
    """What a planned instant does while a run is live."""

    SKIP = "skip", _("Skip the planned run")
    QUEUE = "queue", _("Let one run wait")
    PARALLEL = "parallel", _("Run side by side")
    RESTART = "restart", _("Cancel the run that is live")


#: Begins the name of a workflow whose history a worker deletes.
DELETED_PREFIX = "deleted-"


class WorkflowQuerySet(models.QuerySet["Workflow"]):
    """Filters with the names that lists, engine and API share."""

    def visible(self) -> WorkflowQuerySet:
        """Return those that are not being deleted."""
        return self.exclude(
            internal_name__startswith=DELETED_PREFIX, is_technical=False
        )

    def technical(self) -> WorkflowQuerySet:
        """Return the built-in workflows."""
        return self.filter(is_technical=True)

    def failed(self) -> WorkflowQuerySet:
        """Return those that wait for a person after an error."""
        return self.filter(failed=True)

    def paused(self) -> WorkflowQuerySet:
        """Return those paused without an error."""
        return self.filter(state=State.PAUSED, failed=False)

    def running(self) -> WorkflowQuerySet:
        """Return those that the engine handles now."""
        return self.filter(
            state__in=(
                State.STARTED,
                State.PAUSE_REQUESTED,
                State.STOP_REQUESTED,
                State.RESTART_REQUESTED,
            )
        )

    def start_pending(self) -> WorkflowQuerySet:
        """Return those whose start waits for a worker."""
        return self.filter(state__in=(State.START_ASAP, State.START_PENDING))

    def not_started(self) -> WorkflowQuerySet:
        """Return those that were never started."""
        return self.filter(state=State.EDITED)

    def finished(self) -> WorkflowQuerySet:
        """Return those that ended without an error."""
        return self.filter(state=State.FINISHED, failed=False)


class Workflow(models.Model):
    """One diagram, one set of properties, one live state."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    internal_name = models.CharField(_("Internal name"), max_length=64, unique=True)
    own_label = models.CharField(
        _("Label"),
        max_length=128,
        blank=True,
        help_text=_("Empty: the built-in label in the reader's language."),
    )
    description = models.TextField(_("Description"), blank=True)
    package = models.CharField(_("Package"), max_length=64, blank=True)
    is_technical = models.BooleanField(_("Technical workflow"), default=True)

    state = models.CharField(
        _("State"), max_length=20, choices=State, default=State.EDITED
    )
    failed = models.BooleanField(_("Failed"), default=False)
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_reason = models.CharField(
        max_length=32, choices=PauseReason, blank=True, default=""
    )
    variables = models.JSONField(_("Variables"), default=dict, blank=True)
    last_start = models.DateTimeField(_("Last start"), null=True, blank=True)
    last_finish = models.DateTimeField(null=True, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    run_as = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("Execution account"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    simulation = models.BooleanField(_("Simulation"), default=False)
    stops_after_run = models.BooleanField(
        _("Stops after the current run"), default=False
    )

    # A pause: who, why, until when, and what was said about it meanwhile.
    paused_by = models.CharField(max_length=150, blank=True)
    pause_comment = models.CharField(_("Reason"), max_length=512, blank=True)
    resume_at = models.DateTimeField(_("Paused until"), null=True, blank=True)
    remind_at = models.DateTimeField(_("Reminder"), null=True, blank=True)
    pause_notice_count = models.PositiveSmallIntegerField(default=0)
    last_pause_notice_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(_("Keep paused until"), null=True, blank=True)

    # Errors that were ignored, and restarts after those that were not.
    consecutive_errors = models.PositiveIntegerField(default=0)
    ignored_errors = models.PositiveIntegerField(default=0)
    ignored_since = models.DateTimeField(null=True, blank=True)
    restart_at = models.DateTimeField(null=True, blank=True)
    restart_count = models.PositiveIntegerField(default=0)
    restart_day = models.DateField(null=True, blank=True)
    restarts_of_day = models.PositiveIntegerField(default=0)

    # What the person on call wants to know before touching it.
    owner = models.CharField(
        _("Owner"),
        max_length=128,
        blank=True,
        help_text=_("Who answers for it: a person, a team, a number to call."),
    )
    runbook = models.CharField(
        _("Runbook"),
        max_length=512,
        blank=True,
        help_text=_("Where it is written what to do: an https address, or a place."),
    )
    on_error = models.TextField(
        _("What to do on an error"),
        blank=True,
        validators=[MaxLengthValidator(4_000)],
        help_text=_("Shown where the workflow failed."),
    )
    severity = models.SmallIntegerField(
        _("Severity"), choices=Severity, default=Severity.NORMAL
    )
    supervisors = models.ManyToManyField(
        Group, verbose_name=_("Supervisors"), blank=True, related_name="supervises"
    )
    history_days = models.PositiveIntegerField(_("History in days"), default=30)
    error_policy = models.CharField(
        _("In case of error"),
        max_length=8,
        choices=ErrorPolicy,
        default=ErrorPolicy.STOP,
    )
    max_consecutive_errors = models.PositiveIntegerField(
        _("Consecutive errors"),
        default=0,
        help_text=_("Ignored errors in a row before the workflow pauses; 0: never."),
    )
    auto_restart = models.BooleanField(_("Restart after an error"), default=False)
    overlap_policy = models.CharField(
        _("If the last run still runs"),
        max_length=8,
        choices=OverlapPolicy,
        default=OverlapPolicy.SKIP,
    )
    parallel_branches = models.BooleanField(_("Parallel branches"), default=False)
    blackouts = models.JSONField(
        _("Blackout windows"),
        default=list,
        blank=True,
        help_text=_(
            "Times in which no planned run begins: name, weekdays (1 to 7), from,"
            " until, policy (skip or defer)."
        ),
    )
    affinity = models.CharField(
        _("Default affinity"),
        max_length=32,
        blank=True,
        help_text=_(
            "The queue whose workers execute it. Empty: as each activity says."
        ),
    )
    expected_seconds = models.PositiveIntegerField(
        _("Expected longest run time"),
        null=True,
        blank=True,
        help_text=_("Seconds; a run that takes longer raises an alarm."),
    )
    deadline_seconds = models.PositiveIntegerField(
        _("Deadline"),
        null=True,
        blank=True,
        help_text=_("Seconds after the planned instant; later is an alarm."),
    )
    backlog_max_rows = models.PositiveBigIntegerField(
        _("Largest backlog"),
        null=True,
        blank=True,
        help_text=_("Rows; empty: as the workflow declares."),
    )
    backlog_max_seconds = models.PositiveIntegerField(
        _("Oldest backlog"),
        null=True,
        blank=True,
        help_text=_("Seconds; empty: as the workflow declares."),
    )
    muted_until = models.DateTimeField(_("Muted until"), null=True, blank=True)
    time_zone = models.CharField(
        _("Time zone"),
        max_length=64,
        blank=True,
        help_text=_("Empty: the time zone of the server."),
    )
    structure = models.ForeignKey(
        "workflows.StructureVersion",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    modified_at = models.DateTimeField(auto_now=True)
    modified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )

    objects = WorkflowQuerySet.as_manager()

    class Meta:
        ordering = ("internal_name",)
        default_permissions = ()
        permissions = (
            ("view", _("See workflows and their logs")),
            ("execute", _("Start, pause and stop workflows")),
            ("operate_technical", _("Start, pause and stop technical workflows")),
            ("change_technical", _("Edit properties and schedule")),
            ("edit_structure", _("Edit the structure")),
            ("kill", _("Stop unconditionally")),
            ("change_run_as", _("Change the execution account")),
            ("answer", _("Answer approvals")),
            ("sql", _("Execute SQL code")),
            ("command", _("Execute programs")),
            ("view_audit", _("See the audit trail")),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(state=State.PAUSED, paused_at__isnull=False)
                | (~Q(state=State.PAUSED) & Q(paused_at__isnull=True)),
                name="workflow_paused_has_instant",
            ),
            models.CheckConstraint(
                condition=Q(failed=False) | Q(state__in=(State.PAUSED, State.FINISHED)),
                name="workflow_failed_is_at_rest",
            ),
        )

    def __str__(self) -> str:
        return self.internal_name

    def get_absolute_url(self) -> str:
        return reverse("workflows:workflow_detail", args=[self.internal_name])

    @property
    def label(self) -> str:
        """Return the operator's label, else the built-in one. No SQL."""
        from workflows.registry import catalogue_entry  # noqa: PLC0415 (cycle)

        if self.own_label:
            return self.own_label
        entry = catalogue_entry(self.internal_name)
        return entry.label() if entry else self.internal_name

    @property
    def described(self) -> str:
        """Return the description, a built-in one in the reader's language. No SQL."""
        return translate(self.description) if self.description else ""

    @property
    def runbook_address(self) -> str:
        """Return the runbook where it is an address that a browser may open."""
        return self.runbook if self.runbook.startswith(("https://", "http://")) else ""

    @property
    def is_production(self) -> bool:
        """Return whether the platform needs this workflow."""
        return self.severity >= Severity.PRODUCTION


class StructureVersion(models.Model):
    """An immutable graph of activities and transitions.

    ``graph`` is ``{"activities": [{"name", "type", "label", "parameters",
    "execution", "position", …}], "transitions": [{"source", "output",
    "destination"}]}``; ``engine.graph.Options`` lists what every activity may carry.
    """

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="versions"
    )
    number = models.PositiveIntegerField()
    graph = models.JSONField()
    is_factory = models.BooleanField(default=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    comment = models.CharField(max_length=512, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        ordering = ("workflow", "-number")
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "number"), name="structure_version_number"
            ),
        )

    def __str__(self) -> str:
        return f"{self.workflow_id}/{self.number}"

    @property
    def activities(self) -> list[dict[str, Any]]:
        """Return the activities in stored order. No SQL."""
        return list(self.graph["activities"])
