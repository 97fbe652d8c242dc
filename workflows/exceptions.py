"""One family of errors: a code, named fields, and a sentence for a person."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input: the field, what is wrong, what to do."""

    field: str
    message: str


class AppError(Exception):
    """The request could not be carried out."""

    code = "error"
    status = 400

    def __init__(
        self, message: str = "", *, faults: Sequence[Fault] = (), **fields: Any
    ) -> None:
        self.faults = tuple(faults)
        self.fields = fields
        text = message or _(inspect.cleandoc(type(self).__doc__ or ""))
        self.message = text % fields if fields else text
        super().__init__(self.message)


class NotFound(AppError):
    """Nothing of that name exists here."""

    code = "not_found"
    status = 404


class PermissionRefused(AppError):
    """The operator %(operator)s lacks the right %(permission)s."""

    code = "forbidden"
    status = 403


class CommandRefused(AppError):
    """The command %(command)s is not possible in the state %(state)s."""

    code = "WKF-409001"
    status = 409


class StaleState(AppError):
    """The state is %(state)s, not %(expected)s as shown; reload and try again."""

    code = "stale_state"
    status = 409


class StaleVersion(AppError):
    """Version %(version)s is current, not %(expected)s: reload and edit that one."""

    code = "stale_version"
    status = 412


class InvalidInput(AppError):
    """The input has faults."""

    code = "invalid"
    status = 400


class TooFrequent(AppError):
    """A signal may come every %(seconds)s s; try again in %(retry_after)s s."""

    code = "too_frequent"
    status = 429


class ConfigurationError(AppError):
    """A setting is missing or wrong; a retry cannot help."""

    code = "configuration"


class RuntimeFault(AppError):
    """A file, network or database fault that may pass."""

    code = "runtime"


class DuplicateRegistration(AppError):
    """%(name)s is registered by %(first)s and again by %(second)s."""

    code = "duplicate_registration"


class TaskCancelled(Exception):
    """Raised at a checkpoint when the task must end: stop, kill or a newer epoch."""
