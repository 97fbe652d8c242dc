"""The list of technical workflows, its live changes and its bulk commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from django_tables2 import RequestConfig

from workflows import registry
from workflows.console import (
    access,
    cells,
    columns,
    commands,
    downloads,
    listings,
    queries,
    schedules,
)
from workflows.console.filters import WorkflowFilter
from workflows.console.live import Fragments, take_token
from workflows.console.tables import WorkflowTable
from workflows.models import Run, Workflow

PAGE = 50
LISTING = listings.register(
    listings.Listing("workflows", "workflows:workflow_list", WorkflowTable)
)
TABS = (
    ("all", _("All")),
    ("running", _("Running")),
    ("failed", _("Failed")),
    ("paused", _("Paused")),
    ("start-pending", _("Start pending")),
    ("not-started", _("Not started")),
    ("finished", _("Finished")),
)


@dataclass(frozen=True, slots=True)
class Tab:
    """A saved view with how many it holds."""

    name: str
    label: str
    count: int
    is_current: bool


class CountedPaginator(Paginator):
    """A paginator that was told its count, so that none is asked again."""

    def __init__(self, *args: Any, known: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.count = known


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list with its tabs."""

    table: WorkflowTable
    page: Page[Any]
    filter: WorkflowFilter
    tabs: list[Tab]
    tab: str


def _listing(request: HttpRequest) -> Listing:
    found = WorkflowFilter(request.GET, queryset=queries.listed())
    counts = queries.counts(found.qs)
    tab = request.GET.get("state", "all")
    if tab not in queries.VIEWS:
        tab = "all"
    table = WorkflowTable(
        found.qs.filter(queries.VIEWS[tab]),
        exclude=columns.hidden(request, LISTING.name, WorkflowTable),
    )
    RequestConfig(request, paginate=False).configure(table)
    paginator = CountedPaginator(table.rows, PAGE, known=counts[tab])
    page = paginator.get_page(request.GET.get("page"))
    table.page, table.paginator = page, paginator
    dress(
        request,
        [row.record for row in page.object_list],
        with_supervisors="supervisors" in table.columns,
    )
    tabs = [Tab(name, str(label), counts[name], name == tab) for name, label in TABS]
    return Listing(table, page, found, tabs, tab)


def dress(
    request: HttpRequest, workflows: list[Workflow], *, with_supervisors: bool
) -> None:
    """Draw the cells of each row into its ``cells``. One query, or two."""
    runs = queries.last_runs(workflows)
    if with_supervisors:
        prefetch_related_objects(workflows, "supervisors")
    for workflow in workflows:
        offers = commands.offers(request, workflow, commands.ROW)
        row = cells.Row(
            workflow=workflow,
            runs=runs.get(workflow.pk, []),
            schedule=schedules.schedule_text(workflow),
            package=registry.package_label(workflow.package),
            offers=offers,
            main=offers[commands.main_command(workflow)],
            supervisors=_names(workflow) if with_supervisors else "",
        )
        vars(workflow)["cells"] = cells.cells(row)


def _names(workflow: Workflow) -> str:
    return ", ".join(sorted(group.name for group in workflow.supervisors.all()))


def _fragments(request: HttpRequest, listing: Listing) -> Fragments:
    fragments = Fragments()
    for row in listing.page.object_list:
        for cell in cells.LIVE:
            fragments.add(f"{cell}-{row.record.pk}", row.record.cells[cell])
    fragments.add(
        "workflow-tabs",
        render_to_string("workflows/_tabs.html", {"tabs": listing.tabs}, request),
    )
    return fragments


@access.requires("workflows.view")
def workflow_list(request: HttpRequest) -> HttpResponseBase:
    """Show the technical workflows; ``format=csv`` returns them as a file."""
    if request.GET.get(downloads.PARAMETER) == downloads.CSV:
        return _download(request)
    listing = _listing(request)
    failure = queries.newest_failure() if listing.tabs[2].count else None
    return render(
        request,
        "workflows/workflow_list.html",
        {
            "listing": listing,
            "table": listing.table,
            "filter": listing.filter,
            "tabs": listing.tabs,
            "failure": failure,
            "token": _fragments(request, listing).token,
            "bulk": commands.BULK,
            "tools": listings.tools(request, LISTING),
            "bulk_reason": access.lacking(request, commands.OPERATE),
        },
    )


@access.requires("workflows.view")
def workflow_changes(request: HttpRequest) -> HttpResponse:
    """Return the cells that changed since the reader's token."""
    token = take_token(request)
    listing = _listing(request)
    return _fragments(request, listing).answer(token, summary=True)


def _download(request: HttpRequest) -> HttpResponseBase:
    """Return every workflow that the filters leave, with its newest run."""
    narrowed = WorkflowFilter(request.GET, queryset=queries.listed()).qs
    chosen = queries.VIEWS.get(request.GET.get("state", "all"), queries.VIEWS["all"])
    found = list(
        narrowed.filter(chosen).order_by("shown_label").prefetch_related("supervisors")
    )
    newest = queries.last_runs(found, 1)
    head = (
        _("Internal name"),
        _("Label"),
        _("State"),
        _("Failed"),
        _("Package"),
        _("Schedule"),
        _("Severity"),
        _("Owner"),
        _("Supervisors"),
        _("Last run"),
        _("Result"),
        _("Next run"),
    )
    return downloads.csv_answer("workflows", head, map(_line(newest), found))


def _line(
    newest: Mapping[int, Sequence[Run]],
) -> Callable[[Workflow], tuple[Any, ...]]:
    def line(workflow: Workflow) -> tuple[Any, ...]:
        run = next(iter(newest.get(workflow.pk, ())), None)
        return (
            workflow.internal_name,
            workflow.label,
            workflow.get_state_display(),
            workflow.failed,
            registry.package_label(workflow.package),
            schedules.schedule_text(workflow),
            workflow.get_severity_display(),
            workflow.owner,
            _names(workflow),
            (run.started_at or run.created_at) if run else None,
            run.get_status_display() if run else None,
            workflow.next_due,  # type: ignore[attr-defined]
        )

    return line
