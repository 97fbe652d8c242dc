"""Keeping a workflow paused until a date."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from workflows.actions import keep_paused
from workflows.console import access, commands
from workflows.console.command_form import instant_field
from workflows.console.forms import add_faults
from workflows.console.views.workflow_detail import find
from workflows.exceptions import CommandRefused, InvalidInput
from workflows.models import Source


class KeepPausedForm(forms.Form):
    """Until when, and why."""

    until = instant_field(
        _("Until"),
        _("Within a year. No notice and no stop before; then the days count anew."),
    )
    reason = forms.CharField(
        max_length=512,
        required=False,
        label=_("Reason"),
        help_text=_("Kept in the audit trail."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["until"].required = True


@access.requires("workflows.view")
@require_http_methods(["GET", "HEAD", "POST"])
def keep(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Ask until when (GET); keep the workflow paused until then (POST)."""
    workflow = find(internal_name)
    form = KeepPausedForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            kept = keep_paused(
                internal_name=internal_name,
                until=form.cleaned_data["until"],
                reason=form.cleaned_data["reason"],
                acting_operator=request.user,
                source=Source.CONSOLE,
                at=timezone.now(),
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        except CommandRefused:
            messages.warning(request, translate("The workflow is not paused any more."))
            return HttpResponseRedirect(workflow.get_absolute_url())
        else:
            told = translate("%(workflow)s is kept paused.")
            messages.success(request, told % {"workflow": kept.label})
            return HttpResponseRedirect(kept.get_absolute_url())
    context = {
        "workflow": workflow,
        "form": form,
        "reason": access.lacking(request, commands.OPERATE),
    }
    return render(request, "workflows/keep_paused.html", context)
