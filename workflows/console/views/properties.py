"""Changing the properties of a workflow."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from workflows.actions import save_properties
from workflows.console import access
from workflows.console.forms import PropertiesForm, add_faults, zone_names
from workflows.console.views.workflow_detail import find
from workflows.exceptions import InvalidInput
from workflows.models import Source


@access.requires("workflows.view")
@require_http_methods(["GET", "HEAD", "POST"])
def properties(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Show the form; save what was changed, with its trace in the audit."""
    workflow = find(internal_name)
    form = PropertiesForm(request.POST or None, instance=workflow)
    refusal = access.lacking(request, "workflows.change_technical")
    if request.method == "POST" and form.is_valid():
        try:
            saved = save_properties(
                internal_name=internal_name,
                values=form.values(),
                acting_operator=request.user,
                source=Source.CONSOLE,
                at=timezone.now(),
                reason=request.POST.get("reason", "").strip()[:512],
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            messages.success(
                request,
                _("Properties of %(workflow)s saved.") % {"workflow": saved.label},
            )
            return redirect(saved)
    status = 422 if request.method == "POST" else 200
    context = {
        "workflow": workflow,
        "form": form,
        "refusal": refusal,
        "zones": zone_names(),
    }
    return render(request, "workflows/properties.html", context, status=status)
