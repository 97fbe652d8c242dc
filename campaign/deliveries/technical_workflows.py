"""The technical workflows of the Delivery package."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_noop

from workflows.actions import tending
from workflows.registry import (
    Backlog,
    BacklogLimits,
    Result,
    RunContext,
    WouldDo,
    activity,
    technical_workflow,
)

# These two keep the instance in order: nobody would stop or warn without them.
SPARED = frozenset({"cleanup", "cleanupPausedWorkflows"})


@technical_workflow(
    internal_name="cleanupPausedWorkflows",
    backlog_limits=BacklogLimits(age=timedelta(days=8)),
    backlog_text=gettext_noop(
        "%(rows)s workflows paused for long wait for a notice, oldest %(age)s."
    ),
)
class PausedWorkflowsCleanup:
    """Warn of workflows paused for long; stop those of normal severity in the end.

    Idempotent: a workflow gets one notice in a period, however often it is looked at.
    Source: monitoring-workflow-execution.md (paused workflows).
    """

    def would_tend(self, run: RunContext) -> WouldDo:
        """Tell how many notices and stops there would be."""
        return tending.would_tend(run, spared=SPARED)

    @activity(
        after="scheduler",
        label=gettext_noop("Look for workflows paused for long"),
        would_do=would_tend,
    )
    def tend_paused(self, run: RunContext) -> Result:
        """Warn supervisors, and stop what was warned of often enough."""
        return tending.tend_paused(run, spared=SPARED)

    def backlog(self) -> Backlog:
        """Tell how many notices are due."""
        return tending.paused_backlog()
