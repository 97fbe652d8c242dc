"""A freeze of the whole instance: it lies over the workflows' own states.

While one lasts no task is claimed and nothing fires; what runs goes on to its end,
and events are still taken in. Commands are taken too and act when it is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from workflows import queue
from workflows.engine import firing, lifecycle, waking
from workflows.models import (
    Freeze,
    OccurrenceOutcome,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)


@dataclass(frozen=True, slots=True)
class DrainProgress:
    """What still runs in a frozen instance, and what waits for its end."""

    running: int
    queued: int
    due: int

    @property
    def is_drained(self) -> bool:
        """Return whether nothing runs any more."""
        return self.running == 0


def current() -> Freeze | None:
    """Return the freeze that lasts, if any. One query on a tiny index."""
    return Freeze.objects.filter(ended_at__isnull=True).first()


def is_frozen() -> bool:
    """Return whether the instance is frozen."""
    return Freeze.objects.filter(ended_at__isnull=True).exists()


def progress(at: datetime) -> DrainProgress:
    """Return how far the instance has come to rest."""
    active = Task.objects.filter(status=TaskStatus.ACTIVE)
    return DrainProgress(
        running=active.filter(substate=Substate.RUNNING).count(),
        queued=active.filter(substate=Substate.QUEUED).count(),
        due=active.filter(
            substate=Substate.PENDING,
            process_at__lte=at,
            workflow__state=State.STARTED,
        ).count(),
    )


def thaw(freeze: Freeze, *, at: datetime, author: str) -> None:
    """End a freeze; instants that passed follow each schedule's resume policy.

    The caller holds the row of the freeze.
    """
    freeze.ended_at = at
    freeze.ended_by = author
    freeze.save(update_fields=["ended_at", "ended_by"])
    hold = firing.Hold(
        OccurrenceOutcome.HELD_FREEZE,
        f"frozen by {freeze.author}: {freeze.reason}"[:256],
    )
    held = Task.objects.filter(
        status=TaskStatus.ACTIVE,
        activity_type="scheduler",
        substate=Substate.PENDING,
        process_at__lte=at,
        workflow__state=State.STARTED,
    ).values_list("workflow_id", flat=True)
    for workflow_id in sorted(set(held)):
        workflow = (
            Workflow.objects.select_for_update(of=("self",))
            .select_related("structure")
            .get(pk=workflow_id)
        )
        # One that stops after its run begins no other: the clock ends it.
        if workflow.state == State.STARTED and not workflow.stops_after_run:
            lifecycle.fire_held(workflow, at, hold)
    for workflow in Workflow.objects.filter(
        tasks__status=TaskStatus.ACTIVE, tasks__substate=Substate.QUEUED
    ).distinct():
        waking.announce_queued(workflow)
    queue.wake_clock()


def end_expired(at: datetime) -> bool:
    """End a freeze whose time is over; return whether one was."""
    with transaction.atomic():
        freeze = (
            Freeze.objects.select_for_update(skip_locked=True)
            .filter(ended_at__isnull=True, until__lte=at)
            .first()
        )
        if freeze is not None:
            thaw(freeze, at=at, author="")
    return freeze is not None
