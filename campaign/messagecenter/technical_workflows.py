"""The technical workflows of Message Center's execution side."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_noop

from campaign.messagecenter.services import backlogs, routing, status_copy
from campaign.messagecenter.services.event_keys import BATCH, RT
from workflows.registry import (
    Backlog,
    BacklogLimits,
    Result,
    RunContext,
    activity,
    technical_workflow,
)

EVENTS_WAIT = gettext_noop("%(rows)s events wait, oldest %(age)s.")
LOGS_WAIT = gettext_noop("%(rows)s changed delivery logs wait, oldest %(age)s.")


@technical_workflow(
    internal_name="rtEventsProcessing",
    backlog_limits=BacklogLimits(rows=100_000, age=timedelta(minutes=5)),
    backlog_text=EVENTS_WAIT,
)
class RealTimeEventsProcessing:
    """Route real-time events to their message templates.

    Idempotent: an event is claimed under a row lock and has one delivery log.
    Source: about-event-processing.md.
    """

    @activity(
        after=("scheduler", "signal"),
        queue="realtime",
        label=gettext_noop("Route events"),
    )
    def route_events(self, run: RunContext) -> Result:
        """Turn due events into messages."""
        return routing.drain(run, RT)

    def backlog(self) -> Backlog:
        """Tell how many events are due."""
        return backlogs.due_events(RT)


@technical_workflow(
    internal_name="batchEventsProcessing",
    backlog_limits=BacklogLimits(age=timedelta(hours=1)),
    backlog_text=EVENTS_WAIT,
)
class BatchEventsProcessing:
    """Route batch events to their message templates.

    Idempotent: an event is claimed under a row lock and has one delivery log.
    Source: about-event-processing.md.
    """

    @activity(after="scheduler", label=gettext_noop("Route events"))
    def route_events(self, run: RunContext) -> Result:
        """Turn due events into messages."""
        return routing.drain(run, BATCH)

    def backlog(self) -> Backlog:
        """Tell how many events are due."""
        return backlogs.due_events(BATCH)


@technical_workflow(
    internal_name="updateEventsStatus",
    backlog_limits=BacklogLimits(age=timedelta(minutes=30)),
    backlog_text=LOGS_WAIT,
)
class UpdateEventsStatus:
    """Copy the statuses of delivery logs to their events.

    Idempotent: the log is authoritative, a second copy changes nothing.
    Source: about-event-processing.md.
    """

    @activity(after=("scheduler", "signal"), label=gettext_noop("Copy statuses"))
    def copy_statuses(self, run: RunContext) -> Result:
        """Bring open events up to date, then correct late ones."""
        return status_copy.drain(run)

    def backlog(self) -> Backlog:
        """Tell how many delivery logs changed since the last run."""
        return backlogs.changed_logs()
