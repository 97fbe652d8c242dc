"""The page of one workflow, and its live changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q, Value
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows import registry
from workflows.actions import next_runs
from workflows.actions.structure import IN_BETWEEN
from workflows.console import (
    access,
    commands,
    history,
    progress,
    queries,
    schedules,
)
from workflows.console.diagram import Drawing
from workflows.console.history import Selection, Slice
from workflows.console.live import Fragments, take_token
from workflows.engine import waiting
from workflows.engine.graph import Graph
from workflows.exceptions import NotFound
from workflows.models import (
    Command,
    Level,
    OccurrenceOutcome,
    Run,
    RunStatus,
    Task,
    TaskStatus,
    Workflow,
)

KILL_AFTER = timedelta(minutes=5)
TASKS_OF_RUN = 200


@dataclass(frozen=True, slots=True)
class Section:
    """A tab below the diagram; ``statuses`` fills its status filter."""

    name: str
    label: str | Promise
    read: Any
    statuses: Any = ()
    has_activity: bool = False


SECTIONS = {
    section.name: section
    for section in (
        Section("log", gettext_lazy("Log"), history.log, has_activity=True),
        Section(
            "tasks",
            gettext_lazy("Tasks"),
            history.tasks,
            TaskStatus.choices,
            has_activity=True,
        ),
        Section("runs", gettext_lazy("Runs"), history.runs, RunStatus.choices),
        Section(
            "occurrences",
            gettext_lazy("Planned instants"),
            history.occurrences,
            OccurrenceOutcome.choices,
        ),
        Section("commands", gettext_lazy("Commands"), history.commands),
        Section("changes", gettext_lazy("Changes"), history.changed),
    )
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a workflow waits for a person, and where resuming goes on."""

    activity: str
    label: str
    error: str
    at: datetime | None
    run: Run | None


