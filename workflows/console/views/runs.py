"""One run: facts, its tasks over time, its journal, and what was ordered meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from workflows.console import access, commands
from workflows.console.gantt import gantt
from workflows.console.views.workflow_detail import find
from workflows.engine.graph import Graph
from workflows.exceptions import NotFound
from workflows.models import Command, JournalEntry, Run, Task, Workflow

TASKS, LINES, COMMANDS, OTHERS = 200, 200, 20, 20


@access.requires("workflows.view")
def run_detail(request: HttpRequest, internal_name: str, number: int) -> HttpResponse:
    """Show a run (monitoring-workflow-execution.md: one chain of tasks)."""
    run = (
        Run.objects.select_related("structure", "workflow__structure")
        .filter(
            workflow__in=Workflow.objects.visible(),
            workflow__internal_name=internal_name,
            pk=number,
        )
        .first()
    )
    if run is None:
        raise NotFound(_("There is no run %(number)s here."), number=number)
    workflow = run.workflow
    tasks = list(run.tasks.defer("variables", "traceback").order_by("pk")[:TASKS])
    labels = _labels(workflow, run)
    for task in tasks:
        vars(task)["activity_label"] = labels.get(task.activity, task.activity)
    lines = list(run.journal.order_by("-pk")[: LINES + 1])
    for line in lines:
        vars(line)["activity_label"] = labels.get(line.activity, line.activity)
    context = {
        "workflow": workflow,
        "run": run,
        "tasks": tasks,
        "gantt": gantt(run, tasks, labels, timezone.now()),
        "lines": lines[:LINES],
        "has_more_lines": len(lines) > LINES,
        "ordered": _ordered(workflow, run),
        "others": _others(workflow, run),
        "restart": commands.offers(request, workflow).get("restart_task"),
    }
    return render(request, "workflows/run_detail.html", context)


def _labels(workflow: Workflow, run: Run) -> dict[str, str]:
    structure = run.structure or workflow.structure
    if structure is None:
        return {}
    return {node.name: node.title for node in Graph.of(structure.graph).nodes}


def _ordered(workflow: Workflow, run: Run) -> list[Command]:
    """Return the commands that were given while the run lived."""
    begun = run.created_at - timedelta(seconds=1)
    found = Command.objects.filter(workflow=workflow, requested_at__gte=begun)
    if run.ended_at is not None:
        found = found.filter(requested_at__lte=run.ended_at + timedelta(seconds=1))
    newest = workflow.commands.order_by("-pk").values("pk")[:500]
    return list(found.filter(pk__in=newest).order_by("-pk")[:COMMANDS])


def _others(workflow: Workflow, run: Run) -> list[Run]:
    """Return the runs around this one that it may be compared with."""
    before = workflow.runs.filter(pk__lt=run.pk, started_at__isnull=False)
    return list(before.order_by("-pk")[:OTHERS])


@access.requires("workflows.view")
def run_compare(request: HttpRequest, internal_name: str, number: int) -> HttpResponse:
    """Show two runs side by side, activity by activity; ``with`` names the other."""
    workflow = find(internal_name)
    text = request.GET.get("with", "")
    other = int(text) if text.isdecimal() and len(text) < 19 else 0
    found = {
        run.pk: run
        for run in Run.objects.select_related("structure").filter(
            workflow=workflow, pk__in=(number, other)
        )
    }
    if number not in found or other not in found:
        raise NotFound(_("Choose two runs of %(label)s."), label=workflow.label)
    first, second = sorted((found[number], found[other]), key=lambda run: run.pk)
    context = {
        "workflow": workflow,
        "first": first,
        "second": second,
        "rows": _compared(workflow, first, second),
    }
    return render(request, "workflows/run_compare.html", context)


def _compared(workflow: Workflow, first: Run, second: Run) -> list[dict[str, Any]]:
    labels = _labels(workflow, first) | _labels(workflow, second)
    tasks = {
        run.pk: {
            task.activity: task
            for task in run.tasks.defer("variables", "traceback").order_by("pk")[:TASKS]
        }
        for run in (first, second)
    }
    names = dict.fromkeys([*tasks[first.pk], *tasks[second.pk]])
    return [
        {
            "label": labels.get(name, name),
            "name": name,
            "pair": (tasks[first.pk].get(name), tasks[second.pk].get(name)),
            "slower": _slower(tasks[first.pk].get(name), tasks[second.pk].get(name)),
        }
        for name in names
    ]


def _slower(first: Task | None, second: Task | None) -> float | None:
    """Return how many times as long the second took; None where one has no length."""
    lengths = [
        (task.completed_at - task.started_at).total_seconds()
        for task in (first, second)
        if task is not None and task.started_at and task.completed_at
    ]
    if len(lengths) < 2 or lengths[0] <= 0:
        return None
    return round(lengths[1] / lengths[0], 1)


def line_of(number: int) -> JournalEntry:
    """Return a journal line with what it belongs to; raises NotFound."""
    line = (
        JournalEntry.objects.select_related("workflow", "workflow__structure")
        .filter(pk=number, workflow__is_technical=True)
        .first()
    )
    if line is None:
        raise NotFound(_("There is no journal line %(number)s."), number=number)
    return line
