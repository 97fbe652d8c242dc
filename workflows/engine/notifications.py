"""Telling operators what needs them: once at first, then hourly, and when it is over.

:func:`notify` is the one way. A row of Notification is the truth; it is written in
the caller's transaction together with the order to send it. Whoever sends holds an
advisory lock, so that a message goes out once however often the order comes; what a
crash or a relay kept back is found by :func:`send_due`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from workflows import conf, queue
from workflows.engine import journal
from workflows.engine.notifying import contents, mails, recipients
from workflows.engine.notifying.fingerprints import fingerprint
from workflows.engine.notifying.upkeep import GIVE_UP, KEPT
from workflows.engine.supervision import component_status
from workflows.models import (
    Level,
    Notification,
    NotificationKind,
    Run,
    Task,
    Workflow,
)
from workflows.registry import QUEUES

DELIVER = "workflows.engine.notifications.deliver"
SEND_DUE = "workflows.engine.notifications.send_due"
SEND_DUE_SECONDS = 60
# Repetitions are told once an hour; what reached nobody is tried again sooner.
REPEAT = timedelta(hours=1)
TRY_AGAIN = timedelta(minutes=10)
LOCK_CLASS = 0x4E << 48
_BATCH = 100

# They tell what happened, not what lasts: their rows are closed from the beginning.
# So is the alert that a workflow gives; one of the instance lasts.
EVENTS = frozenset(
    {
        NotificationKind.RECOVERED,
        NotificationKind.AUTO_STOPPED,
        NotificationKind.PAUSE_REMINDER,
        NotificationKind.DIGEST,
    }
)
# A new one is news even when the last one was resolved a moment ago.
_ALWAYS_NEWS = frozenset(
    {NotificationKind.FAILED, NotificationKind.RECOVERED, NotificationKind.DIGEST}
)
# A run that succeeds ends these, and the first two deserve a message that it did.
_BROKEN = (NotificationKind.FAILED, NotificationKind.RESTART_GAVE_UP)
_ENDED_BY_SUCCESS = (*_BROKEN, NotificationKind.HUNG)


def notify(
    *,
    kind: NotificationKind,
    workflow: Workflow | None = None,
    activity: str = "",
    fingerprint_of: Iterable[object] = (),
    level: Level,
    message: str,
    parameters: Mapping[str, Any],
    path: str = "",
    at: datetime,
) -> Notification:
    """Tell operators something; equal things share one row while they last.

    ``message`` is an English msgid, marked with ``gettext_noop``, whose named
    placeholders ``parameters`` fill; ``run`` and ``task`` among them, where given,
    are keys that the mail explains. What ``fingerprint_of`` says tells two things of
    the same kind, workflow and activity apart; numbers in it count as equal. The
    first is sent at once, repetitions hourly. Part of the caller's transaction. Three
    statements and an order; two for a repetition.
    """
    key = fingerprint(kind, workflow.pk if workflow else None, activity, fingerprint_of)
    told = {
        "level": level,
        "message": message,
        "parameters": dict(parameters),
        "path": path or (workflow.get_absolute_url() if workflow else ""),
        "last_at": at,
        "resolved_at": at if is_event(kind, workflow) else None,
    }
    with transaction.atomic():
        row = _present(kind, key, at)
        if row is None:
            try:
                with transaction.atomic():
                    row = Notification.objects.create(
                        kind=kind,
                        workflow=workflow,
                        activity=activity,
                        fingerprint=key,
                        first_at=at,
                        **told,
                    )
            except IntegrityError:  # somebody told the same at the same moment
                row = _present(kind, key, at)
                if row is None:
                    raise
                _repeat(row, told)
        else:
            _repeat(row, told)
        if _is_quiet(row):
            row.sent_at = at
            row.save(update_fields=["sent_at"])
        elif row.sent_at is None or row.sent_at <= at - REPEAT:
            queue.enqueue(DELIVER, row.pk, queue=_queue_for(row, at))
    return row


def is_event(kind: NotificationKind, workflow: Workflow | None) -> bool:
    """Return whether a notification tells what happened rather than what lasts."""
    is_alert = kind == NotificationKind.ALERT and workflow is not None
    return is_alert or kind in EVENTS


def _present(kind: NotificationKind, key: str, at: datetime) -> Notification | None:
    """Return the row that a repetition is counted on."""
    rows = Notification.objects.select_for_update().filter(fingerprint=key)
    if (row := rows.filter(resolved_at__isnull=True).first()) is not None:
        return row
    if kind in _ALWAYS_NEWS:
        return None
    recent = rows.filter(last_at__gt=at - REPEAT).order_by("-last_at", "-id")
    return recent.first()


def _repeat(row: Notification, told: Mapping[str, Any]) -> None:
    for name, value in told.items():
        setattr(row, name, value)
    row.count += 1
    row.save(update_fields=["count", *told])


def _is_quiet(row: Notification) -> bool:
    """Return whether the console's list is enough: a digest without anything to do."""
    return row.kind == NotificationKind.DIGEST and row.level == Level.INFO


