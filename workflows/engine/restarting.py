"""Restarting a workflow after an error: how soon, how often, when no more.

Later and later, so that a permanent fault is not hidden by restarts, and only so
often on one day of the server's zone. A run that succeeds sets ``restart_count`` back.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from workflows import conf
from workflows.models import Workflow

DELAYS = (
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
)
MOST_PER_DAY = 20
#: What the functions below set and leave to the caller to save.
FIELDS = ("restart_at", "restart_count", "restart_day", "restarts_of_day")


def plan(workflow: Workflow, at: datetime) -> bool:
    """Set when a failed workflow is restarted next; unsaved.

    Return False when the day has had its restarts: the next is at midnight then.
    """
    if restarts_of_day(workflow, at) >= MOST_PER_DAY:
        workflow.restart_at = _next_midnight(at)
        return False
    workflow.restart_at = (workflow.paused_at or at) + delay(workflow.restart_count)
    return True


def put_off(workflow: Workflow, at: datetime) -> None:
    """Set the next attempt of a restart that was refused; unsaved."""
    workflow.restart_at = at + delay(workflow.restart_count)


def count(workflow: Workflow, at: datetime) -> None:
    """Count a restart that is about to be made; unsaved."""
    workflow.restarts_of_day = restarts_of_day(workflow, at) + 1
    workflow.restart_day = _day(at)
    workflow.restart_count += 1
    workflow.restart_at = None


def delay(restart_count: int) -> timedelta:
    """Return how long the restart waits that follows so many without success."""
    return DELAYS[min(restart_count, len(DELAYS) - 1)]


def restarts_of_day(workflow: Workflow, at: datetime) -> int:
    """Return how often the workflow was restarted on the day of ``at``. No SQL."""
    return workflow.restarts_of_day if workflow.restart_day == _day(at) else 0


def _zone() -> ZoneInfo:
    return ZoneInfo(conf.server_zone())


def _day(at: datetime) -> date:
    return at.astimezone(_zone()).date()


def _next_midnight(at: datetime) -> datetime:
    return datetime.combine(_day(at) + timedelta(days=1), time(), _zone())
