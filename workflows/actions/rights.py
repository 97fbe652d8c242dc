"""Which right an act on a workflow needs (about-technical-workflows.md)."""

from __future__ import annotations

from typing import Any

from workflows.exceptions import PermissionRefused
from workflows.models import CommandName, Workflow

KILL = "workflows.kill"
CHANGE = "workflows.change_technical"
EDIT_STRUCTURE = "workflows.edit_structure"


def command_right(workflow: Workflow, name: CommandName) -> str:
    """Return the permission that a command needs."""
    if name is CommandName.KILL:
        return KILL
    if workflow.is_technical:
        return "workflows.operate_technical"
    return "workflows.execute"


def require(operator: Any, permission: str) -> None:
    """Raise PermissionRefused unless ``operator`` has the permission.

    None stands for the engine itself and the command line of the server.
    """
    if operator is not None and not operator.has_perm(permission):
        raise PermissionRefused(operator=operator.get_username(), permission=permission)
