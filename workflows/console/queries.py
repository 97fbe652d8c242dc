"""What the workflow pages read, bounded however long the history grows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import get_language

from workflows import registry
from workflows.models import (
    Run,
    RunStatus,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

HISTORY = 14
RUNNING_STATES = (
    State.STARTED,
    State.PAUSE_REQUESTED,
    State.STOP_REQUESTED,
    State.RESTART_REQUESTED,
)
# Tab name -> condition; the tabs of the list and the counts beside them.
VIEWS: dict[str, Q] = {
    "all": Q(),
    "running": Q(state__in=RUNNING_STATES),
    "failed": Q(failed=True),
    "paused": Q(state=State.PAUSED, failed=False),
    "start-pending": Q(state__in=(State.START_ASAP, State.START_PENDING)),
    "not-started": Q(state=State.EDITED),
    "finished": Q(state=State.FINISHED, failed=False),
}


def listed() -> QuerySet[Workflow]:
    """Return the workflows with what a row shows, in one query: built-in and own ones.

    Annotates ``shown_label``, ``is_executing`` and ``next_due``.
    """
    active = Task.objects.filter(workflow=OuterRef("pk"), status=TaskStatus.ACTIVE)
    due = (
        active.filter(substate=Substate.PENDING, process_at__isnull=False)
        .order_by()
        .values("workflow")
        .annotate(first=Min("process_at"))
        .values("first")
    )
    return (
        Workflow.objects.visible()
        .select_related("structure")
        .annotate(
            shown_label=_shown_label(),
            is_executing=Exists(active.filter(substate=Substate.RUNNING)),
            next_due=Case(
                When(state__in=RUNNING_STATES[:1], then=Subquery(due)), default=None
            ),
        )
    )


def _shown_label() -> Coalesce:
    """Return the label as the reader sees it, for sorting."""
    language = get_language() or "en"
    built_in = [
        When(internal_name=entry.internal_name, then=Value(_label(entry, language)))
        for entry in registry.catalogue().values()
    ]
    return Coalesce(
        NullIf(F("own_label"), Value("")),
        Case(*built_in, default=F("internal_name")),
    )


def _label(entry: registry.CatalogueEntry, language: str) -> str:
    return entry.label() if language else entry.internal_name


def search(queryset: QuerySet[Workflow], text: str) -> QuerySet[Workflow]:
    """Return those whose label, in any language, or internal name has ``text``."""
    words = text.strip()
    if not words:
        return queryset
    known = [
        entry.internal_name
        for entry in registry.catalogue().values()
        if any(words.casefold() in label.casefold() for label in entry.labels.values())
    ]
    return queryset.filter(
        Q(internal_name__icontains=words)
        | Q(own_label__icontains=words)
        | Q(own_label="", internal_name__in=known)
    )


def counts(queryset: QuerySet[Workflow]) -> dict[str, int]:
    """Return how many workflows each view holds. One query."""
    figures = queryset.order_by().aggregate(
        **{
            f"count_{index}": Count("pk", filter=condition or None)
            for index, condition in enumerate(VIEWS.values())
        }
    )
    return {name: figures[f"count_{index}"] for index, name in enumerate(VIEWS)}


# One index range of 14 rows per workflow, however many runs there are: the range of
# one keeps the planner from walking the runs of all workflows backwards.
_LAST_RUNS = """
SELECT r.* FROM unnest(%s::bigint[]) AS w(id) CROSS JOIN LATERAL (
    SELECT * FROM workflows_run WHERE workflow_id BETWEEN w.id AND w.id
    ORDER BY workflow_id, id DESC LIMIT %s
) AS r
"""


def last_runs(
    workflows: Iterable[Workflow], limit: int = HISTORY
) -> dict[int, Sequence[Run]]:
    """Return the newest runs of each workflow, newest first. One query."""
    found: dict[int, list[Run]] = defaultdict(list)
    keys = [workflow.pk for workflow in workflows]
    if keys:
        for run in Run.objects.raw(_LAST_RUNS, [keys, limit]):
            found[run.workflow_id].append(run)
    return {key: sorted(runs, key=lambda r: -r.pk) for key, runs in found.items()}


def executing_workflows() -> int:
    """Return how many workflows have a task at work. One query."""
    return (
        Task.objects.filter(status=TaskStatus.ACTIVE, substate=Substate.RUNNING)
        .values("workflow")
        .distinct()
        .count()
    )


def newest_failure() -> Workflow | None:
    """Return the workflow that failed last and still waits. One query.

    Annotates ``cause``, the error of its run.
    """
    error = Run.objects.filter(workflow=OuterRef("pk"), status=RunStatus.FAILED)
    return (
        Workflow.objects.visible()
        .failed()
        .annotate(cause=Subquery(error.order_by("-pk").values("error")[:1]))
        .order_by(F("paused_at").desc(nulls_last=True))
        .first()
    )


def live_tasks(workflow: Workflow, limit: int = 10) -> list[Task]:
    """Return the tasks at work or about to be, oldest first. One query."""
    return list(
        workflow.tasks.filter(
            status=TaskStatus.ACTIVE,
            substate__in=(Substate.RUNNING, Substate.QUEUED),
        ).order_by("pk")[:limit]
    )
