"""The event history and one event, with their live changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaign.messagecenter.console import looks, queries, timeline
from campaign.messagecenter.console.filters import EventFilter
from campaign.messagecenter.console.tables import EventTable
from campaign.messagecenter.models import Event, EventStatus
from campaign.messagecenter.services.reprocessing import PROCESS_AGAIN
from campaign.platform import listing
from campaign.platform.listing import KeyPage
from campaign.platform.personal import REVEAL, mask_text
from workflows.console import access
from workflows.console.live import Fragments

# The statuses of the tabs, in the order of an event's life.
TABS = (
    EventStatus.PENDING,
    EventStatus.PAUSED,
    EventStatus.PENDING_DELIVERY,
    EventStatus.SENT,
    EventStatus.IGNORED,
    EventStatus.DELIVERY_ERROR,
    EventStatus.NOT_COVERED,
    EventStatus.TARGETING_FAILED,
    EventStatus.EXPIRED,
)


@dataclass(frozen=True, slots=True)
class Tab:
    """A saved view; ``count`` is empty while a filter narrows the list."""

    label: Any
    url: str
    count: object
    tone: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """One of the two queues, as a switch."""

    name: str
    label: Any
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the event history."""

    kind: str
    page: KeyPage[Any]
    filter: EventFilter
    tabs: list[Tab]
    status: int | None
    queues: list[Queue]
    problem: str


def chosen_kind(request: HttpRequest) -> str:
    """Return the queue asked for; without a choice the first that may be seen."""
    asked = request.GET.get("queue", "")
    if asked not in queries.KINDS:
        may = request.user.has_perm(queries.VIEW_RIGHTS["rt"])
        asked = "rt" if may or not _may_batch(request) else "batch"
    access.check(request, queries.VIEW_RIGHTS[asked])
    return asked


def chosen_status(request: HttpRequest) -> int | None:
    """Return the status of the tab, or None for all."""
    asked = request.GET.get("status", "")
    return int(asked) if asked in {str(int(value)) for value in TABS} else None


def _may_batch(request: HttpRequest) -> bool:
    return bool(request.user.has_perm(queries.VIEW_RIGHTS["batch"]))


def _listing(request: HttpRequest) -> Listing:
    kind = chosen_kind(request)
    model = queries.KINDS[kind]
    status = chosen_status(request)
    found = EventFilter(
        request.GET, queryset=model.objects.select_related("delivery").defer("ctx")
    )
    page: KeyPage[Any] = KeyPage([])
    counts: dict[int, listing.Bounded] = {}
    problem = ""
    try:
        with listing.bounded_time():
            queryset = found.qs
            if status is not None:
                queryset = queryset.filter(status=status)
            page = listing.key_page(queryset, request.GET)
            if not found.is_active:
                counts = listing.status_counts(model, TABS)
    except listing.TooSlow as error:
        problem = error.message
    is_open = request.user.has_perm(REVEAL)
    for event in page.rows:
        event.look = looks.of_event(event)
        event.key = f"{kind}-{event.pk}"
        if not is_open:  # copies for this page; they are never saved
            queries.mask(event)
    return Listing(
        kind,
        page,
        found,
        _tabs(request, status, counts),
        status,
        _queues(request, kind),
        problem,
    )


def _tabs(
    request: HttpRequest, chosen: int | None, counts: dict[int, listing.Bounded]
) -> list[Tab]:
    away = {"after": None, "before": None, "token": None}
    everything = listing.address_with(request.GET, status=None, **away)
    tabs = [Tab(_("All"), everything, "", "", chosen is None)]
    for status in TABS:
        count = counts.get(status, "")
        tabs.append(
            Tab(
                looks.status_label(status),
                listing.address_with(request.GET, status=int(status), **away),
                count,
                looks.GRAVE.get(status, "") if count else "",
                chosen == status,
            )
        )
    return tabs


def _queues(request: HttpRequest, kind: str) -> list[Queue]:
    labels = {"rt": _("Real-time events"), "batch": _("Batch events")}
    return [
        Queue(
            name,
            label,
            listing.address_with(
                request.GET, queue=name, after=None, before=None, token=None
            ),
            name == kind,
        )
        for name, label in labels.items()
        if request.user.has_perm(queries.VIEW_RIGHTS[name])
    ]


def _fragments(request: HttpRequest, found: Listing) -> tuple[Fragments, str]:
    rows = found.page.rows
    table_html = str(EventTable(rows).as_html(request)) if rows else ""
    fragments = Fragments()
    fragments.add("event-table", table_html)
    tabs = render_to_string("components/tabs.html", {"tabs": found.tabs})
    fragments.add("event-tabs", tabs)
    return fragments, table_html


@access.requires()
def event_list(request: HttpRequest) -> HttpResponse:
    """Show the event history of a queue, newest first."""
    found = _listing(request)
    fragments, table_html = _fragments(request, found)
    return render(
        request,
        "messagecenter/event_list.html",
        {
            "listing": found,
            "table_html": table_html,
            "token": fragments.token,
            "again_reason": access.lacking(request, PROCESS_AGAIN),
            "export_url": listing.address_with(
                request.GET, queue=found.kind, after=None, before=None, token=None
            ),
        },
    )


@access.requires()
def event_list_changes(request: HttpRequest) -> HttpResponse:
    """Return what changed of the list since the reader's token."""
    fragments, _html = _fragments(request, _listing(request))
    return fragments.answer(request.GET.get("token", ""), summary=True)


def detail_context(
    request: HttpRequest, kind: str, pk: int, *, is_open: bool = False
) -> dict[str, Any]:
    """Return what the page of an event shows; ``is_open`` with its personal data."""
    access.check(request, queries.VIEW_RIGHTS[kind])
    story = queries.story(kind, pk, timezone.now())
    event: Event = story.event
    if not is_open:  # copies for this page; they are never saved
        queries.mask(event, with_payload=True)
        if story.log is not None:
            story.log.smtp_reply = mask_text(story.log.smtp_reply)
    return {
        "is_open": is_open,
        "again_reason": access.lacking(request, PROCESS_AGAIN),
        "reveal_reason": access.lacking(request, REVEAL),
        "story": story,
        "event": event,
        "kind": kind,
        "look": looks.of_event(event),
        "meaning": looks.status_meaning(event.status),
        "steps": timeline.steps(story),
    }


def _detail_fragments(context: dict[str, Any]) -> Fragments:
    fragments = Fragments()
    for name in ("state", "facts", "steps"):
        html = render_to_string(f"messagecenter/_event_{name}.html", context)
        fragments.add(f"event-{name}", html)
    return fragments


@access.requires()
def event_detail(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Show one event: payload, fields, and what became of it step by step."""
    context = detail_context(request, kind, pk)
    return render(
        request,
        "messagecenter/event_detail.html",
        {**context, "token": _detail_fragments(context).token},
    )


@access.requires()
def event_detail_changes(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Return what changed of an event since the reader's token."""
    fragments = _detail_fragments(detail_context(request, kind, pk))
    return fragments.answer(request.GET.get("token", ""))
