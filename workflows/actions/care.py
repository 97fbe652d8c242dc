"""What the clock has done for workflows now and then, in one order."""

from __future__ import annotations

from django.utils import timezone

from workflows.actions import pausing, restarting

NAME = "care of workflows"
FUNCTION = "workflows.actions.care.look"
EVERY_SECONDS = 30


def look() -> None:
    """Remind of pauses, resume those that end, restart what failed; a queue task."""
    at = timezone.now()
    pausing.look(at)
    restarting.look(at)
