"""What a workflow does at this moment, and what keeps it from doing more."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router

from workflows.actions.command_parameters import allowed_grades
from workflows.api import rows
from workflows.api.caller import reader
from workflows.api.state_schemas import (
    BlockerOut,
    ComparedActivity,
    ComparisonOut,
    FreshnessOut,
    PartOut,
    RunningTaskOut,
    RunningTasks,
    WaitingOut,
    WaitReasonOut,
)
from workflows.engine import freshness, stuck, waiting
from workflows.engine.comparison import Part, compare
from workflows.exceptions import NotFound
from workflows.models import Freshness, Run, Workflow

router = Router(tags=["Workflows"])


@router.get("/{internal_name}/waiting", response=WaitingOut, url_name="waiting")
def list_waiting(request: HttpRequest, internal_name: str) -> dict[str, Any]:
    """Tell why each task and run that does not run waits."""
    reader(request)
    workflow = rows.find_workflow(internal_name)
    found = waiting.reasons(workflow, timezone.now())
    return {
        "items": [
            WaitReasonOut(
                code=reason.code,
                text=reason.text,
                parameters=dict(reason.parameters),
                activity=reason.activity,
                task_id=reason.task_id,
                run_id=reason.run_id,
                since=reason.since,
                until=reason.until,
            )
            for reason in found
        ],
        "next": None,
    }


@router.get("/{internal_name}/stuck", response=RunningTasks, url_name="stuck")
def list_stuck(request: HttpRequest, internal_name: str) -> RunningTasks:
    """List the workflow's running tasks with all that tells a hang from work."""
    operator = reader(request)
    return running_tasks(operator, rows.find_workflow(internal_name))


@router.get("/{internal_name}/freshness", response=FreshnessOut, url_name="freshness")
def show_freshness(request: HttpRequest, internal_name: str) -> FreshnessOut:
    """Tell what waits for the workflow, and how old its result is."""
    reader(request)
    workflow = rows.find_workflow(internal_name)
    kept = Freshness.objects.filter(workflow=workflow).first()
    if kept is None:
        return FreshnessOut(is_known=False)
    return FreshnessOut(
        is_known=True,
        rows=kept.rows,
        oldest_at=kept.oldest_at,
        good_until=kept.good_until,
        sampled_at=kept.sampled_at,
        is_over=kept.is_over,
        error=kept.error,
        texts=[line.text for line in freshness.describe(workflow.pk, timezone.now())],
    )


@router.get(
    "/{internal_name}/runs/{run_id}/comparison",
    response=ComparisonOut,
    url_name="run_comparison",
)
def show_comparison(
    request: HttpRequest, internal_name: str, run_id: int
) -> ComparisonOut:
    """Show a simulation beside the next real run, activity by activity."""
    reader(request)
    workflow = rows.find_workflow(internal_name)
    run = Run.objects.filter(workflow=workflow, pk=run_id, is_simulation=True).first()
    if run is None:
        raise NotFound(_("Run %(number)s is no simulation."), number=run_id)
    found = compare(run)
    return ComparisonOut(
        simulation=rows.run_out(found.simulation),
        real=rows.run_out(found.real) if found.real else None,
        activities=[
            ComparedActivity(
                activity=row.activity,
                simulated=_part_out(row.simulated),
                real=_part_out(row.real),
            )
            for row in found.rows
        ],
    )


def running_tasks(
    operator: AbstractUser, workflow: Workflow | None = None
) -> RunningTasks:
    """Return what runs, with what this operator may do about it. Two queries."""
    found = stuck.running_tasks(timezone.now(), workflow.pk if workflow else None)
    known = Workflow.objects.in_bulk({task.workflow_id for task in found})
    return RunningTasks(
        items=[
            RunningTaskOut(
                **{
                    name: getattr(task, name)
                    for name in RunningTaskOut.model_fields
                    if hasattr(task, name) and name != "blockers"
                },
                blockers=[BlockerOut(**asdict(found)) for found in task.blockers],
                last_line_at=task.line_at,
                grades=allowed_grades(known.get(task.workflow_id), operator),
            )
            for task in found
        ]
    )


def _part_out(part: Part | None) -> PartOut | None:
    return None if part is None else PartOut(**asdict(part))
