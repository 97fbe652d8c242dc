"""Conditions of the test activity: minijinja expressions over plain data.

The expression engine is the one that renders messages: compiled code, no Python
object reachable, and fuel that ends a runaway expression.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import minijinja

from workflows.exceptions import ConfigurationError

FUEL = 10_000


def evaluate(expression: str, variables: Mapping[str, Any]) -> bool:
    """Return whether ``expression`` holds; an undefined variable is false.

    Raises ConfigurationError naming the expression when it cannot be read.
    """
    environment = minijinja.Environment()
    environment.fuel = FUEL
    try:
        return bool(environment.eval_expr(expression, **variables))
    except (minijinja.TemplateError, TypeError) as error:
        raise ConfigurationError(
            "The condition %(expression)s cannot be evaluated: %(error)s",
            expression=expression,
            error=str(error),
        ) from error