def _queue_for(row: Notification, at: datetime) -> str:
    """Return a queue whose workers live, when silence is what there is to tell."""
    if row.kind != NotificationKind.SILENT:
        return QUEUES[0]
    status = component_status(at)
    living = (name for name in QUEUES if status[f"queue:{name}"].is_up)
    return next(living, QUEUES[0])


def workflow_failed(workflow: Workflow, task: Task, at: datetime) -> Notification:
    """Tell the supervisors that a task put its workflow in error."""
    error = task.error.splitlines()[0] if task.error else ""
    return notify(
        kind=NotificationKind.FAILED,
        workflow=workflow,
        activity=task.activity,
        fingerprint_of=(error,),
        level=Level.ERROR,
        message=gettext_noop("%(name)s failed: %(error)s"),
        parameters={
            "name": task.activity,
            "error": error,
            "run": task.run_id,
            "task": task.pk,
        },
        at=at,
    )


def task_hung(workflow: Workflow, task: Task, at: datetime) -> Notification:
    """Tell the supervisors that a task was ended by its time limit."""
    return notify(
        kind=NotificationKind.HUNG,
        workflow=workflow,
        activity=task.activity,
        level=Level.ERROR,
        message=gettext_noop(
            "%(name)s was ended: it worked longer than its limit of %(limit)s s."
        ),
        parameters={
            "name": task.activity,
            "limit": task.limit_seconds or int(conf.option("WORKFLOW_TASK_HARD_LIMIT")),
            "run": task.run_id,
            "task": task.pk,
        },
        at=at,
    )


def run_succeeded(workflow: Workflow, run: Run, at: datetime) -> None:
    """Close what this run's success ends, and tell that the workflow works again.

    One statement when nothing is open; call it when the workflow had failed.
    """
    _resolve(workflow, _ENDED_BY_SUCCESS, at, run_id=run.pk)


def resolve(
    workflow: Workflow | None, kinds: Collection[NotificationKind], at: datetime
) -> int:
    """Close the open notifications of these kinds; return how many there were.

    A workflow that had failed gets its one message of recovery.
    """
    return _resolve(workflow, kinds, at, run_id=None)


def resolve_broken(workflow: Workflow, at: datetime) -> int:
    """Close what a success ends, of which no run told; return how many there were."""
    return _resolve(workflow, _ENDED_BY_SUCCESS, at, run_id=None)


def _resolve(
    workflow: Workflow | None,
    kinds: Collection[NotificationKind],
    at: datetime,
    *,
    run_id: int | None,
) -> int:
    with transaction.atomic():
        rows = list(
            Notification.objects.select_for_update().filter(
                workflow=workflow, kind__in=kinds, resolved_at__isnull=True
            )
        )
        if not rows:
            return 0
        keys = [row.pk for row in rows]
        Notification.objects.filter(pk__in=keys).update(resolved_at=at)
        broken = [row for row in rows if row.kind in _BROKEN]
        if workflow is not None and broken:
            _tell_recovery(workflow, broken, at, run_id)
    return len(rows)


def _tell_recovery(
    workflow: Workflow, broken: list[Notification], at: datetime, run_id: int | None
) -> None:
    notify(
        kind=NotificationKind.RECOVERED,
        workflow=workflow,
        level=Level.INFO,
        message=gettext_noop("%(name)s works again. Failures before: %(count)s."),
        parameters={
            "name": workflow.internal_name,
            "count": sum(row.count for row in broken),
            "run": run_id,
        },
        at=at,
    )


