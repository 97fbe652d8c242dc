"""Which right an act on a workflow needs (about-technical-workflows.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.exceptions import PermissionRefused
from workflows.models import CommandName, Workflow

KILL = "workflows.kill"
EXECUTE = "workflows.execute"
OPERATE_TECHNICAL = "workflows.operate_technical"
FREEZE = "workflows.freeze"
CHANGE = "workflows.change_technical"
EDIT_STRUCTURE = "workflows.edit_structure"


def operate_right(workflow: Workflow) -> str:
    """Return the permission to start, pause and stop the workflow."""
    return OPERATE_TECHNICAL if workflow.is_technical else EXECUTE


def command_rights(
    workflow: Workflow, name: CommandName, parameters: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the permissions that a command needs, all of them.

    To end a task by force is as grave as an unconditional stop.
    """
    if name is CommandName.KILL:
        return (KILL,)
    right = operate_right(workflow)
    if name is CommandName.CANCEL_TASK and parameters.get("grade") == "force":
        return (right, KILL)
    return (right,)


def require(operator: Any, permission: str) -> None:
    """Raise PermissionRefused unless ``operator`` has the permission.

    None stands for the engine itself and the command line of the server.
    """
    if operator is not None and not operator.has_perm(permission):
        raise PermissionRefused(operator=operator.get_username(), permission=permission)
