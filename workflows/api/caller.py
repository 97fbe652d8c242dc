"""Who calls the API. The application that knows operators and tokens tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from django.http import HttpRequest

from workflows.exceptions import ConfigurationError, PermissionRefused

if TYPE_CHECKING:  # this module is imported before the models are
    from django.contrib.auth.models import AbstractUser

READ = "workflow:read"
EXECUTE = "workflow:execute"
SIGNAL = "workflow:signal"
ADMIN = "admin"


class Caller(Protocol):
    """An operator acting by a program, within the scopes of its token."""

    @property
    def username(self) -> str:
        """Return the operator's user name."""

    def require_scope(self, *scopes: str) -> None:
        """Raise PermissionRefused unless one of the scopes is given."""

    def operator(self) -> AbstractUser:
        """Return the operator. One query."""


Authenticator = Callable[[HttpRequest], Caller]
_authenticators: list[Authenticator] = []


def set_authenticator(authenticator: Authenticator) -> None:
    """Provide what tells the caller of a request or raises a 401 error."""
    _authenticators[:] = [authenticator]


def authenticate(request: HttpRequest) -> Caller:
    """Return the caller; raises an AppError of status 401 for a bad token."""
    if not _authenticators:
        raise ConfigurationError(
            "No application tells who calls the API: call set_authenticator()."
        )
    return _authenticators[0](request)


def operator_with(
    request: HttpRequest, *scopes: str, permission: str = ""
) -> AbstractUser:
    """Return the calling operator, whose token has one of the scopes.

    Raises PermissionRefused naming the scope or the right that is missing.
    """
    caller: Caller = request.auth  # type: ignore[attr-defined]
    caller.require_scope(*scopes)
    operator = caller.operator()
    if permission and not operator.has_perm(permission):
        raise PermissionRefused(operator=caller.username, permission=permission)
    return operator


def reader(request: HttpRequest) -> AbstractUser:
    """Return the calling operator, who may see workflows and their logs."""
    return operator_with(request, READ, EXECUTE, permission="workflows.view")
