"""What operators were told: the list behind the bell, and silence for a workflow."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from workflows.actions.notices import mute_notifications, read_notifications
from workflows.console import access, commands, notices
from workflows.models import Source, Workflow

MUTE = timedelta(hours=24)


@access.requires("workflows.view")
def notification_list(request: HttpRequest) -> HttpResponse:
    """Show what operators were told, newest first, a page at a time."""
    selection = notices.Selection.read(request.GET)
    return render(
        request,
        "workflows/notification_list.html",
        {
            "slice": notices.page(selection, notices.read_until(request)),
            "selection": selection,
            "tabs": notices.tabs(selection),
        },
    )


@access.requires("workflows.view")
@require_POST
def notifications_read(request: HttpRequest) -> HttpResponse:
    """Note that the reader has seen everything."""
    read_notifications(acting_operator=request.user, at=timezone.now())
    return HttpResponseRedirect(reverse("workflows:notification_list"))


@access.requires("workflows.view")
@require_http_methods(["GET", "HEAD", "POST"])
def mute(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Ask before a workflow is muted for a day (GET); mute or unmute it (POST)."""
    at = timezone.now()
    if request.method != "POST":
        workflow = get_object_or_404(Workflow, internal_name=internal_name)
        is_muted = bool(workflow.muted_until and workflow.muted_until > at)
        return render(
            request,
            "workflows/mute.html",
            {
                "workflow": workflow,
                "is_muted": is_muted,
                "until": workflow.muted_until if is_muted else at + MUTE,
                "reason": access.lacking(request, commands.OPERATE),
            },
        )
    ends = request.POST.get("mute") == "off"
    workflow = mute_notifications(
        internal_name=internal_name,
        until=None if ends else at + MUTE,
        acting_operator=request.user,
        source=Source.CONSOLE,
        at=at,
        reason=request.POST.get("reason", "").strip()[:512],
    )
    words = {"workflow": workflow.label}
    told = _("Notifications of %(workflow)s are sent again.")
    if not ends:
        told = _("Notifications of %(workflow)s are not sent for 24 hours.")
    messages.success(request, told % words)
    return HttpResponseRedirect(workflow.get_absolute_url())
