"""Runs that found nothing to do are counted, not kept one by one."""

from __future__ import annotations

from django.db import connection
from django.db.models import F

from workflows import conf
from workflows.models import Occurrence, OccurrenceOutcome, Run, RunStatus, Workflow


def merge(workflow: Workflow, run: Run) -> bool:
    """Let the idle run before stand for this one too; return whether it does.

    Their planned instants share a row likewise. The caller holds the workflow.
    """
    before = workflow.runs.filter(pk__lt=run.pk).first()
    if (
        before is None
        or not before.is_idle
        or before.status != RunStatus.FINISHED
        or before.trigger != run.trigger
        or before.structure_id != run.structure_id
        or before.is_simulation != run.is_simulation
    ):
        return False
    planned = run.occurrences.first()
    kept = before.occurrences.order_by("-scheduled_for").first()
    if planned is not None and kept is not None:
        began = run.started_at or run.created_at
        late = max(0.0, (began - planned.scheduled_for).total_seconds())
        if late > conf.LATE_SECONDS or kept.outcome != OccurrenceOutcome.RAN:
            return False
        between = Occurrence.objects.filter(
            workflow=workflow,
            activity=planned.activity,
            scheduled_for__gt=kept.last_scheduled_for,
            scheduled_for__lt=planned.scheduled_for,
        )
        if between.exists():
            return False
        kept.last_scheduled_for = planned.last_scheduled_for
        kept.count += planned.count
        kept.late_seconds = max(kept.late_seconds, late)
        planned.delete()
        kept.save(update_fields=["last_scheduled_for", "count", "late_seconds"])
    elif (planned is None) != (kept is None):
        return False
    Run.objects.filter(pk=before.pk).update(
        repeats=F("repeats") + run.repeats,
        scheduled_for=run.scheduled_for,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )
    _discard(run)
    return True


def _discard(run: Run) -> None:
    """Delete an ended run with all that belongs to it. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH lines AS (DELETE FROM workflows_journalentry WHERE run_id = %(run)s),"
            " done AS (DELETE FROM workflows_task WHERE run_id = %(run)s),"
            " heard AS (UPDATE workflows_signal SET run_id = NULL"
            " WHERE run_id = %(run)s),"
            " came AS (DELETE FROM workflows_event WHERE run_id = %(run)s)"
            " DELETE FROM workflows_run WHERE id = %(run)s",
            {"run": run.pk},
        )
