"""Workflows paused for long: warned of every period, stopped in the end.

The original does this by a technical workflow (monitoring-workflow-execution.md);
``engine.pausing`` has the rules.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from workflows.actions.command import issue_command
from workflows.actions.schedule import next_runs
from workflows.engine import journal, notifications, pausing
from workflows.engine.notifying.recipients import recipients_of
from workflows.engine.pausing import Rules, Verdict
from workflows.models import (
    CommandName,
    Level,
    Notification,
    NotificationKind,
    Source,
    Workflow,
)
from workflows.registry import Again, Backlog, Done, Result, RunContext, WouldDo

# Enough planned instants to find the one a period ahead, of a daily schedule too.
_PLANNED_AHEAD = 40

NOTICE = gettext_noop("The workflow has been paused for %(days)s days.")
NOTICE_OF = gettext_noop(
    "The workflow has been paused for %(days)s days. This is notice %(number)s of"
    " %(most)s; after the last one it is stopped unconditionally."
)
LAST_NOTICE = gettext_noop(
    "The workflow has been paused for %(days)s days. This is the last notice: it is"
    " stopped unconditionally on %(stop)s, unless it is resumed or kept paused."
)
STOPPED = gettext_noop(
    "The workflow was stopped unconditionally: it had been paused for %(days)s days,"
    " in spite of %(count)s notices."
)


@dataclass(slots=True)
class Tended:
    """What a look at the workflows paused for long came to."""

    seen: int = 0
    told: int = 0
    untold: int = 0
    stopped: int = 0

    @property
    def written(self) -> int:
        """Return how many workflows something happened to."""
        return self.told + self.stopped


@dataclass(frozen=True, slots=True)
class _Look:
    """One look; what is due is judged as of its planned instant, however late."""

    rules: Rules
    planned: datetime
    at: datetime
    workflow_name: str

    @classmethod
    def of(cls, run: RunContext, spared: Collection[str]) -> _Look:
        return cls(
            Rules.in_force(spared),
            run.scheduled_for or run.started_at,
            run.started_at,
            run.workflow_name,
        )

    def paused(self) -> QuerySet[Workflow]:
        return pausing.paused_for_long(self.planned, self.rules.period)

    def judge(self, workflow: Workflow) -> Verdict:
        return pausing.judge(workflow, self.rules, self.planned)

    def stops_on(self) -> datetime:
        """Return when a workflow that gets its last notice now will be stopped."""
        mine = Workflow.objects.filter(internal_name=self.workflow_name).first()
        planned = next_runs(mine, self.planned, _PLANNED_AHEAD) if mine else ()
        return pausing.stops_on(self.planned, self.rules, planned)


def tend_paused(run: RunContext, *, spared: Collection[str]) -> Result:
    """Warn of every workflow paused for long, and stop those warned often enough.

    Workflows named in ``spared`` are warned of, never stopped. Safe to run twice: a
    workflow is treated once in a period.
    """
    look, tended = _Look.of(run, spared), Tended()
    for pk in look.paused().order_by("pk").values_list("pk", flat=True):
        run.checkpoint()
        if run.seconds_left <= 0:
            return Again(count=tended.written, read=tended.seen, written=tended.written)
        _tend_one(pk, look, tended)
    if tended.written:
        run.info(
            gettext_noop("%(told)s notices were given, %(stopped)s workflows stopped."),
            told=tended.told,
            stopped=tended.stopped,
        )
    if tended.untold:
        run.warning(
            gettext_noop("%(count)s notices could not be sent; they do not count."),
            count=tended.untold,
        )
    return Done(
        count=tended.written,
        read=tended.seen,
        written=tended.written,
        rejected=tended.untold,
        is_idle=tended.seen == 0,
    )


def would_tend(run: RunContext, *, spared: Collection[str]) -> WouldDo:
    """Tell what :func:`tend_paused` would do; changes nothing. One query."""
    look = _Look.of(run, spared)
    verdicts = [look.judge(workflow) for workflow in look.paused()]
    stops = verdicts.count(Verdict.STOP)
    notices = len(verdicts) - stops - verdicts.count(Verdict.LEAVE)
    return WouldDo(
        count=notices + stops,
        message=gettext_noop(
            "%(notices)s notices would be given and %(stops)s workflows stopped."
        ),
        parameters={"notices": notices, "stops": stops},
    )


def paused_backlog() -> Backlog:
    """Return how many notices and stops are due, and since when. One query.

    The table of workflows has some hundred rows; no index would be read.
    """
    at, rules = timezone.now(), Rules.in_force()
    instants = [
        pausing.due_at(workflow, rules)
        for workflow in pausing.paused_for_long(at, rules.period)
    ]
    due = [instant for instant in instants if instant is not None and instant <= at]
    oldest = min(due, default=None)
    return Backlog(rows=len(due), oldest_at=oldest, good_until=oldest or at)


def _tend_one(pk: int, look: _Look, tended: Tended) -> None:
    """Treat one workflow; a notice is sent outside the transaction that counts it."""
    with transaction.atomic():
        workflow = look.paused().filter(pk=pk).select_for_update(of=("self",)).first()
        if workflow is None:  # resumed meanwhile
            return
        tended.seen += 1
        verdict = look.judge(workflow)
        if verdict is Verdict.LEAVE:
            return
        if verdict is Verdict.STOP:
            _stop(workflow, look)
            tended.stopped += 1
            return
        before = {name: getattr(workflow, name) for name in pausing.NOTICE_FIELDS}
        pausing.count_notice(workflow, look.rules, verdict, look.planned)
        workflow.save(update_fields=pausing.NOTICE_FIELDS)
        notice = _write_notice(workflow, look, verdict)
    if _reaches_somebody(notice):
        tended.told += 1
        return
    tended.untold += 1
    given = Workflow.objects.filter(pk=pk, last_pause_notice_at=look.planned)
    given.update(**before)


def _write_notice(workflow: Workflow, look: _Look, verdict: Verdict) -> Notification:
    parameters: dict[str, Any] = {"days": _days(workflow, look)}
    message = NOTICE
    if verdict is Verdict.NOTIFY_LAST:
        message = LAST_NOTICE
        parameters["stop"] = pausing.moment(look.stops_on())
    elif look.rules.may_stop(workflow):
        message = NOTICE_OF
        parameters["number"] = workflow.pause_notice_count
        parameters["most"] = look.rules.most
    journal.write(workflow, message, at=look.at, level=Level.WARNING, **parameters)
    return notifications.notify(
        kind=NotificationKind.PAUSED_LONG,
        workflow=workflow,
        level=Level.WARNING,
        message=message,
        parameters=parameters,
        at=look.at,
    )


def _reaches_somebody(notice: Notification) -> bool:
    """Send a notice now; return False when no mail of it was taken.

    One without any reader with an address is shown in the console, and counts.
    """
    sent_before = notice.sent_count
    notifications.deliver(notice.pk)
    notice.refresh_from_db()
    return notice.sent_count > sent_before or not recipients_of(notice)


def _stop(workflow: Workflow, look: _Look) -> None:
    days, count = _days(workflow, look), workflow.pause_notice_count
    issue_command(
        internal_name=workflow.internal_name,
        name=CommandName.KILL,
        acting_operator=None,
        source=Source.ENGINE,
        reason=f"paused for {days} days in spite of {count} notices",
        at=look.at,
    )
    told: dict[str, Any] = {"days": days, "count": count}
    journal.write(workflow, STOPPED, at=look.at, level=Level.WARNING, **told)
    notifications.resolve(workflow, [NotificationKind.PAUSED_LONG], look.at)
    notifications.notify(
        kind=NotificationKind.AUTO_STOPPED,
        workflow=workflow,
        level=Level.ERROR,
        message=STOPPED,
        parameters=told,
        at=look.at,
    )


def _days(workflow: Workflow, look: _Look) -> int:
    return (look.planned - (workflow.paused_at or look.planned)).days
