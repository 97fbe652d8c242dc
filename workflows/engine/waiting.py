"""Why something waits: one sentence for every task and run that does not run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_noop

from workflows import conf
from workflows.engine import freezing, limits
from workflows.models import (
    Event,
    Freeze,
    Heartbeat,
    HeartbeatKind,
    Run,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

_PAUSED = (State.PAUSED, State.PAUSE_REQUESTED)


@dataclass(frozen=True, slots=True)
class WaitReason:
    """Why one task or run waits; ``message`` is an English msgid."""

    code: str
    message: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    activity: str = ""
    task_id: int | None = None
    run_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def text(self) -> str:
        """Return the sentence in the reader's language. No SQL."""
        message = translate(self.message)
        return message % self.parameters if self.parameters else message


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What holds more than one task."""

    freeze: Freeze | None
    is_full: bool
    silent_queues: frozenset[str]


def reasons(workflow: Workflow, at: datetime) -> list[WaitReason]:
    """Return why each task and run of the workflow that does not run waits.

    A handful of queries on live rows only.
    """
    waiting = list(
        Task.objects.filter(workflow=workflow, status=TaskStatus.ACTIVE)
        .exclude(substate=Substate.RUNNING)
        .select_related("run")
        .order_by("id")
    )
    around = _Surroundings(
        freezing.current(),
        any(t.substate == Substate.QUEUED for t in waiting) and limits.is_full(),
        _silent_queues(waiting, at),
    )
    found = [_of_task(workflow, task, around, at) for task in waiting]
    return [*found, *_of_runs(workflow), *_of_joins(workflow)]


def _silent_queues(tasks: Iterable[Task], at: datetime) -> frozenset[str]:
    """Return the queues of queued tasks whose workers give no sign of life."""
    names = {t.queue for t in tasks if t.substate == Substate.QUEUED}
    if not names:
        return frozenset()
    alive = Heartbeat.objects.filter(
        kind=HeartbeatKind.QUEUE,
        name__in=names,
        at__gte=at - timedelta(seconds=conf.SILENCE_SECONDS),
    ).values_list("name", flat=True)
    return frozenset(names - set(alive))


def _of_task(
    workflow: Workflow, task: Task, around: _Surroundings, at: datetime
) -> WaitReason:
    def reason(code: str, message: str, **parameters: Any) -> WaitReason:
        return WaitReason(
            code,
            message,
            {"name": task.activity, **parameters},
            activity=task.activity,
            task_id=task.pk,
            run_id=task.run_id,
            since=task.enqueued_at or task.created_at,
            until=task.process_at,
        )

    if task.substate == Substate.HELD:
        return reason(
            "held",
            gettext_noop("%(name)s is set not to execute; set it back to normal."),
        )
    if workflow.state in _PAUSED:
        by = workflow.paused_by or "-"
        return reason(
            "paused", gettext_noop("The workflow is paused by %(by)s."), by=by
        )
    if around.freeze is not None:
        return reason(
            "frozen",
            gettext_noop("The instance is frozen by %(by)s: %(reason)s"),
            by=around.freeze.author,
            reason=around.freeze.reason,
        )
    if task.substate == Substate.PENDING:
        return _of_timed(task, reason, at)
    if task.substate == Substate.WAITING:
        if task.run_id is None:
            return reason("signal", gettext_noop("%(name)s waits for a signal."))
        return reason(
            "answer",
            gettext_noop("%(name)s waits for an answer or for a sub-workflow."),
        )
    return _of_queued(workflow, task, around, reason)


def _of_timed(task: Task, reason: Any, at: datetime) -> WaitReason:
    planned = task.scheduled_for
    if task.run_id is not None and task.retries:
        return reason(
            "retry",
            gettext_noop("%(name)s failed and is tried again at %(at)s."),
            at=_text(task.process_at),
        )
    is_late = planned is not None and planned <= at
    if is_late and task.process_at and task.process_at > at:
        return reason(
            "deferred",
            gettext_noop("%(name)s is put off to %(at)s: a blackout or a delay."),
            at=_text(task.process_at),
        )
    if task.process_at is not None and task.process_at <= at:
        return reason("due", gettext_noop("%(name)s is due and waits for the clock."))
    return reason(
        "time",
        gettext_noop("%(name)s waits for %(at)s."),
        at=_text(task.process_at),
    )


def _of_queued(
    workflow: Workflow, task: Task, around: _Surroundings, reason: Any
) -> WaitReason:
    if task.queue in around.silent_queues:
        return reason(
            "no_worker",
            gettext_noop("%(name)s waits for a worker of the queue %(queue)s."),
            queue=task.queue,
        )
    if around.is_full:
        return reason(
            "limit",
            gettext_noop(
                "The limit of %(limit)s running tasks is reached; %(name)s is number"
                " %(position)s in the queue."
            ),
            limit=limits.max_active(),
            position=position(workflow, task),
        )
    if _is_excluded(workflow, task):
        return reason(
            "turn", gettext_noop("%(name)s waits for a task that runs before it.")
        )
    return reason("worker", gettext_noop("%(name)s waits for the next free worker."))


def position(workflow: Workflow, task: Task) -> int:
    """Return the place of a queued task: severity first, then due time."""
    before = Task.objects.filter(
        status=TaskStatus.ACTIVE, substate=Substate.QUEUED
    ).filter(
        Q(workflow__severity__gt=workflow.severity)
        | Q(workflow__severity=workflow.severity, process_at__lt=task.process_at)
        | Q(
            workflow__severity=workflow.severity,
            process_at=task.process_at,
            pk__lt=task.pk,
        )
    )
    return before.count() + 1


def _is_excluded(workflow: Workflow, task: Task) -> bool:
    running = Task.objects.filter(
        workflow=workflow, status=TaskStatus.ACTIVE, substate=Substate.RUNNING
    )
    same_run = Q(run=task.run_id) if not workflow.parallel_branches else Q(pk=None)
    same_activity = Q(activity=task.activity) if task.is_exclusive else Q(pk=None)
    return running.filter(same_run | same_activity).exists()


def _of_runs(workflow: Workflow) -> list[WaitReason]:
    """Tell which runs wait for the end of another one."""
    waiting = Run.objects.filter(workflow=workflow, status="queued", is_waiting=True)
    live = Run.objects.live().filter(workflow=workflow, is_waiting=False).first()
    return [
        WaitReason(
            "overlap",
            gettext_noop("Run %(number)s waits for the end of run %(live)s."),
            {"number": run.pk, "live": live.pk if live else "-"},
            run_id=run.pk,
            since=run.created_at,
        )
        for run in waiting
    ]


def _of_joins(workflow: Workflow) -> list[WaitReason]:
    """Tell which joins have some of their inputs."""
    collected = (
        Event.objects.filter(
            run__in=Run.objects.live().filter(workflow=workflow), consumed_at=None
        )
        .order_by("run_id", "destination")
        .values_list("run_id", "destination", "source")
    )
    by_join: dict[tuple[int, str], list[str]] = {}
    for run_id, name, source in collected:
        by_join.setdefault((run_id, name), []).append(source)
    return [
        WaitReason(
            "join",
            gettext_noop("%(name)s has heard from %(sources)s and waits for the rest."),
            {"name": name, "sources": ", ".join(sources)},
            activity=name,
            run_id=run_id,
        )
        for (run_id, name), sources in by_join.items()
    ]


def _text(instant: datetime | None) -> str:
    if instant is None:
        return "-"
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
