"""Signals: an order from outside to an external-signal activity."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from workflows import queue
from workflows.actions.find import lock_workflow
from workflows.engine import journal
from workflows.engine.graph import Graph
from workflows.engine.states import SIGNAL_ACCEPTED
from workflows.exceptions import CommandRefused, NotFound
from workflows.models import Level, Signal, Workflow


def raise_signal(
    *,
    internal_name: str,
    source: str,
    at: datetime,
    activity: str = "signal",
    variables: Mapping[str, Any] | None = None,
) -> None:
    """Record a signal; equal ones without variables coalesce until they are taken.

    Raises NotFound, and CommandRefused when the workflow is not started, which its
    journal tells too.
    """
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        _require_signal(workflow, activity)
        accepted = workflow.state in SIGNAL_ACCEPTED
        if accepted:
            Signal.objects.bulk_create(
                [
                    Signal(
                        workflow=workflow,
                        activity=activity,
                        variables=dict(variables or {}),
                        source=source,
                        created_at=at,
                    )
                ],
                ignore_conflicts=True,
            )
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


def _require_signal(workflow: Workflow, activity: str) -> None:
    graph = Graph.of(workflow.structure.graph) if workflow.structure else None
    node = graph.by_name.get(activity) if graph else None
    if node is None or node.type != "signal":
        raise NotFound(
            _("The workflow %(workflow)s has no external signal %(activity)s."),
            workflow=workflow.internal_name,
            activity=activity,
        )
