"""Deliveries and their logs: lists, details, live changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from campaign.deliveries.console import (
    links,
    looks,
    queries,
    steering_pages,
    timeline,
)
from campaign.deliveries.console.acting import operator_of
from campaign.deliveries.console.filters import DeliveryFilter, LogFilter
from campaign.deliveries.console.tables import DeliveryTable, LogTable
from campaign.deliveries.models import BroadLog, Delivery, LogStatus
from campaign.deliveries.services import steering
from campaign.deliveries.services.revealing import reveal
from campaign.platform import listing
from campaign.platform.listing import KeyPage
from campaign.platform.personal import REVEAL, mask_address, mask_data, mask_text
from workflows.console import access
from workflows.console.live import Fragments
from workflows.exceptions import InvalidInput
from workflows.models import Source

VIEW_DELIVERY = "deliveries.view_delivery"
VIEW_LOG = "deliveries.view_broadlog"
# Tab name -> the status that it shows, in the order of a message's life.
LOG_TABS: tuple[tuple[str, Any, int | None], ...] = (
    ("all", _("All"), None),
    ("pending", LogStatus.PENDING.label, LogStatus.PENDING),
    ("prepared", LogStatus.PREPARED.label, LogStatus.PREPARED),
    ("sending", LogStatus.SENDING.label, LogStatus.SENDING),
    ("sent", LogStatus.SENT.label, LogStatus.SENT),
    ("failed", LogStatus.FAILED.label, LogStatus.FAILED),
    ("unknown", LogStatus.UNKNOWN.label, LogStatus.UNKNOWN),
    ("ignored", LogStatus.IGNORED.label, LogStatus.IGNORED),
    ("cancelled", LogStatus.CANCELLED.label, LogStatus.CANCELLED),
)
_GRAVE = {"failed": "bad", "unknown": "warn"}


@dataclass(frozen=True, slots=True)
class Tab:
    """A saved view; ``count`` is empty while a filter narrows the list."""

    name: str
    label: Any
    url: str
    count: object
    tone: str
    is_current: bool


@dataclass(slots=True)
class LogListing:
    """One page of the delivery logs."""

    page: KeyPage[Any]
    filter: LogFilter
    tabs: list[Tab]
    tab: str
    delivery: Delivery | None
    problem: str = ""


@access.requires(VIEW_DELIVERY)
def delivery_list(request: HttpRequest) -> HttpResponse:
    """Show the deliveries, newest first, with figures counted from their logs."""
    page, found = _deliveries(request)
    table_html = _delivery_table(request, page)
    fragments = Fragments()
    fragments.add("delivery-table", table_html)
    return render(
        request,
        "deliveries/delivery_list.html",
        {
            "page": page,
            "filter": found,
            "table_html": table_html,
            "token": fragments.token,
        },
    )


@access.requires(VIEW_DELIVERY)
def delivery_list_changes(request: HttpRequest) -> HttpResponse:
    """Return what changed of the list since the reader's token."""
    page, _found = _deliveries(request)
    fragments = Fragments()
    fragments.add("delivery-table", _delivery_table(request, page))
    return fragments.answer(request.GET.get("token", ""))


def _deliveries(request: HttpRequest) -> tuple[KeyPage[Delivery], DeliveryFilter]:
    found = DeliveryFilter(request.GET, queryset=Delivery.objects.all())
    page = listing.key_page(found.qs, request.GET)
    figures = queries.figures(delivery.pk for delivery in page.rows)
    tries = queries.next_tries(delivery.pk for delivery in page.rows)
    for delivery in page.rows:
        delivery.next_try = tries[delivery.pk]
        delivery.figures = figures[delivery.pk]
        delivery.look = looks.of_delivery(delivery.state)
    return page, found


def _delivery_table(request: HttpRequest, page: KeyPage[Delivery]) -> str:
    return str(DeliveryTable(page.rows).as_html(request)) if page.rows else ""


@access.requires(VIEW_DELIVERY)
def delivery_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one delivery: its figures, its content, where it came from."""
    context = _delivery_context(pk)
    context["buttons"] = steering_pages.buttons(context["delivery"])
    context["steer_reason"] = access.lacking(request, steering.OPERATE)
    fragments = _delivery_fragments(context)
    return render(
        request,
        "deliveries/delivery_detail.html",
        {**context, "token": fragments.token},
    )


@access.requires(VIEW_DELIVERY)
def delivery_detail_changes(request: HttpRequest, pk: int) -> HttpResponse:
    """Return what changed of a delivery since the reader's token."""
    context = _delivery_context(pk)
    context["buttons"] = steering_pages.buttons(context["delivery"])
    context["steer_reason"] = access.lacking(request, steering.OPERATE)
    fragments = _delivery_fragments(context)
    return fragments.answer(request.GET.get("token", ""))


def _delivery_context(pk: int) -> dict[str, Any]:
    if pk >= 2**63:
        raise Http404
    delivery = get_object_or_404(Delivery.objects.select_related("routing"), pk=pk)
    counted = queries.figures([delivery.pk], queries.PAGE_CAP)[delivery.pk]
    rows = [
        (looks.of_status(status), count, _logs_url(delivery.pk, status))
        for status, count in counted.rows
    ]
    return {
        "delivery": delivery,
        "figures": counted,
        "rows": rows,
        "origin": links.origin(delivery),
        "look": looks.of_delivery(delivery.state),
    }


def _delivery_fragments(context: dict[str, Any]) -> Fragments:
    fragments = Fragments()
    for name in ("state", "buttons", "figures"):
        html = render_to_string(f"deliveries/_delivery_{name}.html", context)
        fragments.add(f"delivery-{name}", html)
    return fragments


