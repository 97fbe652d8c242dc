"""Reading workflows and their history."""

from __future__ import annotations

from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router

from workflows.actions import allowed_commands, next_runs
from workflows.api import rows
from workflows.api.caller import reader
from workflows.api.paging import (
    DEFAULT_LIMIT,
    HIGHEST_LIMIT,
    M,
    Slice,
    keyset,
    searched,
)
from workflows.api.schemas import (
    LogPage,
    NextRuns,
    OccurrencePage,
    RunPage,
    TaskPage,
    WorkflowDetail,
    WorkflowPage,
)
from workflows.exceptions import Fault, InvalidInput
from workflows.models import (
    JournalEntry,
    Level,
    Occurrence,
    OccurrenceOutcome,
    Run,
    RunStatus,
    State,
    Task,
    TaskStatus,
    Workflow,
)

router = Router(tags=["Workflows"])
Limit = Annotated[int, Query(DEFAULT_LIMIT, ge=1, le=HIGHEST_LIMIT)]
Cursor = Annotated[str | None, Query(None, description="next of the page before")]
LEVELS = {level.name.lower(): level for level in Level}


@router.get("", response=WorkflowPage, url_name="workflow_list")
def list_workflows(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    state: str = "",
    failed: bool | None = None,
    package: str = "",
) -> dict[str, Any]:
    """List the workflows by internal name."""
    reader(request)
    found = rows.workflows()
    if state:
        found = found.filter(state=_one_of("state", state, State.values))
    if failed is not None:
        found = found.filter(failed=failed)
    if package:
        found = found.filter(package=package)
    page = keyset(found, limit=limit, cursor=cursor, order=("internal_name",))
    return {"items": [rows.workflow_out(w) for w in page.items], "next": page.next}


@router.get("/{internal_name}", response=WorkflowDetail, url_name="workflow_detail")
def show_workflow(request: HttpRequest, internal_name: str) -> WorkflowDetail:
    """Show a workflow, its properties, and what may be asked of it now."""
    operator = reader(request)
    workflow = rows.find_workflow(internal_name)
    allowed = allowed_commands(workflow, operator)
    return WorkflowDetail(
        **rows.workflow_values(workflow),
        description=workflow.description,
        paused_by=workflow.paused_by,
        pause_comment=workflow.pause_comment,
        resume_at=workflow.resume_at,
        remind_at=workflow.remind_at,
        snoozed_until=workflow.snoozed_until,
        simulation=workflow.simulation,
        stops_after_run=workflow.stops_after_run,
        history_days=workflow.history_days,
        error_policy=workflow.error_policy,
        overlap_policy=workflow.overlap_policy,
        time_zone=workflow.time_zone,
        consecutive_errors=workflow.consecutive_errors,
        variables=workflow.variables,
        supervisors=[group.name for group in workflow.supervisors.all()],
        allowed_commands=[str(name) for name, reason in allowed.items() if not reason],
        commands_href=rows.href("workflow_commands", workflow),
    )


@router.get("/{internal_name}/runs", response=RunPage, url_name="workflow_runs")
def list_runs(
    request: HttpRequest,
    internal_name: str,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    status: str = "",
) -> dict[str, Any]:
    """List the runs, newest first."""
    every: QuerySet[Run] = Run.objects.filter(
        workflow=_readable(request, internal_name)
    )
    wanted = {}
    if status:
        wanted["status"] = _one_of("status", status, RunStatus.values)
    page = _page(every, wanted, limit, cursor)
    return {"items": [rows.run_out(run) for run in page.items], "next": page.next}


@router.get("/{internal_name}/tasks", response=TaskPage, url_name="workflow_tasks")
def list_tasks(
    request: HttpRequest,
    internal_name: str,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    status: str = "",
    activity: str = "",
    run_id: int | None = None,
) -> dict[str, Any]:
    """List the tasks, newest first."""
    every = Task.objects.filter(workflow=_readable(request, internal_name))
    wanted: dict[str, Any] = {}
    if status:
        wanted["status"] = _one_of("status", status, TaskStatus.values)
    if activity:
        wanted["activity"] = activity
    if run_id is not None:
        every = every.filter(run_id=run_id)
    page = _page(every, wanted, limit, cursor)
    return {"items": [rows.task_out(task) for task in page.items], "next": page.next}


@router.get("/{internal_name}/logs", response=LogPage, url_name="workflow_logs")
def list_logs(
    request: HttpRequest,
    internal_name: str,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    level: str = "",
    activity: str = "",
    run_id: int | None = None,
) -> dict[str, Any]:
    """List the journal, newest first; ``level`` is the lowest one wanted."""
    every = JournalEntry.objects.filter(workflow=_readable(request, internal_name))
    wanted: dict[str, Any] = {}
    if level:
        wanted["level__gte"] = LEVELS[_one_of("level", level, LEVELS)]
    if activity:
        wanted["activity"] = activity
    if run_id is not None:
        every = every.filter(run_id=run_id)
    page = _page(every, wanted, limit, cursor)
    return {"items": [rows.log_out(entry) for entry in page.items], "next": page.next}


@router.get(
    "/{internal_name}/occurrences",
    response=OccurrencePage,
    url_name="workflow_occurrences",
)
def list_occurrences(
    request: HttpRequest,
    internal_name: str,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    outcome: str = "",
) -> dict[str, Any]:
    """List the planned instants with their outcomes, latest first."""
    found = Occurrence.objects.filter(workflow=_readable(request, internal_name))
    if outcome:
        known = OccurrenceOutcome.values
        found = found.filter(outcome=_one_of("outcome", outcome, known))
    page = keyset(found, limit=limit, cursor=cursor, order=("-scheduled_for", "-id"))
    return {"items": [rows.occurrence_out(o) for o in page.items], "next": page.next}


@router.get("/{internal_name}/next", response=NextRuns, url_name="workflow_next")
def list_next(
    request: HttpRequest,
    internal_name: str,
    count: Annotated[int, Query(10, ge=1, le=100)] = 10,
) -> dict[str, Any]:
    """List the next planned instants, as the engine computes them."""
    workflow = _readable(request, internal_name)
    return {"items": next_runs(workflow, timezone.now(), count), "next": None}


def _page(
    every: QuerySet[M], wanted: dict[str, Any], limit: int, cursor: str | None
) -> Slice[M]:
    """Return a page; one that is filtered reads a bounded part of the history."""
    if not wanted:
        return keyset(every, limit=limit, cursor=cursor)
    return searched(every.filter(**wanted), among=every, limit=limit, cursor=cursor)


def _readable(request: HttpRequest, internal_name: str) -> Workflow:
    reader(request)
    return rows.find_workflow(internal_name)


def _one_of(field: str, value: str, known: Any) -> str:
    """Return ``value`` when it is known; raise InvalidInput naming what is."""
    if value not in known:
        message = _("Use one of %(known)s.") % {"known": ", ".join(known)}
        raise InvalidInput(
            _("The filter %(field)s has no value %(value)s."),
            faults=[Fault(field, message)],
            field=field,
            value=value,
        )
    return value
