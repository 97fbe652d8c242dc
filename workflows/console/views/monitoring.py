"""Over all workflows: what runs, what the journals say, who changed what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from workflows.actions.command_parameters import allowed_grades
from workflows.console import access, changes, downloads, listings, queries
from workflows.console.history import Selection
from workflows.console.views.runs import line_of
from workflows.engine import stuck
from workflows.engine.graph import Graph
from workflows.models import AuditEntry, Command, JournalEntry, Level, Source, Workflow
from workflows.searching import end_of_step

PAGE = 50
AROUND = 12
#: A file holds no more rows, and says so in its last one.
FILE = 100_000
LOGS = listings.register(listings.Listing("logs", "workflows:log_search"))
AUDIT = listings.register(listings.Listing("audit", "workflows:audit"))


@access.requires("workflows.view")
def running(request: HttpRequest) -> HttpResponse:
    """Show what runs, the longest silent first, with what may be done about it."""
    found = stuck.running_tasks(timezone.now())
    workflows = Workflow.objects.select_related("structure").in_bulk(
        {task.workflow_id for task in found}
    )
    rows = [
        (task, workflows.get(task.workflow_id), _grades(workflows, task, request))
        for task in found
    ]
    context = {"rows": rows, "stuck": sum(task.is_stuck for task in found)}
    return render(request, "workflows/running.html", context)


def _grades(
    workflows: dict[int, Workflow], task: stuck.RunningTask, request: HttpRequest
) -> Sequence[str]:
    return allowed_grades(workflows.get(task.workflow_id), request.user)


@access.requires("workflows.view")
def log_search(request: HttpRequest) -> HttpResponseBase:
    """Show the journals of all workflows, newest first; a bounded part a page."""
    lines, end = _logs(request)
    if request.GET.get(downloads.PARAMETER) == downloads.CSV:
        return _log_file(lines)
    selection = Selection.read(request.GET)
    if selection.before is not None:
        lines = lines.filter(pk__lt=selection.before)
    rows = list(lines.filter(pk__gte=end or 0).order_by("-pk")[: PAGE + 1])
    older = rows[PAGE - 1].pk if len(rows) > PAGE else end
    context = {
        "rows": _labelled(rows[:PAGE]),
        "older": older,
        "selection": selection,
        "workflow_name": request.GET.get("workflow", ""),
        "levels": Level.choices,
        "follows": request.GET.get("follow") == "1" and selection.before is None,
        "tools": listings.tools(request, LOGS),
        "is_narrow": selection.is_narrow or bool(request.GET.get("workflow")),
    }
    is_part = bool(request.htmx)  # type: ignore[attr-defined]
    template = "workflows/_log_search_rows.html" if is_part else None
    return render(request, template or "workflows/log_search.html", context)


def _logs(request: HttpRequest) -> tuple[QuerySet[JournalEntry], int | None]:
    """Return the lines that match, and where this page's part of the search ends."""
    selection = Selection.read(request.GET)
    every = JournalEntry.objects.select_related("workflow", "workflow__structure")
    name = request.GET.get("workflow", "").strip()[:64]
    if name:
        known = queries.search(Workflow.objects.visible(), name).values("pk")
        every = every.filter(workflow__in=list(known.values_list("pk", flat=True)))
    if selection.run:
        every = every.filter(run_id=selection.run)
    wanted = Q()
    if selection.level in Level.values:
        wanted &= Q(level__gte=selection.level)
    if selection.activity:
        wanted &= Q(activity=selection.activity)
    if selection.text:
        every = every.annotate(words=Cast("parameters", TextField()))
        wanted &= Q(message__icontains=selection.text) | Q(
            words__icontains=selection.text
        )
    end = end_of_step(every.select_related(None), selection.before) if wanted else None
    return every.filter(wanted), end


def _labelled(rows: Sequence[JournalEntry]) -> Sequence[JournalEntry]:
    """Give every line the label of its activity. No SQL with the structures."""
    known: dict[int, dict[str, str]] = {}
    for line in rows:
        structure = line.workflow.structure
        if structure is not None and structure.pk not in known:
            known[structure.pk] = {
                node.name: node.title for node in Graph.of(structure.graph).nodes
            }
        labels = known.get(structure.pk, {}) if structure else {}
        vars(line)["activity_label"] = labels.get(line.activity, line.activity)
    return rows


