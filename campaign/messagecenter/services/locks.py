"""The lock between routing and changes of templates.

Routing holds it shared while it reads templates and moves events, a change of a
publication holds it alone. Without it an event could be put on hold for a template
that was resumed a moment before, and stay so.
"""

from __future__ import annotations

from django.db import connection

_SPACE = 0x4D43
_TEMPLATES = 1
_EXECUTIONS = 2


def hold_templates_shared() -> None:
    """Keep publications as they are until the current transaction ends."""
    _lock("pg_advisory_xact_lock_shared", _TEMPLATES)


def hold_templates_alone() -> None:
    """Wait for routing to pause, and keep it out until the transaction ends."""
    _lock("pg_advisory_xact_lock", _TEMPLATES)


def hold_executions() -> None:
    """Be the only one who makes execution deliveries until the transaction ends."""
    _lock("pg_advisory_xact_lock", _EXECUTIONS)


def _lock(function: str, which: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_SPACE, which])
