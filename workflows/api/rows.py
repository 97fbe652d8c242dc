"""From model rows to what the API answers."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from workflows import registry
from workflows.api.schemas import (
    AuditOut,
    CommandOut,
    LogOut,
    OccurrenceOut,
    RunOut,
    StructureOut,
    TaskOut,
    WorkflowOut,
)
from workflows.exceptions import NotFound
from workflows.models import (
    AuditEntry,
    Command,
    JournalEntry,
    Level,
    Occurrence,
    Run,
    State,
    StructureVersion,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

_TASK_FIELDS = tuple(TaskOut.model_fields)
_RUN_FIELDS = tuple(RunOut.model_fields)
_COMMAND_FIELDS = tuple(CommandOut.model_fields)
_OCCURRENCE_FIELDS = tuple(OccurrenceOut.model_fields)
_AUDIT_FIELDS = tuple(AuditOut.model_fields)


def workflows() -> QuerySet[Workflow]:
    """Return the workflows with their structure and ``next_run``, in one query."""
    pending = Task.objects.filter(
        workflow=OuterRef("pk"),
        status=TaskStatus.ACTIVE,
        substate=Substate.PENDING,
        activity_type="scheduler",
    ).order_by("process_at")
    return (
        Workflow.objects.visible()
        .select_related("structure")
        .annotate(next_run=Subquery(pending.values("process_at")[:1]))
    )


def find_workflow(name: str) -> Workflow:
    """Return the workflow of an internal name or of another spelling of it.

    Raises NotFound.
    """
    internal_name = registry.canonical_name(name)
    workflow = workflows().filter(internal_name=internal_name).first()
    if workflow is None:
        raise NotFound(_("No workflow is named %(name)s."), name=name)
    return workflow


def workflow_out(workflow: Workflow) -> WorkflowOut:
    """Return a row of the list; ``workflow`` comes from :func:`workflows`."""
    return WorkflowOut(**workflow_values(workflow))


def workflow_values(workflow: Workflow) -> dict[str, Any]:
    """Return the fields that list and detail share. No SQL."""
    at_work = workflow.state in (State.STARTED, State.START_PENDING)
    return {
        "id": workflow.pk,
        "uuid": str(workflow.uuid),
        "internal_name": workflow.internal_name,
        "label": workflow.label,
        "package": workflow.package,
        "package_label": registry.package_label(workflow.package),
        "is_technical": workflow.is_technical,
        "state": workflow.state,
        "failed": workflow.failed,
        "paused_at": workflow.paused_at,
        "pause_reason": workflow.pause_reason,
        "severity": workflow.severity,
        "last_start": workflow.last_start,
        "last_finish": workflow.last_finish,
        "next_run": getattr(workflow, "next_run", None) if at_work else None,
        "version": workflow.structure.number if workflow.structure else None,
        "href": href("workflow_detail", workflow),
    }


def href(name: str, workflow: Workflow) -> str:
    """Return the address of one of a workflow's endpoints."""
    return reverse(f"api:{name}", args=[workflow.internal_name])


def run_out(run: Run) -> RunOut:
    """Return a run."""
    return RunOut(**{name: getattr(run, name) for name in _RUN_FIELDS})


def task_out(task: Task) -> TaskOut:
    """Return a task; its traceback stays inside."""
    return TaskOut(**{name: getattr(task, name) for name in _TASK_FIELDS})


def log_out(entry: JournalEntry) -> LogOut:
    """Return a journal line in the caller's language."""
    return LogOut(
        id=entry.pk,
        run_id=entry.run_id,
        task_id=entry.task_id,
        activity=entry.activity,
        level=Level(entry.level).name.lower(),
        message=entry.text,
        operator=entry.operator,
        at=entry.at,
    )


def command_out(command: Command) -> CommandOut:
    """Return a ledger row."""
    return CommandOut(**{name: getattr(command, name) for name in _COMMAND_FIELDS})


def occurrence_out(occurrence: Occurrence) -> OccurrenceOut:
    """Return a planned instant with its outcome."""
    return OccurrenceOut(
        **{name: getattr(occurrence, name) for name in _OCCURRENCE_FIELDS}
    )


def structure_out(version: StructureVersion) -> StructureOut:
    """Return a structure version; the author comes with ``select_related``."""
    return StructureOut(
        version=version.number,
        activities=version.graph["activities"],
        transitions=version.graph["transitions"],
        is_factory=version.is_factory,
        author=version.author.get_username() if version.author else "",
        comment=version.comment,
        created_at=version.created_at,
    )


def audit_out(entry: AuditEntry) -> AuditOut:
    """Return an audit entry."""
    return AuditOut(**{name: getattr(entry, name) for name in _AUDIT_FIELDS})
