"""Commands: start, pause, stop and the like, each a row of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from workflows import registry
from workflows.actions import rights
from workflows.actions.effects import EFFECTS, Order
from workflows.actions.find import lock_workflow
from workflows.engine.states import Cell, Verdict, accepted_commands, cell
from workflows.exceptions import (
    AppError,
    CommandRefused,
    InvalidInput,
    PermissionRefused,
    StaleState,
)
from workflows.models import (
    Command,
    CommandName,
    CommandStatus,
    Source,
    Workflow,
)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The ledger row, the workflow as it is now, and whether nothing was to do."""

    command: Command
    workflow: Workflow
    noop: bool


_STARTING = (CommandName.START, CommandName.RESTART, CommandName.SIMULATE)


def issue_command(
    *,
    internal_name: str,
    name: CommandName | str,
    acting_operator: Any,
    source: Source,
    at: datetime,
    expected_state: str = "",
    reason: str = "",
    parameters: Mapping[str, Any] | None = None,
    idempotency_key: str = "",
) -> CommandResult:
    """Judge a command in the state that the workflow has now, and apply it.

    State, ledger row and what must be enqueued commit together. A refused command
    leaves its row too. Raises NotFound, InvalidInput for an unknown command,
    PermissionRefused, StaleState when the workflow is not in ``expected_state``
    (``failed`` names a workflow in error), and CommandRefused naming what is
    allowed instead. ``effects`` tells which ``parameters`` each command takes.
    """
    command_name = _read_name(name)
    refusal: AppError | None = None
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        command = Command(
            workflow=workflow,
            name=command_name,
            parameters=dict(parameters or {}),
            expected_state=expected_state,
            state_before=workflow.state,
            requested_by=acting_operator,
            author=acting_operator.get_username() if acting_operator else source,
            source=source,
            reason=reason,
            requested_at=at,
            status=CommandStatus.REQUESTED,
            idempotency_key=idempotency_key,
        )
        decided = cell(workflow.state, command_name)
        refusal = _refusal(workflow, command, decided, acting_operator)
        if refusal is None and decided.verdict is Verdict.ACCEPT:
            refusal = _apply(workflow, command, decided, at, acting_operator)
        elif refusal is None:
            command.status = CommandStatus.NOOP
            command.state_after = workflow.state
        if refusal is not None:
            command.status = CommandStatus.REFUSED
            command.state_after = command.state_before
            command.message = refusal.message[:512]
        command.save()
    if refusal is not None:
        raise refusal
    return CommandResult(command, workflow, command.status == CommandStatus.NOOP)


def _read_name(name: CommandName | str) -> CommandName:
    try:
        return CommandName(name)
    except ValueError as error:
        raise InvalidInput(
            _("Unknown command %(command)s; use one of %(commands)s."),
            command=name,
            commands=", ".join(CommandName.values),
        ) from error


def _refusal(
    workflow: Workflow, command: Command, decided: Cell, operator: Any
) -> AppError | None:
    """Return why the command is not taken, if so."""
    name = CommandName(command.name)
    try:
        for right in rights.command_rights(workflow, name, command.parameters):
            rights.require(operator, right)
    except PermissionRefused as error:
        return error
    shown = command.expected_state
    current = "failed" if workflow.failed else workflow.state
    if shown and shown not in (workflow.state, current):
        return StaleState(
            state=current, expected=shown, allowed=_allowed_names(workflow)
        )
    if decided.verdict is Verdict.REFUSE:
        return CommandRefused(
            command=name.value, state=current, allowed=_allowed_names(workflow)
        )
    if name in _STARTING and registry.is_package_removed(workflow.package):
        return CommandRefused(
            _("The package %(package)s was removed: install it again first."),
            package=registry.package_label(workflow.package),
            command=name.value,
            state=current,
            allowed=[],
        )
    return None


def _allowed_names(workflow: Workflow) -> list[str]:
    return [name.value for name in accepted_commands(workflow.state)]


def _apply(
    workflow: Workflow, command: Command, decided: Cell, at: datetime, operator: Any
) -> AppError | None:
    """Set the effect in motion; return why it could not be, if so."""
    older = list(
        workflow.commands.filter(status=CommandStatus.REQUESTED).values_list(
            "pk", flat=True
        )
    )
    command.save()
    try:
        with transaction.atomic():
            if decided.to is not None:
                # An order that still waits for running work gives way to this one.
                workflow.commands.filter(pk__in=older).update(
                    status=CommandStatus.SUPERSEDED, applied_at=at
                )
            _set_in_motion(workflow, command, decided, at, operator)
    except (InvalidInput, CommandRefused) as error:
        workflow.refresh_from_db()
        return error
    workflow.refresh_from_db()
    command.state_after = workflow.state
    if decided.via is not None and workflow.state == decided.via:
        command.status = CommandStatus.REQUESTED
    else:
        command.status = CommandStatus.APPLIED
        command.applied_at = at
    return None


def _set_in_motion(
    workflow: Workflow, command: Command, decided: Cell, at: datetime, operator: Any
) -> None:
    if decided.effect is None:
        raise LookupError(f"The command {command.name} has no effect")
    EFFECTS[decided.effect](Order(workflow, command, at, operator))


def allowed_commands(workflow: Workflow, operator: Any) -> dict[CommandName, str]:
    """Return every command with the reason why it is not possible, or "".

    No SQL beyond the operator's permissions.
    """
    reasons: dict[CommandName, str] = {}
    for name in CommandName:
        verdict = cell(workflow.state, name).verdict
        reasons[name] = ""
        if verdict is Verdict.NOOP:
            reasons[name] = _("The workflow already is as this asks.")
        elif verdict is Verdict.REFUSE:
            reasons[name] = _("Not possible in the state %(state)s.") % {
                "state": workflow.get_state_display()
            }
        for permission in rights.command_rights(workflow, name, {}):
            if operator is not None and not operator.has_perm(permission):
                reasons[name] = _("You lack the right %(permission)s.") % {
                    "permission": permission
                }
    return reasons
