"""Commands: asking for one, and the ledger of all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Status

from workflows import conf
from workflows.actions import issue_command
from workflows.api import rows
from workflows.api.bodies import require_small
from workflows.api.caller import EXECUTE, operator_with, reader
from workflows.api.paging import DEFAULT_LIMIT, keyset
from workflows.api.schemas import CommandAccepted, CommandIn, CommandOut, CommandPage
from workflows.api.workflow_router import Cursor, Limit
from workflows.exceptions import Fault, InvalidInput, NotFound
from workflows.models import (
    Command,
    CommandName,
    CommandStatus,
    Heartbeat,
    HeartbeatKind,
    Source,
    State,
)

router = Router(tags=["Commands"])
_AIMS = {
    CommandName.START: State.STARTED,
    CommandName.RESUME: State.STARTED,
    CommandName.RESTART: State.STARTED,
    CommandName.WAKE: State.STARTED,
    CommandName.PAUSE: State.PAUSED,
    CommandName.STOP: State.FINISHED,
    CommandName.KILL: State.FINISHED,
}


@router.post(
    "/{internal_name}/commands",
    response={200: CommandAccepted, 202: CommandAccepted},
    url_name="workflow_commands",
)
def post_command(
    request: HttpRequest, internal_name: str, body: CommandIn
) -> Status[CommandAccepted]:
    """Ask for a command: 202 accepted, 200 when the workflow already is so.

    409 tells the state and the commands allowed in it; the refusal is in the
    ledger too.
    """
    require_small(request)
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
    accepted = order(
        request,
        internal_name,
        CommandName(body.command),
        expected_state=body.expected_state,
        reason=body.reason,
        parameters=body.parameters,
    )
    return Status(200 if accepted.noop else 202, accepted)


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


def order(
    request: HttpRequest,
    internal_name: str,
    name: CommandName,
    *,
    expected_state: str = "",
    reason: str = "",
    parameters: dict[str, Any] | None = None,
) -> CommandAccepted:
    """Issue a command for the caller and return the answer."""
    operator = operator_with(request, EXECUTE, permission="workflows.view")
    workflow = rows.find_workflow(internal_name)
    at = timezone.now()
    result = issue_command(
        internal_name=workflow.internal_name,
        name=name,
        acting_operator=operator,
        source=Source.API,
        expected_state=expected_state,
        reason=reason,
        parameters=parameters,
        at=at,
    )
    command = result.command
    lingers = command.status == CommandStatus.REQUESTED
    return CommandAccepted(
        commandId=command.pk,
        PKey=str(result.workflow.uuid),
        internal_name=result.workflow.internal_name,
        command=name.value,
        status=command.status,
        state=result.workflow.state,
        requestedState=_AIMS[name].value if lingers else result.workflow.state,
        statusUrl=reverse(
            "api:workflow_command", args=[result.workflow.internal_name, command.pk]
        ),
        noop=result.noop,
        warning=None if clock_runs(at) else _("The clock is not running."),
    )


def clock_runs(at: datetime) -> bool:
    """Return whether a clock gave a sign of life lately. One query."""
    return Heartbeat.objects.filter(
        kind=HeartbeatKind.CLOCK,
        at__gte=at - timedelta(seconds=conf.SILENCE_SECONDS),
    ).exists()
