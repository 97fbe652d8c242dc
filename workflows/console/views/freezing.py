"""Freezing and thawing the whole instance."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from workflows.actions import freeze_instance, thaw_instance
from workflows.actions.rights import FREEZE
from workflows.console import access
from workflows.console.command_form import instant_field
from workflows.console.forms import add_faults
from workflows.exceptions import InvalidInput, StaleState
from workflows.models import Source


class FreezeForm(forms.Form):
    """Why, and until when at the latest."""

    reason = forms.CharField(
        max_length=512,
        label=_("Reason"),
        help_text=_("Shown on every page until the freeze ends."),
    )
    until = instant_field(
        _("Until"), _("It ends by itself then; empty: when somebody thaws it.")
    )


@access.requires(FREEZE)
@require_http_methods(["GET", "HEAD", "POST"])
def freeze(request: HttpRequest) -> HttpResponse:
    """Ask why and until when (GET), hold all workflows (POST)."""
    form = FreezeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            freeze_instance(
                reason=form.cleaned_data["reason"],
                until=form.cleaned_data["until"],
                acting_operator=request.user,
                source=Source.CONSOLE,
                at=timezone.now(),
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        except StaleState:
            messages.error(request, translate("The instance is frozen already."))
            return _back(request)
        else:
            messages.success(request, translate("The instance is frozen."))
            return _back(request)
    return render(request, "workflows/freeze.html", {"form": form})


@access.requires(FREEZE)
@require_POST
def thaw(request: HttpRequest) -> HttpResponse:
    """End the freeze and lead back."""
    try:
        thaw_instance(
            acting_operator=request.user, source=Source.CONSOLE, at=timezone.now()
        )
    except StaleState:
        messages.warning(request, translate("The instance is not frozen any more."))
    else:
        messages.success(request, translate("The freeze has ended."))
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = reverse("workflows:workflow_list")
    return HttpResponseRedirect(target)
