"""Effects before an order: ``?preview=1`` answers what would happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workflows.actions import rehearse
from workflows.api.structure_schemas import PreviewOut


def preview_of(action: Callable[..., Any], **order: Any) -> PreviewOut:
    """Return what ``action(**order)`` would do; raises whatever it raises."""
    results: list[Any] = []

    def act(**given: Any) -> None:
        results.append(action(**given))

    effects = rehearse(act, **order)
    return PreviewOut.of(effects, results[0])
