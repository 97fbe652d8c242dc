"""Who acts through a page."""

from __future__ import annotations

from django.http import HttpRequest

from campaign.access.models import Operator
from campaign.access.services.rights import MANAGE
from workflows.exceptions import PermissionRefused


def operator_of(request: HttpRequest) -> Operator:
    """Return the operator who is signed in. Raises PermissionRefused without one."""
    if not isinstance(request.user, Operator):
        raise PermissionRefused(operator="", permission="")
    return request.user


def manages(request: HttpRequest) -> bool:
    """Return whether the reader manages access."""
    return request.user.has_perm(MANAGE)