def _log_file(lines: QuerySet[JournalEntry]) -> HttpResponseBase:
    head = (_("Time"), _("Level"), _("Workflow"), _("Activity"), _("Run"), _("Message"))

    def rows() -> Iterator[tuple[Any, ...]]:
        for line in lines.order_by("-pk")[:FILE].iterator(chunk_size=2_000):
            yield (
                line.at,
                line.get_level_display(),
                line.workflow.internal_name,
                line.activity,
                line.run_id,
                line.text,
            )

    return downloads.csv_answer("journal", head, rows())


@access.requires("workflows.view")
def log_line(request: HttpRequest, number: int) -> HttpResponse:
    """Show one line among the lines of its workflow before and after it."""
    line = line_of(number)
    around = JournalEntry.objects.filter(workflow=line.workflow)
    before = list(around.filter(pk__lt=line.pk).order_by("-pk")[:AROUND])
    after = list(around.filter(pk__gt=line.pk).order_by("pk")[:AROUND])
    rows = [*reversed(after), line, *before]
    for row in rows:
        row.workflow = line.workflow
    context = {"line": line, "rows": _labelled(rows), "workflow": line.workflow}
    return render(request, "workflows/log_line.html", context)


@access.requires("workflows.view_audit")
def audit(request: HttpRequest) -> HttpResponseBase:
    """Show who changed what, before and after; with ``tab=commands`` who ordered."""
    is_commands = request.GET.get("tab") == "commands"
    found = _ordered(request) if is_commands else _changed(request)
    if request.GET.get(downloads.PARAMETER) == downloads.CSV:
        return _audit_file(found, is_commands=is_commands)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    rows = list(found.order_by("-pk")[: PAGE + 1])
    context = {
        "rows": rows[:PAGE],
        "older": rows[PAGE - 1].pk if len(rows) > PAGE else None,
        "is_commands": is_commands,
        "given": request.GET,
        "sources": Source.choices,
        "tools": listings.tools(request, AUDIT),
        "is_narrow": any(
            request.GET.get(name) for name in ("operator", "object", "since", "source")
        ),
    }
    return render(request, "workflows/audit.html", context)


def _changed(request: HttpRequest) -> QuerySet[Any]:
    found: QuerySet[Any] = AuditEntry.objects.all()
    name = request.GET.get("object", "").strip()[:64]
    if name:
        found = found.filter(Q(object_id=name) | Q(object_label__icontains=name))
    return _narrowed(request, found, "at")


def _ordered(request: HttpRequest) -> QuerySet[Any]:
    found: QuerySet[Any] = Command.objects.select_related("workflow")
    name = request.GET.get("object", "").strip()[:64]
    if name:
        known = queries.search(Workflow.objects.all(), name)
        found = found.filter(workflow__in=list(known.values_list("pk", flat=True)))
    return _narrowed(request, found, "requested_at")


def _narrowed(request: HttpRequest, found: QuerySet[Any], field: str) -> QuerySet[Any]:
    operator = request.GET.get("operator", "").strip()[:150]
    if operator:
        found = found.filter(author=operator)
    source = request.GET.get("source", "")
    if source in Source.values:
        found = found.filter(source=source)
    since = _day(request.GET.get("since", ""))
    if since is not None:
        found = found.filter(**{f"{field}__gte": since})
    return found


def _day(text: str) -> datetime | None:
    """Return the beginning of a day in the reader's zone; None for nonsense."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return timezone.make_aware(found) if timezone.is_naive(found) else found


def _audit_file(found: QuerySet[Any], *, is_commands: bool) -> HttpResponseBase:
    head = (
        _("When"),
        _("Operator"),
        _("Source"),
        _("Object"),
        _("Action"),
        _("Changes"),
        _("Reason"),
    )

    def rows() -> Iterator[tuple[Any, ...]]:
        for row in found.order_by("-pk")[:FILE].iterator(chunk_size=2_000):
            yield _of_command(row) if is_commands else _of_change(row)

    return downloads.csv_answer("audit", head, rows())


def _of_command(row: Command) -> tuple[Any, ...]:
    changed = f"{row.state_before} → {row.state_after}"
    return (
        row.requested_at,
        row.author,
        row.get_source_display(),
        row.workflow.internal_name,
        f"{row.get_name_display()}: {row.get_status_display()}",
        changed,
        row.reason or row.message,
    )


def _of_change(row: AuditEntry) -> tuple[Any, ...]:
    told = "; ".join(
        f"{line.label}: {line.before} → {line.after}" for line in changes.lines(row)
    )
    return (
        row.at,
        row.author,
        row.get_source_display(),
        row.object_label or row.object_id,
        changes.told(row),
        told,
        row.reason,
    )
