"""The lists below the diagram: log, tasks, runs, occurrences, commands.

Each is read newest first, one page at a time, from the index of its workflow; the
next page begins below the last key, so its cost does not grow with depth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, Q, QuerySet, TextField
from django.db.models.functions import Cast

from workflows.models import (
    AuditEntry,
    Command,
    JournalEntry,
    Level,
    Occurrence,
    Run,
    RunStatus,
    Task,
    TaskStatus,
    Workflow,
)

PAGE = 50


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of a list; ``older`` is the key that the next page begins below."""

    rows: Sequence[Any]
    older: int | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What narrows the lists, as it stands in the address."""

    activity: str = ""
    run: int | None = None
    level: int | None = None
    status: str = ""
    text: str = ""
    before: int | None = None
    raw: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, data: Mapping[str, str]) -> Selection:
        """Return the selection of a query string; nonsense counts as absent."""
        return cls(
            activity=data.get("activity", "")[:64],
            run=_number(data.get("run")),
            level=_number(data.get("level")),
            status=data.get("status", "")[:24],
            text=data.get("text", "").strip()[:200],
            before=_number(data.get("before")),
        )

    @property
    def is_narrow(self) -> bool:
        """Return whether anything is filtered."""
        return bool(self.activity or self.run or self.level or self.status or self.text)


def _number(text: str | None) -> int | None:
    if text and text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    return None


def _slice(queryset: QuerySet[Any], selection: Selection) -> Slice:
    if selection.before is not None:
        queryset = queryset.filter(pk__lt=selection.before)
    rows: list[Model] = list(queryset.order_by("-pk")[: PAGE + 1])
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    return Slice(rows, rows[-1].pk if more else None)


def log(workflow: Workflow, selection: Selection) -> Slice:
    """Return journal lines. One query."""
    lines = JournalEntry.objects.filter(workflow=workflow)
    if selection.activity:
        lines = lines.filter(activity=selection.activity)
    if selection.run:
        lines = lines.filter(run_id=selection.run)
    if selection.level in Level.values:
        lines = lines.filter(level__gte=selection.level)
    if selection.text:
        lines = lines.annotate(words=Cast("parameters", TextField())).filter(
            Q(message__icontains=selection.text) | Q(words__icontains=selection.text)
        )
    return _slice(lines, selection)


def tasks(workflow: Workflow, selection: Selection) -> Slice:
    """Return tasks. One query."""
    found = Task.objects.filter(workflow=workflow).defer("variables")
    if selection.activity:
        found = found.filter(activity=selection.activity)
    if selection.run:
        found = found.filter(run_id=selection.run)
    if selection.status in TaskStatus.values:
        found = found.filter(status=selection.status)
    return _slice(found, selection)


def runs(workflow: Workflow, selection: Selection) -> Slice:
    """Return runs. One query."""
    found = Run.objects.filter(workflow=workflow).defer("variables")
    if selection.status in RunStatus.values:
        found = found.filter(status=selection.status)
    return _slice(found, selection)


def occurrences(workflow: Workflow, selection: Selection) -> Slice:
    """Return planned instants with what became of them. One query."""
    found = Occurrence.objects.filter(workflow=workflow)
    if selection.status:
        found = found.filter(outcome=selection.status)
    return _slice(found, selection)


def commands(workflow: Workflow, selection: Selection) -> Slice:
    """Return ledger rows. One query."""
    return _slice(Command.objects.filter(workflow=workflow), selection)


def changes(workflow: Workflow, limit: int = 20) -> list[AuditEntry]:
    """Return the newest changes of properties, schedule, structure. One query."""
    return list(
        AuditEntry.objects.filter(
            object_type=workflow._meta.label_lower,
            object_id__in=(str(workflow.pk), workflow.internal_name),
        ).order_by("-pk")[:limit]
    )
