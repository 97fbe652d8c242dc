"""What the engine tells the supervision page: workflows in error, paused, next runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from campaign.platform.supervision import (
    Concern,
    Figure,
    register_concerns,
    register_figures,
)
from workflows.console import appearance, notices
from workflows.console.schedules import schedule_text
from workflows.engine import pausing
from workflows.models import State, Substate, Task, TaskStatus, Workflow

VIEW = "workflows.view"
#: A workflow paused for longer is named under "Needs attention".
LONG_PAUSE = timedelta(hours=24)


def _workflows(request: HttpRequest) -> list[Workflow]:
    """Return the technical workflows; one query for a request, however often asked."""
    known: list[Workflow] | None = getattr(request, "supervised_workflows", None)
    if known is None:
        known = []
        if request.user.has_perm(VIEW):
            known = list(Workflow.objects.technical().defer("variables", "description"))
        request.supervised_workflows = known  # type: ignore[attr-defined]
    return known


def _is_long(workflow: Workflow, at: datetime) -> bool:
    """Return whether the workflow has been paused for longer than LONG_PAUSE."""
    return (
        workflow.state == State.PAUSED
        and workflow.paused_at is not None
        and workflow.paused_at < at - LONG_PAUSE
    )


def _paused_for_long(request: HttpRequest, at: datetime) -> set[int]:
    """Return the technical workflows that notices tell of; one query for a request."""
    known: set[int] | None = getattr(request, "workflows_paused_for_long", None)
    if known is None:
        known = set()
        if any(_is_long(one, at) for one in _workflows(request)):
            period = pausing.Rules.in_force().period
            found = pausing.paused_for_long(at, period).filter(is_technical=True)
            known = set(found.values_list("pk", flat=True))
        request.workflows_paused_for_long = known  # type: ignore[attr-defined]
    return known


@register_figures
def workflow_figures(request: HttpRequest, at: datetime) -> Iterator[Figure]:
    """Count workflows in error, paused and started."""
    if not request.user.has_perm(VIEW):
        return
    workflows = _workflows(request)
    failed = sum(one.failed for one in workflows)
    paused = sum(one.state == State.PAUSED and not one.failed for one in workflows)
    started = sum(one.state == State.STARTED for one in workflows)
    address = reverse("workflows:workflow_list")
    yield Figure(
        name="failed",
        label=_("Workflows in error"),
        value=failed,
        url=f"{address}?state=failed",
        order=10,
        tone="bad" if failed else "",
    )
    yield Figure(
        name="paused",
        label=_("Workflows paused"),
        value=paused,
        url=f"{address}?state=paused",
        order=11,
        tone="warn" if paused else "",
    )
    long_paused = _paused_for_long(request, at)
    if long_paused:
        yield Figure(
            name="paused_long",
            label=_("Paused for more than %(days)s days")
            % {"days": pausing.Rules.in_force().period.days},
            value=len(long_paused),
            url=f"{address}?state=paused",
            order=11,
            tone="warn",
        )
    yield Figure(
        name="started",
        label=_("Workflows started"),
        value=started,
        url=f"{address}?state=running",
        order=12,
    )


@register_figures
def notification_figures(request: HttpRequest, at: datetime) -> Iterator[Figure]:
    """Count what operators should have been told and nobody was, of one day."""
    untold = notices.bell_of(request).undelivered
    if untold:
        yield Figure(
            name="undelivered",
            label=_("Notifications that reached nobody"),
            value=untold,
            url=reverse("workflows:notification_list"),
            order=13,
            tone="bad",
        )


@register_concerns
def workflow_concerns(request: HttpRequest, at: datetime) -> Iterator[Concern]:
    """Name workflows in error, and those paused for long."""
    for workflow in _workflows(request):
        if not workflow.failed and not _is_long(workflow, at):
            continue
        text = _("Paused for a long time; nothing runs until it is started.")
        if workflow.pk in _paused_for_long(request, at):
            text = _(
                "Paused for more than %(days)s days; nothing runs until it is started."
            ) % {"days": pausing.Rules.in_force().period.days}
        if workflow.failed:
            text = _("An activity failed: read its log, mend the cause, press Start.")
        yield Concern(
            look=appearance.of_workflow(workflow),
            title=workflow.label,
            url=workflow.get_absolute_url(),
            text=text,
            at=workflow.paused_at or workflow.last_finish,
        )


@dataclass(frozen=True, slots=True)
class NextRun:
    """A planned run."""

    workflow: Workflow
    at: datetime
    schedule: str


def next_runs(limit: int = 10) -> list[NextRun]:
    """Return the runs planned next, one per workflow. One query."""
    tasks = (
        Task.objects.filter(
            status=TaskStatus.ACTIVE,
            substate=Substate.PENDING,
            process_at__isnull=False,
            workflow__state=State.STARTED,
        )
        .select_related("workflow__structure")
        .order_by("process_at", "pk")
    )
    found: dict[int, NextRun] = {}
    for task in tasks[: limit * 3]:
        workflow = task.workflow
        if workflow.pk not in found and task.process_at is not None:
            words = str(schedule_text(workflow))
            found[workflow.pk] = NextRun(workflow, task.process_at, words)
    return list(found.values())[:limit]
