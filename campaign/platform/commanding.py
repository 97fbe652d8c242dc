"""What the commands of the configuration share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from workflows.exceptions import AppError
from workflows.models import Source


def by_command_line() -> dict[str, Any]:
    """Return who acts: the command line of the server, now."""
    return {"acting_operator": None, "source": Source.CLI, "at": timezone.now()}


@contextmanager
def told() -> Iterator[None]:
    """Turn an error of ours into one of the command, with every fault."""
    try:
        yield
    except AppError as error:
        faults = "; ".join(f"{one.field}: {one.message}" for one in error.faults)
        raise CommandError(f"{error.message} {faults}".strip()) from error
