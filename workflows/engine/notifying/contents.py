"""What a notification says, in the language and zone that are active."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from workflows import registry
from workflows.models import (
    JournalEntry,
    Level,
    Notification,
    NotificationKind,
    Run,
    RunStatus,
    Task,
    Workflow,
)

JOURNAL_LINES = 5
# After these a person has to decide whether and how it goes on.
_TO_DECIDE = frozenset(
    {
        NotificationKind.FAILED,
        NotificationKind.HUNG,
        NotificationKind.RESTART_GAVE_UP,
        NotificationKind.PAUSED_LONG,
        NotificationKind.PAUSE_REMINDER,
    }
)


@dataclass(frozen=True, slots=True)
class Link:
    """A place of the console, as an absolute address."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a heading."""

    heading: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Content:
    """A message before it is laid out."""

    subject: str
    sentence: str
    facts: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section] = ()
    links: Sequence[Link] = ()


@dataclass(frozen=True, slots=True)
class Background:
    """What stands in the database about a notification, read once for all readers."""

    run: Run | None = None
    task: Task | None = None
    lines: Sequence[JournalEntry] = ()
    waiting_runs: int = 0
    waiting_signals: int = 0


def absolute(path: str) -> str:
    """Return the address of a page of ours as people outside reach it."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path or '/'}"


def moment(value: datetime) -> str:
    """Return an instant to the second in the active zone, which is named."""
    zone = timezone.get_current_timezone_name()
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S} ({zone})"


def read_background(notification: Notification) -> Background:
    """Return what a message tells besides its sentence. Five queries at most."""
    workflow = notification.workflow
    if workflow is None:
        return Background()
    told = notification.parameters
    runs = Run.objects.filter(workflow=workflow)
    lines = JournalEntry.objects.filter(workflow=workflow)
    run_id, task_id = told.get("run"), told.get("task")
    if run_id is not None:
        # What concerns another run says nothing about this one.
        lines = lines.filter(Q(run_id=run_id) | Q(run_id__isnull=True))
    return Background(
        run=runs.filter(pk=run_id).first() if run_id is not None else None,
        task=workflow.tasks.filter(pk=task_id).first() if task_id is not None else None,
        lines=list(lines.order_by("-pk")[:JOURNAL_LINES])[::-1],
        waiting_runs=runs.filter(status=RunStatus.QUEUED).count(),
        waiting_signals=workflow.signals.filter(consumed_at__isnull=True).count(),
    )


def content_of(notification: Notification, background: Background) -> Content:
    """Return what the message says."""
    kind = NotificationKind(notification.kind)
    workflow = notification.workflow
    if kind is NotificationKind.DIGEST:
        return _digest(notification)
    if workflow is None:
        return Content(
            subject=_("%(kind)s: instance %(instance)s")
            % {"kind": kind.label, "instance": instance()},
            sentence=notification.text,
            facts=_occurrences(notification),
            links=[Link(_("Open"), absolute(notification.path))],
        )
    return Content(
        subject=_("%(kind)s: %(label)s")
        % {"kind": kind.label, "label": workflow.label},
        sentence=notification.text,
        facts=[
            *_workflow_facts(workflow),
            *_run_facts(notification, background),
            *_occurrences(notification),
            *_blocked(background),
        ],
        sections=_journal(background),
        links=_links(notification, workflow),
    )


def instance() -> str:
    """Return the name of this instance."""
    return str(getattr(settings, "CAMPAIGN_ORG", ""))


def _workflow_facts(workflow: Workflow) -> list[tuple[str, str]]:
    facts = [
        (_("Workflow"), workflow.label),
        (_("Internal name"), workflow.internal_name),
        (_("ID"), str(workflow.uuid)),
        (_("Severity"), str(workflow.get_severity_display())),
        (_("State"), str(workflow.get_state_display())),
        (_("Instance"), instance()),
    ]
    if workflow.package:
        label = str(registry.package_label(workflow.package))
        facts.insert(3, (_("Package"), label))
    return facts


def _run_facts(
    notification: Notification, background: Background
) -> list[tuple[str, str]]:
    facts = []
    run, task = background.run, background.task
    if run is not None:
        facts.append((_("Run"), str(run.pk)))
        if run.scheduled_for:
            facts.append((_("Planned for"), moment(run.scheduled_for)))
    if notification.activity:
        facts.append((_("Activity"), notification.activity))
    if task is not None and task.error:
        facts.append((_("Error"), task.error.splitlines()[0]))
    return facts


def _occurrences(notification: Notification) -> list[tuple[str, str]]:
    facts = [(_("Seen"), moment(notification.last_at))]
    if notification.count > 1:
        facts += [
            (_("Occurrences"), str(notification.count)),
            (_("First seen"), moment(notification.first_at)),
        ]
    return facts


def _blocked(background: Background) -> list[tuple[str, str]]:
    if not background.waiting_runs and not background.waiting_signals:
        return []
    words = _("%(runs)s runs, %(signals)s signals") % {
        "runs": background.waiting_runs,
        "signals": background.waiting_signals,
    }
    return [(_("Waits meanwhile"), words)]


def _journal(background: Background) -> list[Section]:
    lines = [
        f"{moment(line.at)} {Level(line.level).label}: {line.text}"
        for line in background.lines
    ]
    return [Section(_("Last lines of the journal"), lines)] if lines else []


def _links(notification: Notification, workflow: Workflow) -> list[Link]:
    path = notification.path or workflow.get_absolute_url()
    links = [Link(_("Open"), absolute(path))]
    name = workflow.internal_name
    if notification.kind in _TO_DECIDE:
        links += [
            Link(label, absolute(reverse("workflows:command", args=[name, command])))
            for label, command in ((_("Resume"), "start"), (_("Restart"), "restart"))
        ]
    mute = reverse("workflows:mute", args=[name])
    return [*links, Link(_("Mute for 24 hours"), absolute(mute))]


def _digest(notification: Notification) -> Content:
    """Return the daily digest: its figures, and the workflows to look at."""
    told: dict[str, Any] = notification.parameters
    return Content(
        subject=_("Daily digest of %(instance)s: %(sentence)s")
        % {"instance": instance(), "sentence": notification.text},
        sentence=notification.text,
        facts=[
            (_("Runs yesterday"), str(told.get("runs", 0))),
            (_("Failed runs yesterday"), str(told.get("failed_runs", 0))),
            (_("Planned instants missed yesterday"), str(told.get("missed", 0))),
        ],
        sections=[
            Section(heading, [_digest_line(row) for row in told[name]])
            for name, heading in _digest_headings()
            if told.get(name)
        ],
        links=[Link(_("Open"), absolute(notification.path))],
    )


def _digest_headings() -> list[tuple[str, str]]:
    return [
        ("failed", _("Workflows in error")),
        ("paused", _("Workflows paused")),
        ("overdue", _("Overdue or late")),
        ("ignored", _("Errors that were ignored")),
        ("backlog", _("Backlog over its limit")),
        ("unreachable", _("Workflows of whose failure nobody is told")),
        ("longest", _("Longest runs yesterday")),
    ]


def _digest_line(row: dict[str, Any]) -> str:
    """Return a line: which workflow, and since when or how much."""
    parts = [str(row["name"])]
    if row.get("kind"):
        parts.append(str(NotificationKind(row["kind"]).label))
    if row.get("count") is not None:
        parts.append(str(row["count"]))
    if row.get("seconds") is not None:
        parts.append(_("%(seconds)s s") % {"seconds": row["seconds"]})
    if row.get("since"):
        since = moment(datetime.fromisoformat(row["since"]))
        parts.append(_("since %(since)s") % {"since": since})
    if row.get("text"):
        parts.append(str(row["text"]))
    return " – ".join(parts)
