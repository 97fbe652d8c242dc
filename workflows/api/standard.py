"""The Standard face: execution, commands and signal triggers under the organisation.

Paths and names are as in controlling-a-workflow.md and
triggering-a-signal-activity.md; statuses are our choice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from pydantic import BaseModel

from workflows.api import problems, rows
from workflows.api.bodies import read_json, require_small
from workflows.api.caller import authenticate, reader
from workflows.api.command_router import Asked, respond
from workflows.api.signal_parameters import ParameterFaults
from workflows.api.signals import signal_response
from workflows.exceptions import AppError, Fault, InvalidInput, NotFound
from workflows.models import CommandName, Workflow

METHODS = (
    CommandName.START,
    CommandName.PAUSE,
    CommandName.RESUME,
    CommandName.STOP,
)
View = Callable[..., HttpResponse]


def standard_view(*methods: str) -> Callable[[View], View]:
    """Sign the caller in and turn errors into problem documents."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def answering(request: HttpRequest, **parts: str) -> HttpResponse:
            if request.method not in methods:
                return problems.method_not_allowed(methods)
            try:
                request.auth = authenticate(request)  # type: ignore[attr-defined]
                return view(request, **parts)
            except ParameterFaults as error:
                return error.response()
            except AppError as error:
                return problems.of_error(error)
            except (DataError, OperationalError, InterfaceError) as error:
                return problems.of_database_error(error)

        return answering

    return decorate


@standard_view("GET", "HEAD")
def show_execution(request: HttpRequest, workflow_id: str) -> HttpResponse:
    """Show a workflow with its activities and where to trigger its signals."""
    reader(request)
    workflow = _find(workflow_id)
    return JsonResponse(
        {
            "PKey": str(workflow.uuid),
            "ID": workflow.internal_name,
            "label": workflow.label,
            "state": workflow.state,
            "failed": workflow.failed,
            "lastStart": workflow.last_start,
            "activities": {"activity": _activities(workflow)},
            "commands": {"href": _address("execution_commands", workflow)},
        }
    )


@standard_view("POST")
def post_command(request: HttpRequest, workflow_id: str) -> HttpResponse:
    """Order start, pause, resume or stop."""
    body = _read_body(request)
    method = body.get("method")
    if method not in METHODS:
        raise ParameterFaults(
            [
                Fault(
                    "method",
                    _("Use one of %(known)s.") % {"known": ", ".join(METHODS)},
                )
            ]
        )
    return respond(
        request,
        _find(workflow_id).internal_name,
        Asked(CommandName(str(method))),
        shape=_without_blanks,
    )


@standard_view("POST")
def trigger_signal(
    request: HttpRequest, workflow_id: str, activity: str, token: str = ""
) -> HttpResponse:
    """Raise a signal with its parameters; 202 before any effect.

    The token segment of the original's addresses is accepted and not needed.
    """
    workflow = _find(workflow_id)
    body = _read_body(request)
    return signal_response(request, workflow, activity, body, shape=_without_blanks)


def _without_blanks(answer: BaseModel) -> dict[str, Any]:
    return answer.model_dump(exclude_none=True)


def _find(workflow_id: str) -> Workflow:
    """Return the workflow of an internal name or of a PKey."""
    try:
        key = UUID(workflow_id)
    except ValueError:
        return rows.find_workflow(workflow_id)
    workflow = rows.workflows().filter(uuid=key).first()
    if workflow is None:
        raise NotFound(_("No workflow has the key %(key)s."), key=workflow_id)
    return workflow


def _activities(workflow: Workflow) -> dict[str, dict[str, Any]]:
    shown: dict[str, dict[str, Any]] = {}
    for activity in workflow.structure.activities if workflow.structure else ():
        name = activity["name"]
        shown[name] = {
            "name": name,
            "label": activity.get("label", name),
            "type": activity["type"],
        }
        if activity["type"] == "signal":
            href = reverse("execution_trigger", args=[workflow.uuid, name])
            shown[name]["trigger"] = {"href": href}
    return shown


def _read_body(request: HttpRequest) -> dict[str, Any]:
    require_small(request)
    try:
        body = read_json(request.body)
    except ValueError as error:
        raise InvalidInput(
            _("The body is no JSON: %(fault)s."), fault=str(error)
        ) from error
    if not isinstance(body, dict):
        raise ParameterFaults([Fault("", _("Send a JSON object."))])
    return body


def _address(name: str, workflow: Workflow) -> str:
    return reverse(name, args=[workflow.uuid])
