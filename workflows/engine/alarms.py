"""What should happen and does not: looked at twice a minute, told once while it lasts.

A rule returns the conditions that hold now. A new one is told, one that lasts is left
alone, one that is over is closed. The alarms of runs stand in ``run_alarms``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, Min, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop

from workflows import conf
from workflows.engine import missed_periods, run_alarms
from workflows.engine.durations import Typical, typical_duration
from workflows.engine.notifications import notify, resolve_broken
from workflows.engine.notifying.fingerprints import fingerprint
from workflows.engine.notifying.recipients import unreachable_workflows
from workflows.engine.states import EXECUTING
from workflows.engine.supervision import component_status
from workflows.exceptions import AppError
from workflows.models import (
    Freeze,
    Freshness,
    Heartbeat,
    HeartbeatKind,
    Level,
    Notification,
    NotificationKind,
    Run,
    RunStatus,
    Severity,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)
from workflows.registry import catalogue_entry

__all__ = ["Typical", "look", "look_for_silence", "typical_duration"]

logger = logging.getLogger(__name__)
NAME = "alarms"
FUNCTION = "workflows.engine.alarms.look"
SILENCE_NAME = "signs of life"
SILENCE_FUNCTION = "workflows.engine.alarms.look_for_silence"
EVERY_SECONDS = 30
LATE = timedelta(seconds=2 * conf.CLOCK_BEAT_SECONDS)
UNCLAIMED = timedelta(minutes=2)
# A look that was kept back for longer forgives what happened meanwhile.
LONGEST_BACK = timedelta(hours=1)
NAMED = 3
_LOCK = 0x414C << 48
_MOST = 500
_RUNS_PATH = "workflows:workflow_list"


@dataclass(frozen=True, slots=True)
class Condition:
    """Something wrong that lasts; ``about`` tells it from others of its kind."""

    kind: NotificationKind
    about: str
    message: str
    parameters: dict[str, Any] = field(default_factory=dict)
    workflow: Workflow | None = None
    activity: str = ""
    level: Level = Level.ERROR
    path: str = ""

    @property
    def fingerprint(self) -> str:
        """Return what an open notification of it carries."""
        key = self.workflow.pk if self.workflow else None
        return fingerprint(self.kind, key, self.activity, (self.about,))


Rule = Callable[[datetime], Iterator[Condition]]
# The kinds whose open rows a rule answers for; those without a workflow of ALERT.
_LASTING = Q(
    kind__in=(
        NotificationKind.OVERDUE,
        NotificationKind.BACKLOG,
        NotificationKind.SILENT,
    )
) | Q(kind=NotificationKind.ALERT, workflow__isnull=True)


def look(at: datetime | None = None) -> None:
    """Raise and close every alarm; a periodic duty.

    One look at a time; a second one at the same moment does nothing.
    """
    at = at or timezone.now()
    with transaction.atomic():
        if not _alone():
            return
        since = _take_last_look(at)
        alarmed = run_alarms.look(since, at)
        run_alarms.warn_of_long_tasks(since, at)
        _settle(RULES, at)
        _tell_recoveries(at)
    run_alarms.mark(alarmed, at)


def look_for_silence() -> None:
    """Look at the signs of life alone, from another queue; a periodic duty.

    The queue that executes :func:`look` may be the one that is silent.
    """
    at = timezone.now()
    with transaction.atomic():
        if _alone():
            _settle((silence,), at, only=Q(kind=NotificationKind.SILENT, workflow=None))


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _take_last_look(at: datetime) -> datetime:
    """Return when alarms were looked at last, and keep that it was now."""
    row, _made = Heartbeat.objects.get_or_create(
        kind=HeartbeatKind.DUTY, name=NAME, defaults={"at": at}
    )
    kept = row.data.get("looked_at")
    Heartbeat.objects.filter(pk=row.pk).update(
        at=at, data={**row.data, "looked_at": at.isoformat()}
    )
    last = datetime.fromisoformat(kept) if kept else at - timedelta(minutes=1)
    return min(at, max(last, at - LONGEST_BACK))


def _settle(rules: tuple[Rule, ...], at: datetime, *, only: Q | None = None) -> None:
    """Tell the conditions that are new and close those that are over."""
    open_rows = {
        row.fingerprint: row
        for row in Notification.objects.filter(
            _LASTING if only is None else only, resolved_at__isnull=True
        )
    }
    lasting: set[str] = set()
    is_whole = True
    for rule in rules:
        try:
            with transaction.atomic():
                for condition in rule(at):
                    lasting.add(condition.fingerprint)
                    _tell_if_new(condition, open_rows, at)
        except (AppError, ValueError, KeyError) as error:
            # One rule that fails keeps no other back, and closes nothing.
            is_whole = False
            logger.exception("An alarm could not be looked at: %s", error)
    if is_whole:
        over = [row.pk for key, row in open_rows.items() if key not in lasting]
        Notification.objects.filter(pk__in=over).update(resolved_at=at)


def _tell_if_new(
    condition: Condition, open_rows: dict[str, Notification], at: datetime
) -> None:
    present = open_rows.get(condition.fingerprint)
    if present is None:
        notify(
            kind=condition.kind,
            workflow=condition.workflow,
            activity=condition.activity,
            fingerprint_of=(condition.about,),
            level=condition.level,
            message=condition.message,
            parameters=condition.parameters,
            path=condition.path,
            at=at,
        )
    elif present.parameters != condition.parameters:
        present.parameters = condition.parameters
        present.save(update_fields=["parameters"])


def _instant(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}Z" if value else ""


def _is_held() -> bool:
    """Return whether nothing begins anyway: the instance is frozen."""
    return Freeze.objects.filter(ended_at__isnull=True).exists()


def late_plans(at: datetime) -> Iterator[Condition]:
    """Planned instants that passed while the clock lives, and nothing began."""
    if not component_status(at)["clock"].is_up or _is_held():
        return
    late = Task.objects.filter(
        status=TaskStatus.ACTIVE,
        substate=Substate.PENDING,
        process_at__lt=at - LATE,
        workflow__state=State.STARTED,
    ).select_related("workflow")
    for task in late.order_by("process_at")[:_MOST]:
        yield Condition(
            NotificationKind.OVERDUE,
            "late",
            gettext_noop("%(name)s was due at %(due)s and has not begun."),
            {"name": task.activity, "due": _instant(task.process_at)},
            workflow=task.workflow,
            activity=task.activity,
        )


def missed(at: datetime) -> Iterator[Condition]:
    """Started workflows that had no run where two were planned."""
    if _is_held():
        return
    for found in missed_periods.find(at):
        yield Condition(
            NotificationKind.OVERDUE,
            "missed",
            gettext_noop(
                "%(name)s should be running but is not: the runs planned for"
                " %(first)s and %(second)s did not begin."
            ),
            {
                "name": found.workflow.internal_name,
                "first": _instant(found.first),
                "second": _instant(found.second),
            },
            workflow=found.workflow,
        )


def not_started(at: datetime) -> Iterator[Condition]:
    """Built-in workflows that the platform needs and nobody started."""
    words = {
        State.EDITED: gettext_noop(
            "%(name)s should be running but is not: it was never started."
        ),
        State.FINISHED: gettext_noop(
            "%(name)s should be running but is not: it was stopped."
        ),
    }
    idle = Workflow.objects.technical().filter(
        state__in=words, failed=False, severity__gte=Severity.PRODUCTION
    )
    for workflow in idle.defer("variables", "description")[:_MOST]:
        entry = catalogue_entry(workflow.internal_name)
        if entry is not None and entry.starts_with_package:
            yield Condition(
                NotificationKind.SILENT,
                "not started",
                words[State(workflow.state)],
                {"name": workflow.internal_name},
                workflow=workflow,
            )


def silence(at: datetime) -> Iterator[Condition]:
    """A clock or a queue that gave a sign of life once, and none for 30 s."""
    for name, component in component_status(at).items():
        if component.is_up or component.age_seconds is None:
            continue
        since = _instant(at - timedelta(seconds=round(component.age_seconds)))
        queue = name.removeprefix("queue:")
        message = gettext_noop(
            "No worker of the queue %(queue)s has answered since %(since)s; its"
            " tasks wait."
        )
        if name == queue:
            message = gettext_noop(
                "The clock has been silent since %(since)s; schedules are kept to"
                " the minute only."
            )
        yield Condition(
            NotificationKind.SILENT,
            name,
            message,
            {"queue": queue, "since": since},
            path=reverse(_RUNS_PATH),
        )


def unclaimed(at: datetime) -> Iterator[Condition]:
    """Queues in which a task waits for a worker although workers live."""
    if _is_held():
        return
    waiting = (
        Task.objects.filter(
            status=TaskStatus.ACTIVE,
            substate=Substate.QUEUED,
            enqueued_at__lt=at - UNCLAIMED,
            workflow__state__in=EXECUTING,
        )
        .values("queue")
        .annotate(oldest=Min("enqueued_at"), count=Count("pk"))
        .order_by("queue")
    )
    for row in waiting:
        yield Condition(
            NotificationKind.ALERT,
            f"unclaimed {row['queue']}",
            gettext_noop(
                "Tasks of the queue %(queue)s have waited for a worker since"
                " %(since)s: look at its workers and at the limit of active"
                " workflows."
            ),
            {"queue": row["queue"], "since": _instant(row["oldest"])},
            level=Level.WARNING,
            path=reverse(_RUNS_PATH),
        )


def backlogs(at: datetime) -> Iterator[Condition]:
    """Workflows for which more waits, or waits longer, than they are given."""
    over = Freshness.objects.filter(is_over=True).select_related("workflow")
    for freshness in over:
        yield Condition(
            NotificationKind.BACKLOG,
            "backlog",
            gettext_noop(
                "More waits for %(name)s than its limit: %(rows)s rows, the oldest"
                " since %(since)s."
            )
            if freshness.oldest_at
            else gettext_noop("More waits for %(name)s than its limit: %(rows)s rows."),
            {
                "name": freshness.workflow.internal_name,
                "rows": freshness.rows,
                "since": _instant(freshness.oldest_at),
            },
            workflow=freshness.workflow,
            level=Level.WARNING,
        )


def unreachable(at: datetime) -> Iterator[Condition]:
    """Workflows of whose failure nobody would be told."""
    names = list(
        unreachable_workflows()
        .order_by("internal_name")
        .values_list("internal_name", flat=True)
    )
    if names:
        more = f" (+{len(names) - NAMED})" if len(names) > NAMED else ""
        shown = ", ".join(names[:NAMED]) + more
        yield Condition(
            NotificationKind.ALERT,
            "unreachable",
            gettext_noop("Nobody is told when these workflows fail: %(names)s."),
            {"names": shown, "first": names[0]},
            level=Level.WARNING,
            path=reverse("workflows:properties", args=[names[0]]),
        )


RULES: tuple[Rule, ...] = (
    late_plans,
    missed,
    not_started,
    silence,
    unclaimed,
    backlogs,
    unreachable,
)


def _tell_recoveries(at: datetime) -> None:
    """Close failures of workflows that have succeeded since, whoever ended them."""
    success = Run.objects.filter(
        workflow=OuterRef("workflow"),
        status__in=(RunStatus.FINISHED, RunStatus.FINISHED_WITH_ERRORS),
        ended_at__gt=OuterRef("last_at"),
        is_simulation=False,
    )
    recovered = (
        Notification.objects.filter(
            kind=NotificationKind.FAILED,
            resolved_at__isnull=True,
            workflow__failed=False,
        )
        .filter(Exists(success))
        .order_by()
        .values("workflow")
        .distinct()
    )
    for workflow in Workflow.objects.filter(pk__in=recovered):
        resolve_broken(workflow, at)
