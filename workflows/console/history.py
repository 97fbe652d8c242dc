"""The lists below the diagram: log, tasks, runs, occurrences, commands.

Each is read newest first, one page at a time, from the index of its workflow; the
next page begins below the last key, so its cost does not grow with depth. A filtered
page looks at a bounded part of the history; the one after it goes on there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from workflows.searching import end_of_step

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
    return _cut(list(queryset.order_by("-pk")[: PAGE + 1]))


def _cut(rows: list[Model]) -> Slice:
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    return Slice(rows, rows[-1].pk if more else None)


def _search(every: QuerySet[Any], selection: Selection, *conditions: Q | None) -> Slice:
    """Return a page of the rows of which every given condition holds."""
    wanted = [condition for condition in conditions if condition is not None]
    if selection.run:
        every = every.filter(run_id=selection.run)
    if not wanted or selection.run:
        return _slice(every.filter(*wanted), selection)
    end = end_of_step(every, selection.before)
    if end is None:
        return _slice(every.filter(*wanted), selection)
    found = _slice(every.filter(*wanted, pk__gte=end), selection)
    return found if found.older else Slice(found.rows, end)


def log(workflow: Workflow, selection: Selection) -> Slice:
    """Return journal lines. At most two queries."""
    lines = JournalEntry.objects.filter(workflow=workflow)
    text = selection.text
    if text:
        lines = lines.annotate(words=Cast("parameters", TextField()))
    return _search(
        lines,
        selection,
        Q(activity=selection.activity) if selection.activity else None,
        Q(level__gte=selection.level) if selection.level in Level.values else None,
        Q(message__icontains=text) | Q(words__icontains=text) if text else None,
    )


def tasks(workflow: Workflow, selection: Selection) -> Slice:
    """Return tasks. At most two queries."""
    status = selection.status
    return _search(
        Task.objects.filter(workflow=workflow).defer("variables"),
        selection,
        Q(activity=selection.activity) if selection.activity else None,
        Q(status=status) if status in TaskStatus.values else None,
    )


def runs(workflow: Workflow, selection: Selection) -> Slice:
    """Return runs. At most two queries."""
    status = selection.status
    return _search(
        Run.objects.filter(workflow=workflow).defer("variables"),
        replace(selection, run=None),
        Q(status=status) if status in RunStatus.values else None,
    )


def occurrences(workflow: Workflow, selection: Selection) -> Slice:
    """Return planned instants with what became of them. At most two queries."""
    found = Occurrence.objects.filter(workflow=workflow)
    if selection.before is not None:
        last = found.filter(pk=selection.before).first()
        if last is not None:
            at = last.scheduled_for
            found = found.filter(
                Q(scheduled_for__lt=at) | Q(scheduled_for=at, pk__lt=last.pk),
                scheduled_for__lte=at,
            )
    if selection.status:
        found = found.filter(outcome=selection.status)
    return _cut(list(found.order_by("-scheduled_for", "-pk")[: PAGE + 1]))


def commands(workflow: Workflow, selection: Selection) -> Slice:
    """Return ledger rows. One query."""
    return _slice(Command.objects.filter(workflow=workflow), selection)


def changed(workflow: Workflow, _selection: Selection) -> Slice:
    """Return the newest changes of properties, schedule, structure. One query."""
    return Slice(changes(workflow, PAGE))


def changes(workflow: Workflow, limit: int = 20) -> list[AuditEntry]:
    """Return the newest changes of properties, schedule, structure. One query."""
    return list(
        AuditEntry.objects.filter(
            object_type=workflow._meta.label_lower,
            object_id__in=(str(workflow.pk), workflow.internal_name),
        ).order_by("-pk")[:limit]
    )