def _logs_url(delivery_id: int, status: int) -> str:
    tab = next((name for name, _label, of in LOG_TABS if of == status), "all")
    address = reverse("deliveries:log_list")
    return f"{address}?status={tab}&delivery={delivery_id}"


@access.requires(VIEW_LOG)
def log_list(request: HttpRequest) -> HttpResponse:
    """Show the delivery logs, newest first."""
    found = _logs(request)
    fragments, table_html = _log_fragments(request, found)
    return render(
        request,
        "deliveries/log_list.html",
        {"listing": found, "table_html": table_html, "token": fragments.token},
        status=200,
    )


@access.requires(VIEW_LOG)
def log_list_changes(request: HttpRequest) -> HttpResponse:
    """Return what changed of the list since the reader's token."""
    fragments, _html = _log_fragments(request, _logs(request))
    return fragments.answer(request.GET.get("token", ""), summary=True)


def _log_fragments(request: HttpRequest, found: LogListing) -> tuple[Fragments, str]:
    rows = found.page.rows
    table_html = str(LogTable(rows).as_html(request)) if rows else ""
    fragments = Fragments()
    fragments.add("log-table", table_html)
    tabs = {"tabs": found.tabs}
    fragments.add("log-tabs", render_to_string("components/tabs.html", tabs))
    return fragments, table_html


def _logs(request: HttpRequest) -> LogListing:
    tab = request.GET.get("status", "all")
    status = next((of for name, _label, of in LOG_TABS if name == tab), None)
    if status is None:
        tab = "all"
    page: KeyPage[Any] = KeyPage([])
    counts: dict[int, listing.Bounded] = {}
    problem = ""
    # The filter is asked inside the bound, for a period reads the table too.
    found = LogFilter(request.GET, queryset=BroadLog.objects.select_related("delivery"))
    try:
        with listing.bounded_time():
            queryset = found.qs
            if status is not None:
                queryset = queryset.filter(status=status)
            page = listing.key_page(queryset, request.GET)
            if not found.is_active:
                wanted = [of for _name, _label, of in LOG_TABS if of is not None]
                counts = listing.status_counts(BroadLog, wanted)
    except listing.TooSlow as error:
        problem = error.message
    is_open = request.user.has_perm(REVEAL)
    for log in page.rows:
        log.look = looks.of_log(log)
        outcome = timeline.outcome(log)
        log.outcome = outcome if is_open else mask_text(outcome)
        log.shown_address = log.address if is_open else mask_address(log.address)
    tabs = [
        Tab(
            name,
            label,
            listing.address_with(
                request.GET, status=name, after=None, before=None, token=None
            ),
            counts.get(of, "") if of is not None else "",
            _GRAVE.get(name, "") if of is not None and counts.get(of) else "",
            name == tab,
        )
        for name, label, of in LOG_TABS
    ]
    chosen = found.form.cleaned_data.get("delivery") if found.form.is_valid() else None
    delivery = Delivery.objects.filter(pk=int(chosen)).first() if chosen else None
    return LogListing(page, found, tabs, tab, delivery, problem)


@access.requires(VIEW_LOG)
def log_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one message: what became of it, step by step."""
    context = _log_context(pk)
    fragments = _log_detail_fragments(context)
    return render(
        request,
        "deliveries/log_detail.html",
        {
            **context,
            "token": fragments.token,
            "reveal_reason": access.lacking(request, REVEAL),
        },
    )


@access.requires(VIEW_LOG)
@never_cache
def log_reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask why, then show one message with its personal data, in this answer only."""
    access.check(request, REVEAL)
    context = _log_context(pk, is_open=request.method == "POST")
    if request.method == "POST":
        log: BroadLog = context["log"]
        try:
            reveal(
                object_type="deliveries.broadlog",
                object_id=str(log.pk),
                object_label=f"{log.delivery.label} {log.pk}",
                acting_operator=operator_of(request),
                source=Source.CONSOLE,
                reason=request.POST.get("reason", ""),
                at=timezone.now(),
            )
        except InvalidInput as error:
            return _ask_to_reveal(request, log, error.message, 400)
        return render(request, "deliveries/log_detail.html", context)
    return _ask_to_reveal(request, context["log"])


def _ask_to_reveal(
    request: HttpRequest, log: BroadLog, fault: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "title": _("Reveal the personal data of message %(number)s")
        % {"number": log.pk},
        "action": reverse("deliveries:log_reveal", args=[log.pk]),
        "back": log.get_absolute_url(),
        "fault": fault,
    }
    return render(request, "deliveries/reveal.html", context, status=status)


@access.requires(VIEW_LOG)
def log_detail_changes(request: HttpRequest, pk: int) -> HttpResponse:
    """Return what changed of a log since the reader's token."""
    fragments = _log_detail_fragments(_log_context(pk))
    return fragments.answer(request.GET.get("token", ""))


def _log_context(pk: int, *, is_open: bool = False) -> dict[str, Any]:
    if pk >= 2**63:
        raise Http404
    queryset = BroadLog.objects.select_related("delivery__routing")
    log = get_object_or_404(queryset, pk=pk)
    if not is_open:  # a copy for this page; it is never saved
        log.address = mask_address(log.address)
        log.smtp_reply = mask_text(log.smtp_reply)
        log.context = mask_data(log.context)
    return {
        "log": log,
        "is_open": is_open,
        "look": looks.of_log(log),
        "meaning": looks.meaning(log),
        "outcome": timeline.outcome(log),
        "steps": timeline.of_log(log),
        "target": links.target(log.target_type, log.target_id),
    }


def _log_detail_fragments(context: dict[str, Any]) -> Fragments:
    fragments = Fragments()
    for name in ("state", "facts", "steps"):
        html = render_to_string(f"deliveries/_log_{name}.html", context)
        fragments.add(f"log-{name}", html)
    return fragments
