"""The technical workflows of Message Center's execution side."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from campaign.messagecenter.services import routing, status_copy
from campaign.messagecenter.services.event_keys import BATCH, RT
from workflows.registry import Result, RunContext, activity, technical_workflow


@technical_workflow(internal_name="rtEventsProcessing")
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


@technical_workflow(internal_name="batchEventsProcessing")
class BatchEventsProcessing:
    """Route batch events to their message templates.

    Idempotent: an event is claimed under a row lock and has one delivery log.
    Source: about-event-processing.md.
    """

    @activity(after="scheduler", label=gettext_noop("Route events"))
    def route_events(self, run: RunContext) -> Result:
        """Turn due events into messages."""
        return routing.drain(run, BATCH)


@technical_workflow(internal_name="updateEventsStatus")
class UpdateEventsStatus:
    """Copy the statuses of delivery logs to their events.

    Idempotent: the log is authoritative, a second copy changes nothing.
    Source: about-event-processing.md.
    """

    @activity(after=("scheduler", "signal"), label=gettext_noop("Copy statuses"))
    def copy_statuses(self, run: RunContext) -> Result:
        """Bring open events up to date, then correct late ones."""
        return status_copy.drain(run)