def deliver(notification_id: int) -> None:
    """Send a notification by mail and to the webhooks; a queue task.

    Does nothing when it was sent already, when another worker is at it, or while its
    workflow is muted. What cannot be delivered is a warning in the journal, never an
    error of its own.
    """
    at = timezone.now()
    with _alone(notification_id) as mine:
        row = (
            Notification.objects.select_related("workflow")
            .filter(pk=notification_id)
            .first()
        )
        if mine and row is not None and _is_due(row, at):
            _send(row, at)


@contextmanager
def _alone(notification_id: int) -> Iterator[bool]:
    """Hold the notification against other senders; False when one is at it."""
    key = LOCK_CLASS + notification_id
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        if mine and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _is_due(row: Notification, at: datetime) -> bool:
    if is_muted(row.workflow, at):
        return False
    if row.sent_at is None:
        return True
    if not row.sent_count and row.sent_at <= at - TRY_AGAIN:
        return True
    return row.last_at > row.sent_at and row.sent_at <= at - REPEAT


def is_muted(workflow: Workflow | None, at: datetime) -> bool:
    """Return whether an operator wants to hear nothing of the workflow now."""
    return bool(workflow and workflow.muted_until and workflow.muted_until > at)


def _send(row: Notification, at: datetime) -> None:
    """Order the webhooks, mail the people, and write down what became of it."""
    conf.order_webhooks(row, at)
    people = recipients.recipients_of(row)
    background = contents.read_background(row)
    sent = mails.send(people, lambda: contents.content_of(row, background))
    with transaction.atomic():
        Notification.objects.filter(pk=row.pk).update(
            sent_at=at,
            sent_count=F("sent_count") + sent.count,
            level=row.level if sent.count else max(row.level, Level.WARNING),
        )
        if row.workflow is not None and (sent.count or row.sent_at is None):
            _write_down(row.workflow, row, sent, background, at)


def _write_down(
    workflow: Workflow,
    row: Notification,
    sent: mails.Sent,
    background: contents.Background,
    at: datetime,
) -> None:
    message = gettext_noop("%(count)s supervisors were notified by e-mail.")
    level = Level.INFO
    if sent.error:
        message = gettext_noop("The supervisors could not be notified: %(error)s")
        level = Level.WARNING
    elif not sent.count:
        message = gettext_noop("No supervisor has an e-mail address; nobody was told.")
        level = Level.WARNING
    journal.write(
        workflow,
        message,
        at=at,
        level=level,
        run=background.run,
        task=background.task,
        activity=row.activity,
        count=sent.count,
        error=sent.error,
    )


def send_due() -> None:
    """Send the hourly repetitions and what was kept back; a periodic duty."""
    at = timezone.now()
    for key in due_keys(at):
        deliver(key)


def due_keys(at: datetime) -> list[int]:
    """Return the notifications that have to be sent now, oldest first. One query."""
    unsent = Q(sent_at__isnull=True) & (
        Q(resolved_at__isnull=True) | Q(first_at__gt=at - TRY_AGAIN)
    )
    repeated = Q(last_at__gt=F("sent_at"), sent_at__lte=at - REPEAT)
    unheard = Q(
        sent_count=0, resolved_at__isnull=True, sent_at__lte=at - TRY_AGAIN
    ) & Q(first_at__gt=at - GIVE_UP)
    muted = Q(workflow__muted_until__gt=at)
    return list(
        Notification.objects.filter(unsent | repeated | unheard, last_at__gt=at - KEPT)
        .exclude(muted)
        .exclude(kind=NotificationKind.DIGEST, level=Level.INFO)
        .order_by("pk")
        .values_list("pk", flat=True)[:_BATCH]
    )


def mail_supervisors(*, workflow_id: int, subject: str, body: str) -> int:
    """Mail every active supervisor that has an address; return how many.

    Raises OSError when there were some and the relay took none.
    """
    people = recipients.supervisors_of(workflow_id)
    sent = mails.send(people, lambda: contents.Content(subject, body))
    if people and not sent.count:
        raise OSError(sent.error)
    return sent.count
