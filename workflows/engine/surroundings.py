"""What a structure needs around it: the workflows it calls, workers that serve it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from workflows import conf
from workflows.activities import find_type
from workflows.engine.findings import Finding, FindingLevel
from workflows.engine.graph import Graph
from workflows.models import Heartbeat, HeartbeatKind, Workflow

SUB_WORKFLOW = "sub_workflow"
MAX_DEPTH = 5
Calls = Mapping[str, str]


def find_faults(graph: Graph, *, internal_name: str, at: datetime) -> list[Finding]:
    """Return what is to say about what the structure calls, names and asks for.

    The structure itself has no error. One query for each level of sub-workflows, one
    for each thing named, and one when an activity has an affinity.
    """
    affinities = {
        node.name: str(node.extras["affinity"])
        for node in graph.nodes
        if node.extras.get("affinity")
    }
    return [
        *_call_faults(graph, internal_name),
        *_missing(graph),
        *unserved(affinities, at),
    ]


def _missing(graph: Graph) -> Iterator[Finding]:
    """Name groups, operators and accounts that activities name and nobody has."""
    for node in graph.nodes:
        for fault in find_type(node.type).missing(node.parameters):
            if (node.type, fault.field) != (SUB_WORKFLOW, "workflow"):
                yield Finding(
                    node.name, fault.field, fault.message, FindingLevel.INCOMPLETE
                )


def calls_of(graph: Graph) -> Calls:
    """Return which workflow each sub-workflow activity calls."""
    return {
        node.name: str(node.parameters["workflow"])
        for node in graph.nodes
        if node.type == SUB_WORKFLOW and node.parameters.get("workflow")
    }


def callers_of(internal_name: str) -> list[str]:
    """Return the workflows whose present structure calls this one. One query."""
    call = {"type": SUB_WORKFLOW, "parameters": {"workflow": internal_name}}
    return list(
        Workflow.objects.filter(structure__graph__activities__contains=[call])
        .exclude(internal_name=internal_name)
        .values_list("internal_name", flat=True)
    )


def unserved(affinities: Mapping[str, str], at: datetime) -> list[Finding]:
    """Warn of affinities that no live worker serves; keys are activities or ""."""
    if not affinities:
        return []
    served = set(
        Heartbeat.objects.filter(
            kind=HeartbeatKind.QUEUE,
            at__gte=at - timedelta(seconds=conf.SILENCE_SECONDS),
        ).values_list("name", flat=True)
    )
    known = sorted(configured_queues() | served)
    return [
        Finding(
            activity,
            "affinity",
            (
                _(
                    "No worker of the queue %(queue)s gave a sign of life lately:"
                    " until one does, the activity waits. Start its workers."
                )
                if queue in known
                else _(
                    "There is no queue %(queue)s, so the activity would wait for ever."
                    " Use one of %(known)s, or start workers for it."
                )
            )
            % {"queue": queue, "known": ", ".join(known)},
            FindingLevel.WARNING,
        )
        for activity, queue in affinities.items()
        if queue not in served
    ]


def configured_queues() -> set[str]:
    """Return the queues that the settings give workers."""
    base = settings.Q_CLUSTER
    return {str(base["cluster_name"]), *base.get("ALT_CLUSTERS", {})}


def _call_faults(graph: Graph, internal_name: str) -> Iterator[Finding]:
    for activity, name in calls_of(graph).items():
        if name == internal_name:
            yield Finding(
                activity,
                "workflow",
                _("A workflow cannot call itself; choose another one."),
            )
            continue
        way = _way_to_fault(name, internal_name)
        if way:
            yield Finding(activity, "workflow", way)


def _way_to_fault(name: str, internal_name: str) -> str:
    """Follow the calls behind ``name``, level by level; return what is wrong."""
    ways: dict[str, tuple[str, ...]] = {name: (name,)}
    for _depth in range(MAX_DEPTH):
        graphs = _graphs(ways)
        missing = sorted(ways.keys() - graphs.keys())
        if missing:
            return _(
                "There is no workflow %(name)s with a structure; make it first or"
                " choose another one."
            ) % {"name": missing[0]}
        following: dict[str, tuple[str, ...]] = {}
        for caller, called in graphs.items():
            for target in calls_of(called).values():
                way = (*ways[caller], target)
                if target == internal_name or target in ways[caller]:
                    return _(
                        "The calls come back to where they began (%(way)s); remove one"
                        " of them."
                    ) % {"way": " → ".join((internal_name, *way))}
                following[target] = way
        if not following:
            return ""
        ways = following
    return _(
        "Sub-workflows call each other more than %(limit)s deep (%(way)s); join some"
        " of them."
    ) % {
        "limit": MAX_DEPTH,
        "way": " → ".join((internal_name, *next(iter(ways.values())))),
    }


def _graphs(names: Iterable[str]) -> dict[str, Graph]:
    found = Workflow.objects.filter(
        internal_name__in=list(names), structure__isnull=False
    ).values_list("internal_name", "structure__graph")
    return {name: Graph.of(stored) for name, stored in found}
