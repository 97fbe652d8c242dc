"""Workflows paused for long: when to warn of one, and when it is stopped.

Rules of the original (monitoring-workflow-execution.md): a notice every period, and
after the fourth an unconditional stop, of workflows of normal severity only. Ours: the
last notice names the date of the stop; whoever keeps a workflow paused until a date
is left in peace until then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from workflows import conf
from workflows.models import Severity, State, Workflow

# A week with a change of summer time is an hour shorter; a run may begin late.
TOLERANCE = timedelta(hours=2)
#: What the functions below set and leave to the caller to save.
NOTICE_FIELDS = ("pause_notice_count", "last_pause_notice_at")


class Verdict(StrEnum):
    """What becomes of a workflow that has been paused for long."""

    LEAVE = "leave"
    NOTIFY = "notify"
    NOTIFY_LAST = "notify_last"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in force; ``most`` 0 stops nothing, nor is ``spared`` stopped."""

    period: timedelta
    most: int
    spared: frozenset[str] = frozenset()

    @classmethod
    def in_force(cls, spared: Collection[str] = ()) -> Rules:
        """Return the rules that the options set."""
        return cls(
            timedelta(days=conf.option("NmsServer_PausedWorkflowPeriod")),
            conf.option("WorkflowPausedMaxNotices"),
            frozenset(spared),
        )

    def may_stop(self, workflow: Workflow) -> bool:
        """Return whether the workflow is stopped in the end."""
        return (
            self.most > 0
            and workflow.severity == Severity.NORMAL
            and workflow.internal_name not in self.spared
        )


def paused_for_long(at: datetime, period: timedelta) -> QuerySet[Workflow]:
    """Return the workflows paused, with an error or without, for a period or longer."""
    return Workflow.objects.filter(state=State.PAUSED, paused_at__lte=at - period)


def due_at(workflow: Workflow, rules: Rules) -> datetime | None:
    """Return when the next notice, or the stop, is due; None when not paused. No SQL.

    Not before an instant until which somebody wants the workflow paused.
    """
    if workflow.state != State.PAUSED or workflow.paused_at is None:
        return None
    instants = [workflow.paused_at + rules.period]
    if workflow.last_pause_notice_at is not None:
        instants.append(workflow.last_pause_notice_at + rules.period - TOLERANCE)
    if workflow.snoozed_until is not None:
        instants.append(workflow.snoozed_until)
    if workflow.resume_at is not None and not workflow.failed:
        instants.append(workflow.resume_at)
    return max(instants)


def judge(workflow: Workflow, rules: Rules, at: datetime) -> Verdict:
    """Return what becomes of a workflow at an instant. No SQL."""
    due = due_at(workflow, rules)
    if due is None or due > at:
        return Verdict.LEAVE
    if not rules.may_stop(workflow):
        return Verdict.NOTIFY
    if workflow.pause_notice_count == rules.most:
        return Verdict.STOP
    if workflow.pause_notice_count >= rules.most - 1:
        return Verdict.NOTIFY_LAST
    return Verdict.NOTIFY


def count_notice(
    workflow: Workflow, rules: Rules, verdict: Verdict, at: datetime
) -> None:
    """Count a notice; unsaved.

    The maximum is reached by the last notice only, which names the date of the stop:
    a workflow of higher severity stays below, in case its severity is lowered.
    """
    if verdict is Verdict.NOTIFY_LAST:
        workflow.pause_notice_count = rules.most
    elif rules.most:
        workflow.pause_notice_count = min(
            workflow.pause_notice_count + 1, rules.most - 1
        )
    else:
        workflow.pause_notice_count += 1
    workflow.last_pause_notice_at = at


def begin_anew(workflow: Workflow) -> None:
    """Forget the notices given so far; unsaved."""
    workflow.pause_notice_count = 0
    workflow.last_pause_notice_at = None


def stops_on(at: datetime, rules: Rules, planned: Iterable[datetime]) -> datetime:
    """Return when a workflow that got its last notice at ``at`` is stopped.

    ``planned`` are the next looks in their order; without one it is a period later.
    """
    earliest = at + rules.period - TOLERANCE
    return next(
        (instant for instant in planned if instant >= earliest), at + rules.period
    )


def moment(at: datetime) -> str:
    """Return an instant as a notice writes it, in the zone of the server."""
    return f"{at.astimezone(ZoneInfo(conf.server_zone())):%Y-%m-%d %H:%M %Z}"
