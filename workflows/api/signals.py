"""Signals from outside, by whichever face they come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from workflows.actions import raise_signal
from workflows.actions.rights import operate_right
from workflows.actions.signal import require_interval
from workflows.api import repeated
from workflows.api.caller import EXECUTE, SIGNAL, operator_with
from workflows.api.command_router import clock_runs
from workflows.api.order_schemas import SignalAccepted
from workflows.api.signal_parameters import coerce
from workflows.exceptions import CommandRefused, NotFound
from workflows.models import Workflow


def accept_signal(
    request: HttpRequest,
    workflow: Workflow,
    activity: str,
    body: Mapping[str, Any],
    *,
    complete: bool = False,
) -> SignalAccepted:
    """Raise a signal for the caller, its parameters converted as declared.

    Raises PermissionRefused, NotFound, ParameterFaults with every fault,
    TooFrequent, and CommandRefused for a workflow that is not started.
    """
    operator = operator_with(
        request, SIGNAL, EXECUTE, permission=operate_right(workflow)
    )
    variables = coerce(body, _declared(workflow, activity))
    at = timezone.now()
    refusal: CommandRefused | None = None
    with transaction.atomic():
        # Of two callers at the same moment, the second one sees the first's signal.
        held = Workflow.objects.select_for_update(of=("self",)).select_related(
            "structure"
        )
        require_interval(held.get(pk=workflow.pk), activity, at)
        try:
            raise_signal(
                internal_name=workflow.internal_name,
                activity=activity,
                variables=variables,
                source=f"{body['source']} ({operator.get_username()})"[:64],
                at=at,
                complete=complete,
            )
        except CommandRefused as error:
            refusal = error  # its line in the journal stays
    if refusal is not None:
        raise refusal
    return SignalAccepted(
        PKey=str(workflow.uuid),
        activity=activity,
        status="accepted",
        warning=None if clock_runs(at) else _("The clock is not running."),
    )


def signal_response(
    request: HttpRequest,
    workflow: Workflow,
    activity: str,
    body: Mapping[str, Any],
    *,
    complete: bool = False,
    shape: Callable[[SignalAccepted], dict[str, Any]] = SignalAccepted.model_dump,
) -> HttpResponse:
    """Raise a signal and answer 202, once for each Idempotency-Key.

    Raises what :func:`accept_signal` raises.
    """
    key = repeated.read_key(request)

    def give() -> HttpResponse:
        accepted = accept_signal(request, workflow, activity, body, complete=complete)
        return JsonResponse(shape(accepted), status=202)

    if not key:
        return give()
    return repeated.answer_kept(
        operator=operator_with(
            request, SIGNAL, EXECUTE, permission=operate_right(workflow)
        ),
        key=key,
        asked={
            "signal": [workflow.internal_name, activity, complete],
            "body": dict(body),
        },
        at=timezone.now(),
        give=give,
    )


def _declared(workflow: Workflow, activity: str) -> dict[str, str]:
    """Return the declared parameters of a signal activity as name -> type."""
    for candidate in workflow.structure.activities if workflow.structure else ():
        if candidate["name"] == activity and candidate["type"] == "signal":
            parameters = candidate.get("parameters", {})
            return {d["name"]: d["type"] for d in parameters.get("declared", ())}
    raise NotFound(
        _("The workflow %(workflow)s has no external signal %(activity)s."),
        workflow=workflow.internal_name,
        activity=activity,
    )
