"""Commands from buttons: one workflow, or those selected in the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from workflows.actions import CommandResult, issue_command, rehearse
from workflows.console import access, commands, queries
from workflows.console.command_form import CommandForm
from workflows.exceptions import AppError, InvalidInput, NotFound
from workflows.models import CommandName, CommandStatus, Source, Workflow

ASK_ABOVE = 5


@access.requires("workflows.view")
@require_http_methods(["GET", "HEAD", "POST"])
def command(request: HttpRequest, internal_name: str, name: str) -> HttpResponse:
    """Tell the effects and ask (GET, or POST with ``preview``); give the order."""
    button = commands.BUTTONS.get(name)
    if button is None:
        raise NotFound(
            _("There is no command %(name)s; it is one of %(names)s."),
            name=name,
            names=", ".join(commands.BUTTONS),
        )
    workflow = Workflow.objects.select_related("structure").filter(
        internal_name=internal_name
    )
    given = request.POST if request.method == "POST" else request.GET
    if request.method != "POST" or "preview" in given:
        return _confirm(request, get_object_or_404(workflow), button, given)
    known = workflow.first()
    parameters: dict[str, Any] = {}
    if known is not None:
        form = CommandForm(known, CommandName(name), given, request.user)
        if not form.is_valid():
            fault = InvalidInput(" ".join(form.faults()))
            _refuse(request, internal_name, button, fault)
            if request.htmx:  # type: ignore[attr-defined]
                return _done(request, internal_name, status=fault.status)
            return _confirm(request, known, button, given)
        parameters = form.parameters()
    try:
        result = issue_command(**_order(request, internal_name, name, parameters))
    except AppError as error:
        _refuse(request, internal_name, button, error)
        return _done(request, internal_name, status=error.status)
    messages.success(request, _told(result, button))
    return _done(request, internal_name)


def _order(
    request: HttpRequest, internal_name: str, name: str, parameters: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments of the action."""
    return {
        "internal_name": internal_name,
        "name": name,
        "acting_operator": request.user,
        "source": Source.CONSOLE,
        "at": timezone.now(),
        "expected_state": request.POST.get("expected_state", ""),
        "reason": request.POST.get("reason", "").strip()[:512],
        "parameters": parameters,
    }


def _told(result: CommandResult, button: commands.Button) -> str:
    words = {
        "command": str(button.label),
        "workflow": result.workflow.label,
        "state": result.workflow.get_state_display(),
    }
    if result.noop:
        return _("%(workflow)s already is %(state)s; nothing was changed.") % words
    if result.command.status == CommandStatus.REQUESTED:
        return _("%(command)s ordered for %(workflow)s; work in flight ends first.") % (
            words
        )
    return _("%(command)s done: %(workflow)s is now %(state)s.") % words


def _refuse(
    request: HttpRequest, name: str, button: commands.Button, error: AppError
) -> None:
    words = {
        "command": str(button.label),
        "workflow": name,
        "why": _why(error),
    }
    messages.error(
        request, _("%(command)s of %(workflow)s was refused. %(why)s") % words
    )


def _why(error: AppError) -> str:
    faults = [f"{fault.field}: {fault.message}" for fault in error.faults]
    return " ".join([error.message, *faults])


def _done(request: HttpRequest, internal_name: str, status: int = 200) -> HttpResponse:
    """Return the toast and have the page refresh, or lead back to it."""
    if request.htmx:  # type: ignore[attr-defined]
        response = render(request, "components/toasts_oob.html", status=200)
        response["HX-Trigger"] = "console:refresh"
        response["X-Command-Status"] = str(status)
        return response
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = reverse("workflows:workflow_detail", args=[internal_name])
    return HttpResponseRedirect(target)


def _confirm(
    request: HttpRequest,
    workflow: Workflow,
    button: commands.Button,
    given: QueryDict,
) -> HttpResponse:
    """Show what the command will do, and to what; a script gets the effects alone."""
    offer = commands.offers(request, workflow, [button])[button.name]
    form = CommandForm(workflow, CommandName(button.name), given, request.user)
    form.suggest()
    expected_state = given.get("expected_state") or workflow.state
    context: dict[str, Any] = {
        "workflow": workflow,
        "offer": offer,
        "form": form,
        "expected_state": expected_state,
        **_effects(request, workflow, offer, form, expected_state),
    }
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "workflows/_effects.html", context)
    return render(
        request,
        "workflows/confirm.html",
        {
            **context,
            "effect": commands.effect(workflow, button),
            "live_tasks": queries.live_tasks(workflow),
            "reason": given.get("reason", ""),
            "next": workflow.get_absolute_url(),
        },
    )


def _effects(
    request: HttpRequest,
    workflow: Workflow,
    offer: commands.Offer,
    form: CommandForm,
    expected_state: str,
) -> dict[str, Any]:
    """Return the rehearsal's effects, or why the order would be refused."""
    if not offer.is_open or form.nothing:
        return {}
    if not form.is_valid():
        return {"refusal": " ".join(form.faults())}
    order = _order(
        request, workflow.internal_name, offer.button.name, form.parameters()
    )
    try:
        effects = rehearse(issue_command, **{**order, "expected_state": expected_state})
    except AppError as error:
        return {"refusal": _why(error)}
    return {"effects": effects}


@dataclass(frozen=True, slots=True)
class BulkRow:
    """What became of the order for one workflow."""

    workflow: str
    label: str
    url: str
    is_done: bool
    text: str


@access.requires("workflows.view")
@require_POST
def bulk_command(request: HttpRequest) -> HttpResponse:
    """Give one order to each selected workflow and report row by row."""
    button = commands.BUTTONS.get(request.POST.get("command", ""))
    if button not in commands.BULK:
        raise NotFound(_("Choose one of the commands for selected rows."))
    names = list(dict.fromkeys(request.POST.getlist("workflow")))[:500]
    chosen = list(Workflow.objects.visible().filter(internal_name__in=names))
    context = {"button": button, "workflows": chosen, "next": request.POST.get("next")}
    if not chosen:
        messages.warning(request, _("No workflow was selected."))
        return HttpResponseRedirect(reverse("workflows:workflow_list"))
    asks = button.asks or len(chosen) > ASK_ABOVE
    if asks and request.POST.get("confirmed") != "yes":
        return render(request, "workflows/bulk_confirm.html", context)
    rows = [_one_of_many(request, workflow, button) for workflow in chosen]
    done = sum(row.is_done for row in rows)
    return render(
        request,
        "workflows/bulk_result.html",
        {**context, "rows": rows, "done": done, "refused": len(rows) - done},
    )


def _one_of_many(
    request: HttpRequest, workflow: Workflow, button: commands.Button
) -> BulkRow:
    try:
        result = issue_command(
            internal_name=workflow.internal_name,
            name=button.name,
            acting_operator=request.user,
            source=Source.CONSOLE,
            at=timezone.now(),
            expected_state=request.POST.get(f"state-{workflow.internal_name}", ""),
        )
    except AppError as error:
        is_done, text = False, error.message
    else:
        is_done, text = True, _told(result, button)
    return BulkRow(
        workflow.internal_name,
        workflow.label,
        workflow.get_absolute_url(),
        is_done,
        text,
    )
