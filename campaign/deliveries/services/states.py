"""The lock between senders and changes of a delivery's state.

A claim holds it shared while it reads states and takes logs, a change of state holds
it alone. Without it a claim that had read *Paused* could put a log aside a moment
after the delivery was resumed, and leave it there.
"""

from __future__ import annotations

from django.db import connection

_SPACE = 0x444C5653
_STATES = 1


def hold_states_shared() -> None:
    """Keep the states of deliveries as they are until the transaction ends."""
    _lock("pg_advisory_xact_lock_shared")


def hold_states_alone() -> None:
    """Wait for the claims under way, and keep others out until the transaction ends."""
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_SPACE, _STATES])
