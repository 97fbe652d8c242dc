"""Turning signals into runs; they are never skipped.

The caller holds the workflow's row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from workflows.engine import runs
from workflows.models import OverlapPolicy, RunTrigger, Signal, Workflow


def fire_signals(workflow: Workflow, at: datetime) -> bool:
    """Begin the run that the open signals ask for, unless one is live.

    Signals are never skipped: those that come during a run wait for its end, and
    equal ones without variables share one run. Returns whether a run began.
    """
    waiting = list(workflow.signals.filter(consumed_at__isnull=True).order_by("id"))
    if not waiting or workflow.stops_after_run or not _may_begin(workflow):
        return False
    first = waiting[0]
    together = [first] if first.variables else _coalesced(waiting)
    run = runs.begin(
        workflow,
        trigger=RunTrigger.SIGNAL,
        activity=first.activity,
        at=at,
        variables=first.variables,
    )
    taken = Signal.objects.filter(pk__in=[s.pk for s in together])
    if first.variables:
        taken.update(consumed_at=at, run=run)
    else:
        taken.delete()  # the run tells all there was to know
    if workflow.overlap_policy == OverlapPolicy.PARALLEL:
        fire_signals(workflow, at)
    return True


def _may_begin(workflow: Workflow) -> bool:
    return (
        workflow.overlap_policy == OverlapPolicy.PARALLEL
        or runs.live_run(workflow) is None
    )


def _coalesced(waiting: Sequence[Signal]) -> list[Signal]:
    return [s for s in waiting if not s.variables and s.activity == waiting[0].activity]
