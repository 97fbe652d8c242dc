"""What is done with events: processed again, revealed, exported."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from campaign.deliveries.console.acting import operator_of
from campaign.deliveries.services.revealing import reveal
from campaign.messagecenter.console import queries
from campaign.messagecenter.console.filters import EventFilter
from campaign.messagecenter.console.views.events import (
    chosen_kind,
    chosen_status,
    detail_context,
)
from campaign.messagecenter.services.event_exports import export_events
from campaign.messagecenter.services.reprocessing import (
    PROCESS_AGAIN,
    preview_again,
    process_again,
    read_ids,
)
from campaign.platform.exports import csv_response
from campaign.platform.personal import REVEAL
from workflows.console import access
from workflows.exceptions import InvalidInput
from workflows.models import Source


@access.requires(PROCESS_AGAIN)
def event_process_again(request: HttpRequest) -> HttpResponse:
    """Tell which of the chosen events are taken and which are not; then do it."""
    data = request.POST if request.method == "POST" else request.GET
    ids = data.getlist("event")
    back = _back(request, data.get("next", ""), ids)
    if not ids:
        messages.warning(request, _("No event was selected."))
        return redirect(back)
    keys = read_ids(ids)
    operator = operator_of(request)
    at = timezone.now()
    if request.method != "POST":
        told = preview_again(keys=keys, acting_operator=operator, at=at)
        context = {"told": told, "back": back, "ids": [str(key) for key in keys]}
        return render(request, "messagecenter/process_again.html", context)
    done = process_again(
        keys=keys,
        acting_operator=operator,
        source=Source.CONSOLE,
        at=at,
        reason=data.get("reason", ""),
    )
    for sentence in done.sentences():
        messages.success(request, sentence)
    left = sum(refused.count for refused in done.refused)
    if left:
        text = ngettext(
            "%(n)s event was left alone.", "%(n)s events were left alone.", left
        )
        messages.warning(request, text % {"n": left})
    return redirect(back)


def _back(request: HttpRequest, wanted: str, ids: list[str]) -> str:
    """Return where the reader came from: the list, or the one event."""
    if wanted and url_has_allowed_host_and_scheme(wanted, {request.get_host()}):
        return wanted
    kind, _dash, number = ids[0].partition("-") if ids else ("", "", "")
    is_key = kind in queries.KINDS and number.isascii() and number.isdecimal()
    if "queue" not in request.GET and len(ids) == 1 and is_key:
        return reverse("messagecenter:event_detail", args=[kind, int(number)])
    address = reverse("messagecenter:event_list")
    return f"{address}?queue={kind}" if kind in queries.KINDS else address


@access.requires(REVEAL)
@never_cache
def event_reveal(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Ask why, then show an event with its personal data, in this answer only."""
    is_asked = request.method == "POST"
    context = detail_context(request, kind, pk, is_open=is_asked)
    if not is_asked:
        return _ask(request, kind, pk)
    try:
        reveal(
            object_type="messagecenter.event",
            object_id=f"{kind}-{pk}",
            object_label=f"{context['event'].type} {kind}-{pk}",
            acting_operator=operator_of(request),
            source=Source.CONSOLE,
            reason=request.POST.get("reason", ""),
            at=timezone.now(),
        )
    except InvalidInput as error:
        return _ask(request, kind, pk, error.message, 400)
    return render(request, "messagecenter/event_detail.html", context)


def _ask(
    request: HttpRequest, kind: str, pk: int, fault: str = "", status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "title": _("Reveal the personal data of event %(id)s") % {"id": f"{kind}-{pk}"},
        "action": reverse("messagecenter:event_reveal", args=[kind, pk]),
        "back": reverse("messagecenter:event_detail", args=[kind, pk]),
        "fault": fault,
    }
    return render(request, "deliveries/reveal.html", context, status=status)


@require_safe
def event_export(request: HttpRequest) -> HttpResponseBase:
    """Answer the filtered list as a CSV file."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    kind = chosen_kind(request)
    found = EventFilter(request.GET, queryset=queries.KINDS[kind].objects.all()).qs
    status = chosen_status(request)
    if status is not None:
        found = found.filter(status=status)
    lines = export_events(
        found,
        kind=kind,
        filters=request.GET.urlencode(),
        acting_operator=operator_of(request),
        source=Source.CONSOLE,
        at=timezone.now(),
    )
    return csv_response(lines, f"events-{kind}.csv")
