"""The daily digest: at seven in the morning, what waits for a person.

A day without anything to tell is one line in the console and no mail.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Count, F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop

from workflows import conf
from workflows.engine.notifications import notify
from workflows.engine.notifying.recipients import unreachable_workflows
from workflows.engine.notifying.upkeep import forget_old
from workflows.models import (
    Freshness,
    Heartbeat,
    HeartbeatKind,
    Level,
    Notification,
    NotificationKind,
    Run,
    RunStatus,
    Workflow,
)

NAME = "daily digest"
FUNCTION = "workflows.engine.digest.look"
EVERY_SECONDS = 300
HOUR = time(7)
LONGEST = 5
NAMED = 50
_LATE = (
    NotificationKind.OVERDUE,
    NotificationKind.DEADLINE,
    NotificationKind.UNUSUAL,
    NotificationKind.SILENT,
)
# By the index of each scheduler's own instants, however many there are in all.
_MISSED = """
SELECT coalesce(sum(o.count), 0) FROM workflows_task t
JOIN workflows_occurrence o ON o.workflow_id = t.workflow_id
    AND o.activity = t.activity
    AND o.scheduled_for >= %(begin)s AND o.scheduled_for < %(end)s
WHERE t.status = 'active' AND t.activity_type = 'scheduler'
    AND o.outcome IN ('skipped_misfire', 'skipped_late')
"""


def look() -> None:
    """Send the digest of the day when its hour has come; a periodic duty.

    Whoever notes the day first sends; the day of the installation has none.
    """
    at = timezone.now()
    local = at.astimezone(ZoneInfo(conf.server_zone()))
    today = local.date() if local.time() >= HOUR else local.date() - timedelta(days=1)
    with transaction.atomic():
        if _is_first_to_note(today, at):
            send(at)
            forget_old(at)


def _is_first_to_note(day: date, at: datetime) -> bool:
    """Return whether a new day began since the last digest, and note it."""
    row, _made = Heartbeat.objects.select_for_update().get_or_create(
        kind=HeartbeatKind.DUTY, name=NAME, defaults={"at": at}
    )
    noted = row.data.get("day")
    Heartbeat.objects.filter(pk=row.pk).update(
        at=at, data={**row.data, "day": day.isoformat()}
    )
    return noted is not None and noted < day.isoformat()


def send(at: datetime) -> Notification:
    """Tell every supervisor what waits for a person."""
    found = compose(at)
    is_well = not any(
        found[name]
        for name in (
            *("failed", "paused", "overdue", "ignored", "backlog", "unreachable"),
            *("failed_runs", "missed"),
        )
    )
    message = gettext_noop(
        "%(in_error)s workflows in error, %(on_pause)s paused, %(late)s late or"
        " overdue, %(with_ignored)s with ignored errors, %(over)s with a backlog over"
        " the limit; %(failed_runs)s runs failed and %(missed)s planned instants were"
        " missed yesterday."
    )
    if is_well:
        message = gettext_noop("All well: %(runs)s runs yesterday, none failed.")
    return notify(
        kind=NotificationKind.DIGEST,
        level=Level.INFO if is_well else Level.WARNING,
        message=message,
        parameters=found,
        path=reverse("workflows:workflow_list"),
        at=at,
    )


def compose(at: datetime) -> dict[str, Any]:
    """Return the figures of yesterday and the workflows to look at. Nine queries.

    Yesterday is that of the server's zone.
    """
    zone = ZoneInfo(conf.server_zone())
    today = at.astimezone(zone).date()
    begin = datetime.combine(today - timedelta(days=1), time(), zone)
    end = datetime.combine(today, time(), zone)
    known = Workflow.objects.visible()
    lists = {
        "failed": _lines(known.failed(), since="paused_at"),
        "paused": _lines(known.paused(), since="paused_at", text="pause_comment"),
        "overdue": _late(),
        "ignored": _lines(
            known.filter(ignored_errors__gt=0),
            since="ignored_since",
            count="ignored_errors",
        ),
        "backlog": _backlogs(),
        "unreachable": _lines(unreachable_workflows()),
        "longest": _longest(begin, end),
    }
    return {
        **lists,
        "in_error": len(lists["failed"]),
        "on_pause": len(lists["paused"]),
        "late": len(lists["overdue"]),
        "with_ignored": len(lists["ignored"]),
        "over": len(lists["backlog"]),
        **_runs(begin, end),
        "missed": _missed(begin, end),
        "day": begin.date().isoformat(),
    }


def _lines(
    workflows: Any, *, since: str = "", count: str = "", text: str = ""
) -> list[dict[str, Any]]:
    """Return a line of each workflow with what the named fields hold."""
    fields = [name for name in (since, count, text) if name]
    rows = workflows.order_by("internal_name").values("internal_name", *fields)
    return [
        {
            "name": row["internal_name"],
            "since": row[since].isoformat() if since and row[since] else None,
            "count": row[count] if count else None,
            "text": row[text] if text else "",
        }
        for row in rows[:NAMED]
    ]


def _late() -> list[dict[str, Any]]:
    rows = (
        Notification.objects.filter(
            kind__in=_LATE, resolved_at__isnull=True, workflow__isnull=False
        )
        .order_by("first_at", "pk")
        .values_list("workflow__internal_name", "kind", "first_at")
    )
    return [
        {"name": name, "kind": kind, "since": first_at.isoformat()}
        for name, kind, first_at in rows[:NAMED]
    ]


def _backlogs() -> list[dict[str, Any]]:
    rows: Iterable[Freshness] = (
        Freshness.objects.filter(is_over=True)
        .select_related("workflow")
        .order_by("workflow__internal_name")[:NAMED]
    )
    return [
        {
            "name": row.workflow.internal_name,
            "count": row.rows,
            "since": row.oldest_at.isoformat() if row.oldest_at else None,
        }
        for row in rows
    ]


def _longest(begin: datetime, end: datetime) -> list[dict[str, Any]]:
    rows = (
        Run.objects.filter(
            ended_at__gte=begin, ended_at__lt=end, started_at__isnull=False
        )
        .annotate(length=F("ended_at") - F("started_at"))
        .order_by("-length")
        .values_list("workflow__internal_name", "length")
    )
    return [
        {"name": name, "seconds": round(length.total_seconds(), 1)}
        for name, length in rows[:LONGEST]
    ]


def _runs(begin: datetime, end: datetime) -> dict[str, int]:
    """Return how many runs ended yesterday, and how many failed."""
    ended = Run.objects.filter(ended_at__gte=begin, ended_at__lt=end).aggregate(
        runs=Count(
            "pk", filter=~Q(status__in=(RunStatus.SKIPPED, RunStatus.CANCELLED))
        ),
        failed=Count("pk", filter=Q(status=RunStatus.FAILED)),
    )
    waiting = Run.objects.filter(
        status=RunStatus.FAILED,
        ended_at__isnull=True,
        created_at__gte=begin,
        created_at__lt=end,
    ).count()
    return {
        "runs": ended["runs"] + waiting,
        "failed_runs": ended["failed"] + waiting,
    }


def _missed(begin: datetime, end: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_MISSED, {"begin": begin, "end": end})
        return int(cursor.fetchone()[0])
