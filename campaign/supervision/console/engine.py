"""What the engine tells the supervision page: workflows in error, paused, next runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from campaign.platform.supervision import (
    Concern,
    Figure,
    register_concerns,
    register_figures,
)
from workflows.console import appearance
from workflows.console.schedules import schedule_text
from workflows.models import State, Substate, Task, TaskStatus, Workflow

VIEW = "workflows.view"
MOST = 20
#: A workflow paused for longer is named under "Needs attention".
LONG_PAUSE = timedelta(hours=24)


@register_figures
def workflow_figures(request: HttpRequest, at: datetime) -> Iterator[Figure]:
    """Count workflows in error, paused and executing. One query."""
    if not request.user.has_perm(VIEW):
        return
    counts = Workflow.objects.technical().aggregate(
        in_failed=Count("pk", filter=Q(failed=True)),
        in_paused=Count("pk", filter=Q(state=State.PAUSED, failed=False)),
        in_started=Count("pk", filter=Q(state=State.STARTED)),
    )
    address = reverse("workflows:workflow_list")
    yield Figure(
        name="failed",
        label=_("Workflows in error"),
        value=counts["in_failed"],
        url=f"{address}?state=failed",
        tone="bad" if counts["in_failed"] else "",
    )
    yield Figure(
        name="paused",
        label=_("Workflows paused"),
        value=counts["in_paused"],
        url=f"{address}?state=paused",
        tone="warn" if counts["in_paused"] else "",
    )
    yield Figure(
        name="started",
        label=_("Workflows started"),
        value=counts["in_started"],
        url=f"{address}?state=running",
    )


@register_concerns
def workflow_concerns(request: HttpRequest, at: datetime) -> Iterator[Concern]:
    """Name workflows in error, and those paused for long. One query."""
    if not request.user.has_perm(VIEW):
        return
    waiting = Workflow.objects.technical().filter(
        Q(failed=True) | Q(state=State.PAUSED, paused_at__lt=at - LONG_PAUSE)
    )
    for workflow in waiting.order_by("-paused_at")[:MOST]:
        text = _("Paused for a long time; nothing runs until it is started.")
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
        if workflow.pk not in found:
            words = str(schedule_text(workflow))
            found[workflow.pk] = NextRun(workflow, task.process_at, words)
    return list(found.values())[:limit]
