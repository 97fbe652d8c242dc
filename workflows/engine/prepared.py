"""Statements of the hot path, prepared once per connection.

They are long, and planning one costs more than executing it. Django's own cursor
sends the text each time; this one lets the server keep the plan. Numbers are sent
as one type each: a statement is prepared anew for every combination of types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import NotSupportedError, connection
from psycopg.types.numeric import Float8, Int8

# What else the library prepares by itself: statements used this often.
USES_BEFORE = 1_000_000


def fetch_one(statement: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Execute a statement with named parameters; return its first row.

    Joins the current transaction. Database errors are those of Django. A plan that a
    migration made invalid is forgotten with its connection.
    """
    connection.ensure_connection()
    raw = connection.connection
    raw.prepare_threshold = USES_BEFORE  # None would forbid it
    try:
        with connection.wrap_database_errors, psycopg.Cursor(raw) as cursor:
            cursor.execute(statement, _typed(parameters), prepare=True)
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row
    except NotSupportedError:
        connection.close()
        raise


def _typed(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _one_type(value) for name, value in parameters.items()}


def _one_type(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return Int8(value)
    if isinstance(value, float):
        return Float8(value)
    return value