@access.requires("workflows.view")
def workflow_detail(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Show a workflow: diagram, history, properties."""
    context = page_context(request, internal_name)
    return render(
        request,
        "workflows/workflow_detail.html",
        {**context, "token": _fragments(request, context).token},
    )


@access.requires("workflows.view")
def workflow_detail_changes(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Return the parts of the page that changed since the reader's token."""
    token = take_token(request)
    context = page_context(request, internal_name)
    return _fragments(request, context).answer(token, summary=True)


def find(internal_name: str) -> Workflow:
    """Return a workflow with what its page shows; raises NotFound."""
    names = ArrayAgg(
        "supervisors__name",
        filter=Q(supervisors__isnull=False),
        order_by="supervisors__name",
        default=Value([]),
    )
    listed = queries.listed().annotate(supervisor_names=names)
    workflow = listed.filter(internal_name=internal_name).first()
    if workflow is None:
        raise NotFound(
            _("There is no technical workflow %(name)s here."), name=internal_name
        )
    return workflow


def page_context(request: HttpRequest, internal_name: str) -> dict[str, Any]:
    """Return everything the page shows, in a bounded number of queries."""
    workflow = find(internal_name)
    selection = Selection.read(request.GET)
    section = SECTIONS.get(request.GET.get("tab", ""), SECTIONS["log"])
    recent = list(queries.last_runs([workflow]).get(workflow.pk, []))
    persistent = list(
        workflow.tasks.filter(status=TaskStatus.ACTIVE, run__isnull=True).order_by("pk")
    )
    shown = _shown_run(workflow, recent, selection)
    tasks = _tasks_of(shown)
    offers = commands.offers(request, workflow)
    return {
        "workflow": workflow,
        "package_label": registry.package_label(workflow.package) or _("No package"),
        "schedule_text": schedules.schedule_text(workflow),
        "schedules": schedules.schedules_of(workflow),
        "offers": offers,
        "menu_offers": [offers[button.name] for button in commands.MENU],
        "change_reason": access.lacking(request, "workflows.change_technical"),
        "drawing": _drawing(workflow, shown, tasks, persistent),
        "shown_run": shown,
        "recent_runs": recent,
        "failure": _failure(workflow, recent, shown, tasks),
        "open_command": _open_command(workflow),
        "next_runs": next_runs(workflow, timezone.now(), pending=persistent),
        "supervisors": workflow.supervisor_names,  # type: ignore[attr-defined]
        "sections": SECTIONS.values(),
        "section": section,
        "selection": selection,
        "slice": _read(section, workflow, selection),
        "activities": _activities(workflow),
        "levels": Level.choices,
    }


def _open_command(workflow: Workflow) -> Command | None:
    """Return the order that is taking effect. A query only while one is."""
    if workflow.state not in IN_BETWEEN:
        return None
    found: Command | None = workflow.commands.filter(status="requested").first()
    return found


@access.requires("workflows.view")
def workflow_waiting(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Return why everything that waits does so; the page asks for it by itself."""
    workflow = find(internal_name)
    context = {
        "workflow": workflow,
        "wait_reasons": waiting_of(workflow),
        "offers": commands.offers(request, workflow),
    }
    is_part = bool(request.htmx)  # type: ignore[attr-defined]
    template = "workflows/_waiting.html" if is_part else "workflows/waiting.html"
    return render(request, template, context)


def waiting_of(workflow: Workflow) -> list[tuple[waiting.WaitReason, str]]:
    """Return why each task and run waits, with the label of its activity."""
    labels = {name: label for name, label, _type in _activities(workflow)}
    return [
        (reason, labels.get(reason.activity, reason.activity))
        for reason in waiting.reasons(workflow, timezone.now())
    ]


def _read(section: Section, workflow: Workflow, selection: Selection) -> Slice:
    found: Slice = section.read(workflow, selection)
    labels = {name: label for name, label, _type in _activities(workflow)}
    for row in found.rows:
        name = getattr(row, "activity", "")
        row.activity_label = labels.get(name, name)
    return found


def _activities(workflow: Workflow) -> list[tuple[str, str, str]]:
    """Return name, label and type of every activity. No SQL with the structure."""
    if workflow.structure is None:
        return []
    return [
        (node.name, node.title, node.type)
        for node in Graph.of(workflow.structure.graph).nodes
    ]


def _shown_run(
    workflow: Workflow, recent: list[Run], selection: Selection
) -> Run | None:
    """Return the run that the diagram shows: the chosen one, else the newest."""
    if selection.run:
        chosen = (
            Run.objects.select_related("structure")
            .filter(workflow=workflow, pk=selection.run)
            .first()
        )
        if chosen is not None:
            return chosen
    return next((run for run in recent if progress.is_shown(run)), None)


def _tasks_of(run: Run | None) -> list[Task]:
    if run is None:
        return []
    newest = Task.objects.filter(workflow_id=run.workflow_id, run=run)
    return list(newest.defer("variables", "traceback").order_by("-pk")[:TASKS_OF_RUN])[
        ::-1
    ]


def _drawing(
    workflow: Workflow, run: Run | None, tasks: list[Task], waiting: list[Task]
) -> Drawing | None:
    structure = workflow.structure
    if structure is None:
        return None
    if run is not None and run.structure_id != structure.pk and not run.is_live:
        # An older run is shown in today's structure, where names still match.
        names = {activity["name"] for activity in structure.activities}
        tasks = [task for task in tasks if task.activity in names]
    return progress.drawing_of(workflow, structure, run, tasks, waiting)


def _failure(
    workflow: Workflow, recent: list[Run], shown: Run | None, tasks: list[Task]
) -> Failure | None:
    if not workflow.failed:
        return None
    labels = {name: label for name, label, _type in _activities(workflow)}
    run = next((run for run in recent if run.status == RunStatus.FAILED), shown)
    if run is not None and (shown is None or run.pk != shown.pk):
        tasks = _tasks_of(run)
    failed = next((t for t in reversed(tasks) if t.status == TaskStatus.FAILED), None)
    if failed is None:
        error = run.error if run else ""
        return Failure("", "", error, workflow.paused_at, run)
    return Failure(
        failed.activity,
        labels.get(failed.activity, failed.activity),
        failed.error or (run.error if run else ""),
        failed.completed_at or workflow.paused_at,
        run,
    )


FRAGMENTS = {
    "workflow-head": "workflows/_head.html",
    "workflow-alerts": "workflows/_alerts.html",
    "workflow-diagram": "workflows/_diagram_card.html",
    "workflow-facts": "workflows/_facts.html",
    "workflow-rows": "workflows/_section.html",
}


def _fragments(request: HttpRequest, context: dict[str, Any]) -> Fragments:
    fragments = Fragments()
    for element, template in FRAGMENTS.items():
        fragments.add(element, render_to_string(template, context, request))
    return fragments
