"""What happened and what waits: runs, occurrences, tasks and signals."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from workflows.models.workflow import StructureVersion, Workflow


class RunTrigger(models.TextChoices):
    """What caused a run."""

    SCHEDULE = "schedule", _("Schedule")
    SIGNAL = "signal", _("Signal")
    COMMAND = "command", _("Command")
    PARENT = "parent", _("Sub-workflow")


class RunStatus(models.TextChoices):
    """Where a run stands."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DEFERRED = "deferred", _("Deferred")
    FINISHED = "finished", _("Finished")
    FINISHED_WITH_ERRORS = "finished_with_errors", _("Finished with errors")
    SKIPPED = "skipped", _("Skipped")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")

    @classmethod
    def live(cls) -> tuple[RunStatus, ...]:
        """Return the statuses of a run that is not over."""
        return (cls.QUEUED, cls.RUNNING, cls.DEFERRED, cls.FAILED)


class RunQuerySet(models.QuerySet["Run"]):
    """Filters with the names that engine, lists and API share."""

    def live(self) -> RunQuerySet:
        """Return those that are not over; a failed one waits for a person."""
        return self.filter(status__in=RunStatus.live(), ended_at__isnull=True)


class Run(models.Model):
    """One chain of tasks caused by one trigger.

    A failed run is live: it waits for resume, restart or stop. Consecutive runs
    that found nothing to do share one row, counted in ``repeats``. A run that
    ``is_waiting`` was let wait by the overlap policy and has no task yet. The run of
    a sub-workflow belongs to the workflow that called it: ``parent_task`` waits for
    it, and ``structure`` is the called one's.
    """

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="runs", db_index=False
    )
    structure = models.ForeignKey(
        StructureVersion, on_delete=models.PROTECT, related_name="+"
    )
    trigger = models.CharField(max_length=10, choices=RunTrigger)
    trigger_activity = models.CharField(max_length=64, blank=True)
    scheduled_for = models.DateTimeField(null=True, blank=True)
    status = models.CharField(
        max_length=24, choices=RunStatus, default=RunStatus.QUEUED
    )
    skip_reason = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    read_count = models.BigIntegerField(default=0)
    written_count = models.BigIntegerField(default=0)
    rejected_count = models.BigIntegerField(default=0)
    is_idle = models.BooleanField(default=False)
    repeats = models.PositiveIntegerField(default=1)
    variables = models.JSONField(default=dict, blank=True)
    is_waiting = models.BooleanField(default=False)
    is_simulation = models.BooleanField(default=False)
    parent_task = models.ForeignKey(
        "workflows.Task",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="child_runs",
        db_index=False,
    )
    # The finished or failed task that a "restart from a task" began with.
    origin_task = models.ForeignKey(
        "workflows.Task",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    alarmed_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("workflow", "-id"), name="run_of_workflow"),
            # begin_run() and finish_run() look for the one live run.
            models.Index(
                fields=("workflow",),
                name="run_live",
                condition=Q(
                    status__in=("queued", "running", "deferred", "failed"),
                    ended_at__isnull=True,
                ),
            ),
            # Lists filtered by a status that is rare.
            models.Index(
                fields=("workflow", "-id"),
                name="run_not_finished",
                condition=~Q(status="finished"),
            ),
            models.Index(
                fields=("parent_task",),
                name="run_of_parent",
                condition=Q(parent_task__isnull=False),
            ),
            models.Index(
                fields=("origin_task",),
                name="run_of_origin",
                condition=Q(origin_task__isnull=False),
            ),
            # The heat map of the past reads a day of runs, all it needs from here.
            models.Index(
                fields=("started_at",),
                include=("ended_at", "workflow"),
                name="run_started",
                condition=Q(started_at__isnull=False),
            ),
            # purge_history deletes the oldest ended runs.
            models.Index(
                fields=("ended_at",),
                name="run_ended",
                condition=Q(ended_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.workflow_id}/{self.pk}"

    @property
    def is_live(self) -> bool:
        """Return whether the run is not over."""
        return self.ended_at is None and self.status in RunStatus.live()


class OccurrenceOutcome(models.TextChoices):
    """What became of a planned instant."""

    QUEUED = "queued", _("Queued")
    RAN = "ran", _("Ran")
    RAN_LATE = "ran_late", _("Ran late")
    SKIPPED_OVERLAP = "skipped_overlap", _("Skipped: the last run was still running")
    SKIPPED_MISFIRE = "skipped_misfire", _("Skipped: missed while the engine was down")
    SKIPPED_LATE = "skipped_late", _("Skipped: later than allowed")
    COALESCED = "coalesced", _("Covered by a later run")
    HELD_PAUSE = "held_pause", _("Held by a pause")
    HELD_FREEZE = "held_freeze", _("Held by a freeze of the instance")
    SKIPPED_BLACKOUT = "skipped_blackout", _("Skipped: in a blackout window")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Occurrence(models.Model):
    """One planned instant, or a row of equal ones, with exactly one outcome."""

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="occurrences", db_index=False
    )
    activity = models.CharField(max_length=64)
    scheduled_for = models.DateTimeField()
    last_scheduled_for = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    outcome = models.CharField(max_length=20, choices=OccurrenceOutcome)
    reason = models.CharField(max_length=256, blank=True)
    late_seconds = models.FloatField(default=0)
    run = models.ForeignKey(
        Run,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="occurrences",
    )
    recorded_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("-scheduled_for", "-id")
        indexes = (
            models.Index(
                fields=("workflow", "-scheduled_for", "-id"),
                name="occurrence_of_workflow",
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "activity", "scheduled_for"),
                name="occurrence_planned_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.activity} {self.scheduled_for:%Y-%m-%dT%H:%M:%SZ}"


class TaskStatus(models.TextChoices):
    """Whether a task is over, and how."""

    ACTIVE = "active", _("Active")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    SKIPPED = "skipped", _("Skipped")


class Substate(models.TextChoices):
    """What an active task is doing."""

    PENDING = "pending", _("Pending")  # waits for process_at
    QUEUED = "queued", _("Queued")  # a worker may take it
    RUNNING = "running", _("Running")
    WAITING = "waiting", _("Waiting")  # for a signal, an answer, a sub-workflow
    HELD = "held", _("Held")  # its activity is set not to execute
    NONE = "", _("Over")


class Task(models.Model):
    """One activation of one activity.

    ``variables`` are the event variables it was activated with, ``own_variables``
    what it keeps for itself between two calls. ``busy_seconds`` sums the slices
    before the present one; ``limit_seconds`` ends the sum.
    """

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="tasks", db_index=False
    )
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, null=True, blank=True, related_name="tasks"
    )
    activity = models.CharField(max_length=64)
    activity_type = models.CharField(max_length=32)
    status = models.CharField(
        max_length=12, choices=TaskStatus, default=TaskStatus.ACTIVE
    )
    substate = models.CharField(
        max_length=8, choices=Substate, default=Substate.PENDING, blank=True
    )
    queue = models.CharField(max_length=32, default="workflows")
    scheduled_for = models.DateTimeField(null=True, blank=True)
    process_at = models.DateTimeField(null=True, blank=True)
    iterations = models.PositiveIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    claimed_by = models.CharField(max_length=64, blank=True)
    host = models.CharField(max_length=128, blank=True)
    pid = models.IntegerField(null=True, blank=True)
    backend_pid = models.IntegerField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    enqueued_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    output = models.CharField(max_length=64, blank=True)
    result_label = models.CharField(max_length=128, blank=True)
    record_count = models.BigIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    traceback = models.TextField(blank=True)
    variables = models.JSONField(default=dict, blank=True)
    own_variables = models.JSONField(default=dict, blank=True)
    source = models.CharField(max_length=64, blank=True)
    is_exclusive = models.BooleanField(default=False)
    is_cancellable = models.BooleanField(default=True)
    is_simulated = models.BooleanField(default=False)
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    busy_seconds = models.FloatField(default=0)
    limit_seconds = models.PositiveIntegerField(null=True, blank=True)
    retries = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("workflow", "-id"), name="task_of_workflow"),
            # What a command concerns: never the history.
            models.Index(
                fields=("workflow", "activity"),
                name="task_active",
                condition=Q(status="active"),
            ),
            models.Index(
                fields=("workflow", "-id"),
                name="task_not_completed",
                condition=Q(status__in=("failed", "cancelled", "skipped")),
            ),
            # clock.take_due() polls the pending ones.
            models.Index(
                fields=("process_at",),
                name="task_due",
                condition=Q(status="active", substate="pending"),
            ),
            # executor.claim() takes the queued ones of a queue.
            models.Index(
                fields=("queue", "process_at"),
                name="task_queued",
                condition=Q(status="active", substate="queued"),
            ),
            # rescue.find_orphans() looks at the running ones.
            models.Index(
                fields=("heartbeat_at",),
                name="task_running",
                condition=Q(status="active", substate="running"),
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(status=TaskStatus.ACTIVE) ^ Q(substate=""),
                name="task_substate_while_active",
            ),
            # One pending scheduler or waiting signal task per activity.
            models.UniqueConstraint(
                fields=("workflow", "activity"),
                condition=Q(status="active", run__isnull=True),
                name="task_persistent_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.activity}/{self.pk}"

    @property
    def is_active(self) -> bool:
        """Return whether the task is not over."""
        return self.status == TaskStatus.ACTIVE


class Event(models.Model):
    """One activation of a transition into an AND-join that still waits for others.

    Other transitions need no row: the task at their end tells all there is.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events")
    source = models.CharField(max_length=64)
    output = models.CharField(max_length=64)
    destination = models.CharField(max_length=64)
    variables = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("id",)
        indexes = (
            models.Index(
                fields=("run", "destination"),
                name="event_open",
                condition=Q(consumed_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.source}.{self.output}/{self.pk}"


class Signal(models.Model):
    """An order to an external-signal activity; equal empty ones coalesce."""

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="signals"
    )
    activity = models.CharField(max_length=64)
    variables = models.JSONField(default=dict, blank=True)
    source = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True, blank=True)
    run = models.ForeignKey(
        Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="signals"
    )

    class Meta:
        default_permissions = ()
        indexes = (
            # clock.take_signals() polls the open ones.
            models.Index(
                fields=("workflow", "id"),
                name="signal_open",
                condition=Q(consumed_at__isnull=True),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "activity"),
                condition=Q(consumed_at__isnull=True, variables={}),
                name="signal_coalesced",
            ),
        )

    def __str__(self) -> str:
        return f"{self.activity}/{self.pk}"
