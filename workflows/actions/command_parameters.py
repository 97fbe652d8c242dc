"""Which parameters each command takes: one table for API, command line and console.

What they mean is in ``effects``; a parameter that a command does not take is a fault
of the call and never becomes an order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from workflows.actions import rights
from workflows.actions.effects import GRADES
from workflows.engine.states import Verdict, cell
from workflows.exceptions import Fault, InvalidInput
from workflows.models import CommandName, Workflow

PARAMETERS: dict[CommandName, tuple[str, ...]] = {
    CommandName.START: ("variables",),
    CommandName.RESUME: (),
    CommandName.PAUSE: ("until", "remind_at"),
    CommandName.STOP: (),
    CommandName.RESTART: ("clear_variables", "same_user"),
    CommandName.KILL: (),
    CommandName.WAKE: ("activity",),
    CommandName.STOP_AFTER_RUN: (),
    CommandName.RESTART_TASK: ("activities", "tasks"),
    CommandName.SIMULATE: ("variables",),
    CommandName.PURGE: (),
    CommandName.CANCEL_TASK: ("task", "grade"),
}


def given_parameters(name: CommandName, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that were given, as the ledger keeps them.

    Empty ones count as not given; instants become ISO 8601 in UTC. Raises
    InvalidInput naming every parameter that the command does not take.
    """
    known = PARAMETERS[name]
    given = {key: value for key, value in values.items() if not _is_empty(value)}
    faults = [
        Fault(
            f"parameters.{key}",
            _("The command %(command)s takes: %(known)s.")
            % {"command": name.value, "known": ", ".join(known)}
            if known
            else _("The command %(command)s takes no parameters.")
            % {"command": name.value},
        )
        for key in given
        if key not in known
    ]
    if faults:
        raise InvalidInput(_("The command has faults."), faults=faults)
    return {key: _stored(value) for key, value in given.items()}


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})


def _stored(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value


def allowed_grades(workflow: Workflow | None, operator: Any) -> list[str]:
    """Return how this operator may end a running task of the workflow, mildest first.

    None of them when the workflow is gone. No SQL beyond the operator's permissions;
    the operator None stands for the server itself.
    """
    name = CommandName.CANCEL_TASK
    if workflow is None or cell(workflow.state, name).verdict is not Verdict.ACCEPT:
        return []
    return [
        grade
        for grade in GRADES
        if operator is None
        or all(
            operator.has_perm(right)
            for right in rights.command_rights(workflow, name, {"grade": grade})
        )
    ]
