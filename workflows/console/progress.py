"""What the shown run did, activity by activity, for the diagram."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from workflows.activities import activity_types
from workflows.console import wording
from workflows.console.diagram import Drawing, Progress, draw
from workflows.engine.graph import Graph
from workflows.models import (
    Run,
    RunStatus,
    State,
    StructureVersion,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

SHOWN_FROM = timedelta(seconds=1)


def drawing_of(
    workflow: Workflow,
    structure: StructureVersion,
    run: Run | None,
    tasks: Iterable[Task],
    waiting: Iterable[Task],
) -> Drawing:
    """Return the diagram with the progress of ``run``; no SQL.

    ``tasks`` are those of the run, oldest first; ``waiting`` the persistent ones.
    """
    graph = Graph.of(structure.graph)
    types = {
        name: (str(kind.label), kind.icon) for name, kind in activity_types().items()
    }
    progress: dict[str, Progress] = {}
    for task in waiting:
        progress[task.activity] = _of_waiting(workflow, task)
    if run is not None and run.trigger_activity in graph.by_name:
        before = progress.get(run.trigger_activity, Progress())
        progress[run.trigger_activity] = Progress(
            before.mark or "done",
            before.word or _("Done"),
            before.detail,
            {"ok": ("", "")},
        )
    for task in tasks:
        progress[task.activity] = _of_task(task, progress.get(task.activity))
    return draw(graph, progress, types)


def _of_waiting(workflow: Workflow, task: Task) -> Progress:
    if workflow.state != State.STARTED:
        return Progress(
            "wait",
            _("Held"),
            _("Held: %(state)s") % {"state": workflow.get_state_display()},
        )
    if task.process_at is not None:
        due = wording.moment(task.process_at)
        return Progress("wait", _("Waiting"), _("Next: %(when)s") % {"when": due})
    return Progress("wait", _("Waiting"), _("Waits for a signal"))


def _of_task(task: Task, before: Progress | None) -> Progress:
    results: Mapping[str, tuple[str, str]] = before.results if before else {}
    if task.status == TaskStatus.ACTIVE:
        if task.substate == Substate.RUNNING:
            return Progress("run", _("In progress"), _elapsed(task), results)
        return Progress("wait", _("Pending"), "", results)
    if task.output:
        results = {**results, task.output: (_result(task), _duration(task))}
    if task.status == TaskStatus.FAILED:
        return Progress("error", _("Error"), "", results)
    if task.status == TaskStatus.COMPLETED:
        return Progress("done", _("Done"), "", results)
    return Progress("", task.get_status_display(), "", results)


def _result(task: Task) -> str:
    """Return "<count> – <label>" as the original writes it."""
    parts = []
    if task.record_count is not None:
        parts.append(wording.number(task.record_count))
    if task.result_label:
        parts.append(task.result_label)
    return " – ".join(parts)


def _duration(task: Task) -> str:
    if task.started_at is None or task.completed_at is None:
        return ""
    taken = task.completed_at - task.started_at
    return wording.span(taken) if taken > SHOWN_FROM else ""


def _elapsed(task: Task) -> str:
    if task.started_at is None:
        return ""
    since = timezone.now() - task.started_at
    # Whole minutes, so that the drawing does not change at every refresh.
    minutes = int(since.total_seconds() // 60)
    if minutes < 1:
        return _("Running")
    return _("Running for %(n)s min") % {"n": minutes}


def is_shown(run: Run) -> bool:
    """Return whether a run has progress to show."""
    return run.status != RunStatus.SKIPPED
