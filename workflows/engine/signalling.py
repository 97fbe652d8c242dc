"""Signals: an order from outside, or from another workflow, to begin a run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from workflows import queue
from workflows.activities import find_type
from workflows.engine import journal, lifecycle
from workflows.engine.graph import Node
from workflows.engine.states import SIGNAL_ACCEPTED
from workflows.engine.structures import current_graph
from workflows.exceptions import CommandRefused, NotFound, TooFrequent
from workflows.models import (
    Level,
    RunTrigger,
    Signal,
    Substate,
    TaskStatus,
    Workflow,
)

#: Between two signals from outside to one activity of a workflow made by users.
USUAL_INTERVAL = timedelta(minutes=10)


def post(
    *,
    internal_name: str,
    source: str,
    at: datetime,
    activity: str = "signal",
    variables: Mapping[str, Any] | None = None,
    complete: bool = False,
) -> None:
    """Record a signal; equal ones without variables coalesce until they are taken.

    ``complete`` ends the waiting of the activity: later signals have no effect until
    the workflow starts anew. Raises NotFound, and CommandRefused when the workflow
    is not started, which its journal tells too. Its own transaction.
    """
    with transaction.atomic():
        workflow = _lock(internal_name)
        _require_signal(workflow, activity)
        waits = workflow.tasks.filter(
            activity=activity, status=TaskStatus.ACTIVE, substate=Substate.WAITING
        ).exists()
        accepted = workflow.state in SIGNAL_ACCEPTED and waits
        if accepted:
            Signal.objects.bulk_create(
                [
                    Signal(
                        workflow=workflow,
                        activity=activity,
                        variables=dict(variables or {}),
                        source=source[:64],
                        created_at=at,
                    )
                ],
                ignore_conflicts=True,
            )
            if complete:
                _complete(workflow, activity, at)
            queue.wake_clock()
        else:
            journal.write(
                workflow,
                "A signal from %(source)s was refused: the workflow is not started.",
                at=at,
                level=Level.ERROR,
                activity=activity,
                source=source,
            )
    if not accepted:
        raise CommandRefused(command="signal", state=workflow.state, allowed=["start"])


def require_interval(workflow: Workflow, activity: str, at: datetime) -> None:
    """Raise TooFrequent when a caller from outside signals again too soon.

    The activity's *Shortest interval* counts; without one, ten minutes for a
    workflow made by users (external-signal.md), none for a built-in one.
    """
    node = _require_signal(workflow, activity)
    wanted = find_type(node.type).value(node.parameters, "min_interval")
    if wanted is not None:
        interval = timedelta(seconds=wanted)
    else:
        interval = timedelta(0) if workflow.is_technical else USUAL_INTERVAL
    last = _last_signal(workflow, activity) if interval else None
    if last is not None and at < last + interval:
        left = (last + interval - at).total_seconds()
        raise TooFrequent(
            seconds=int(interval.total_seconds()), retry_after=int(left) + 1
        )


def _last_signal(workflow: Workflow, activity: str) -> datetime | None:
    """Return when a signal came last: one that waits, or one that began a run."""
    open_one = workflow.signals.filter(activity=activity).aggregate(
        last=Max("created_at")
    )["last"]
    began = (
        workflow.runs.filter(trigger=RunTrigger.SIGNAL, trigger_activity=activity)
        .values_list("created_at", flat=True)
        .first()
    )
    found = [instant for instant in (open_one, began) if instant is not None]
    return max(found, default=None)


def _complete(workflow: Workflow, activity: str, at: datetime) -> None:
    """End the waiting of a signal activity."""
    workflow.tasks.filter(
        activity=activity, status=TaskStatus.ACTIVE, substate=Substate.WAITING
    ).update(status=TaskStatus.COMPLETED, substate=Substate.NONE, completed_at=at)
    lifecycle.finish_if_over(workflow, at)


def _lock(internal_name: str) -> Workflow:
    workflow = (
        Workflow.objects.select_for_update(of=("self",))
        .select_related("structure")
        .filter(internal_name=internal_name)
        .first()
    )
    if workflow is None:
        raise NotFound(
            _("There is no workflow %(name)s; see the list of technical workflows."),
            name=internal_name,
        )
    return workflow


def _require_signal(workflow: Workflow, activity: str) -> Node:
    graph = current_graph(workflow)
    node = graph.by_name.get(activity) if graph else None
    if node is None or node.type != "signal":
        raise NotFound(
            _("The workflow %(workflow)s has no external signal %(activity)s."),
            workflow=workflow.internal_name,
            activity=activity,
        )
    return node
