"""Signals by the own face."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from workflows.api import repeated, rows
from workflows.api.bodies import require_small
from workflows.api.order_schemas import SignalAccepted, SignalIn
from workflows.api.signal_parameters import ParameterFaults
from workflows.api.signals import signal_response

router = Router(tags=["Commands"])


@router.post(
    "/{internal_name}/signals/{activity}",
    response={202: SignalAccepted},
    url_name="workflow_signal",
    openapi_extra={"parameters": [repeated.PARAMETER], "x-errors": [422, 429]},
)
def post_signal(
    request: HttpRequest, internal_name: str, activity: str, body: SignalIn
) -> HttpResponse:
    """Raise a signal: 202 before any effect, 409 when the workflow is not started.

    429 with ``Retry-After`` when the activity's shortest interval is not over. With
    ``complete`` the activity waits for no further signal.
    """
    require_small(request)
    workflow = rows.find_workflow(internal_name)
    try:
        return signal_response(
            request,
            workflow,
            activity,
            body.model_dump(include={"source", "parameters"}),
            complete=body.complete,
        )
    except ParameterFaults as error:
        return error.response()
