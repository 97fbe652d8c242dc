"""AND-joins: collecting one activation of every transition that leads to them.

Collected per run and per transition, first in, first out, so that two runs never
mix and a loop never loses one. The caller holds the workflow's row.
Source: and-join.md; the merging order is our choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workflows.engine import journal
from workflows.engine.graph import Graph, Node
from workflows.models import Event, Level, Run, Workflow

Way = tuple[str, str]


def collect(
    workflow: Workflow,
    run: Run,
    graph: Graph,
    node: Node,
    way: Way,
    variables: Mapping[str, Any],
    at: datetime,
) -> dict[str, Any] | None:
    """Keep one activation; return the merged variables once all have come."""
    Event.objects.create(
        run=run,
        source=way[0],
        output=way[1],
        destination=node.name,
        variables=dict(variables),
        created_at=at,
    )
    first: dict[Way, Event] = {}
    for event in run.events.filter(destination=node.name, consumed_at=None):
        first.setdefault((event.source, event.output), event)
    inbound = graph.inbound(node.name)
    if any(key not in first for key in inbound):
        return None
    primary = node.parameters.get("primary") or ""
    taken = [first[key] for key in inbound if key[0] != primary]
    taken += [first[key] for key in inbound if key[0] == primary]
    Event.objects.filter(pk__in=[event.pk for event in taken]).update(consumed_at=at)
    return _merge(workflow, run, node, taken, at)


def _merge(
    workflow: Workflow, run: Run, node: Node, taken: list[Event], at: datetime
) -> dict[str, Any]:
    """Merge in inbound order, the primary set last; log what was overruled."""
    merged: dict[str, Any] = {}
    for event in taken:
        for name, value in event.variables.items():
            if name in merged and merged[name] != value:
                journal.write(
                    workflow,
                    "%(join)s: the variable %(name)s was %(dropped)s and is now"
                    " %(kept)s, from %(source)s.",
                    at=at,
                    level=Level.WARNING,
                    run=run,
                    activity=node.name,
                    join=node.name,
                    name=name,
                    dropped=merged[name],
                    kept=value,
                    source=event.source,
                )
            merged[name] = value
    return merged


def tell_starved(workflow: Workflow, run: Run, at: datetime) -> bool:
    """Say which joins of an ending run can never fire; return whether any."""
    starved = (
        run.events.filter(consumed_at=None)
        .order_by("destination")
        .values_list("destination", flat=True)
        .distinct()
    )
    for name in starved:
        journal.write(
            workflow,
            "%(join)s can never fire in run %(number)s: a branch ended before it.",
            at=at,
            level=Level.WARNING,
            run=run,
            activity=name,
            join=name,
            number=run.pk,
        )
    return bool(starved)
