"""Commands: asking for one, rehearsing it, and the ledger of all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router

from workflows import conf
from workflows.actions import CommandResult, issue_command
from workflows.actions.command_parameters import given_parameters
from workflows.api import repeated, rows
from workflows.api.bodies import require_small
from workflows.api.caller import EXECUTE, operator_with, reader
from workflows.api.order_schemas import CommandAccepted, CommandIn, CommandPreview
from workflows.api.paging import DEFAULT_LIMIT, keyset
from workflows.api.previewing import preview_of
from workflows.api.schemas import CommandOut, CommandPage
from workflows.api.versions_router import Preview
from workflows.api.workflow_router import Cursor, Limit
from workflows.engine.states import cell
from workflows.exceptions import Fault, InvalidInput, NotFound
from workflows.models import (
    Command,
    CommandName,
    CommandStatus,
    Heartbeat,
    HeartbeatKind,
    Source,
    Workflow,
)

router = Router(tags=["Commands"])
Shape = Callable[[CommandAccepted], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asks of a workflow."""

    name: CommandName
    expected_state: str = ""
    reason: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


@router.post(
    "/{internal_name}/commands",
    response={200: CommandAccepted | CommandPreview, 202: CommandAccepted},
    url_name="workflow_commands",
    openapi_extra={"parameters": [repeated.PARAMETER], "x-errors": [422]},
)
def post_command(
    request: HttpRequest, internal_name: str, body: CommandIn, preview: Preview = False
) -> HttpResponse | CommandPreview:
    """Ask for a command: 202 accepted, 200 when the workflow already is so.

    409 tells the state and the commands allowed in it; the refusal is in the
    ledger too. With ``preview=1`` nothing is done; the answer tells the effects, or
    why it would be refused. The header ``Idempotency-Key`` makes a repetition
    harmless: within 24 hours it gets the first answer.
    """
    require_small(request)
    asked = _read(body)
    if preview:
        order = _order(request, internal_name, asked)
        told = preview_of(issue_command, **order)
        return CommandPreview(
            command=asked.name.value,
            state=told.state,
            state_after=told.state_after,
            effects=told.effects,
        )
    return respond(request, internal_name, asked)


@router.get(
    "/{internal_name}/commands", response=CommandPage, url_name="workflow_commands"
)
def list_commands(
    request: HttpRequest,
    internal_name: str,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """List the ledger, newest first, refused commands included."""
    reader(request)
    workflow = rows.find_workflow(internal_name)
    page = keyset(Command.objects.filter(workflow=workflow), limit=limit, cursor=cursor)
    return {"items": [rows.command_out(c) for c in page.items], "next": page.next}


@router.get(
    "/{internal_name}/commands/{command_id}",
    response=CommandOut,
    url_name="workflow_command",
)
def show_command(
    request: HttpRequest, internal_name: str, command_id: int
) -> CommandOut:
    """Show one ledger row."""
    reader(request)
    workflow = rows.find_workflow(internal_name)
    command = Command.objects.filter(workflow=workflow, pk=command_id).first()
    if command is None:
        raise NotFound(_("The ledger has no command %(number)s."), number=command_id)
    return rows.command_out(command)


def respond(
    request: HttpRequest,
    internal_name: str,
    asked: Asked,
    *,
    shape: Shape = CommandAccepted.model_dump,
) -> HttpResponse:
    """Issue a command for the caller and answer, once for each Idempotency-Key.

    ``shape`` turns the answer into the document of the face that was called.
    """
    key = repeated.read_key(request)
    order = {**_order(request, internal_name, asked), "idempotency_key": key}

    def give() -> HttpResponse:
        accepted = _accepted(issue_command(**order), order["at"])
        return JsonResponse(shape(accepted), status=200 if accepted.noop else 202)

    if not key:
        return give()
    return repeated.answer_once(
        operator=order["acting_operator"],
        key=key,
        asked={"workflow": order["internal_name"], **asdict(asked)},
        at=order["at"],
        give=give,
    )


def clock_runs(at: datetime) -> bool:
    """Return whether a clock gave a sign of life lately. One query."""
    return Heartbeat.objects.filter(
        kind=HeartbeatKind.CLOCK,
        at__gte=at - timedelta(seconds=conf.SILENCE_SECONDS),
    ).exists()


def _read(body: CommandIn) -> Asked:
    """Return what a body asks for; raises InvalidInput with every fault."""
    if body.command not in CommandName.values:
        raise InvalidInput(
            _("There is no command %(command)s."),
            faults=[
                Fault(
                    "command",
                    _("Use one of %(known)s.")
                    % {"known": ", ".join(CommandName.values)},
                )
            ],
            command=body.command,
        )
    name = CommandName(body.command)
    given = body.parameters.model_dump() if body.parameters else {}
    return Asked(name, body.expected_state, body.reason, given_parameters(name, given))


def _order(request: HttpRequest, internal_name: str, asked: Asked) -> dict[str, Any]:
    """Return the arguments of the action, for the caller."""
    operator: AbstractUser = operator_with(
        request, EXECUTE, permission="workflows.view"
    )
    workflow: Workflow = rows.find_workflow(internal_name)
    return {
        "internal_name": workflow.internal_name,
        "name": asked.name,
        "acting_operator": operator,
        "source": Source.API,
        "expected_state": asked.expected_state,
        "reason": asked.reason,
        "parameters": asked.parameters,
        "at": timezone.now(),
    }


def _accepted(result: CommandResult, at: datetime) -> CommandAccepted:
    command, workflow = result.command, result.workflow
    aim = None
    if command.status == CommandStatus.REQUESTED:
        aim = cell(command.state_before, command.name).to
    return CommandAccepted(
        commandId=command.pk,
        PKey=str(workflow.uuid),
        internal_name=workflow.internal_name,
        command=command.name,
        status=command.status,
        state=workflow.state,
        requestedState=aim.value if aim else workflow.state,
        statusUrl=reverse(
            "api:workflow_command", args=[workflow.internal_name, command.pk]
        ),
        noop=result.noop,
        warning=None if clock_runs(at) else _("The clock is not running."),
    )
