"""What Message Center does when delivery logs become final."""

from __future__ import annotations

from collections.abc import Sequence

from workflows.queue import wake_clock


def on_logs_final(log_ids: Sequence[int]) -> None:
    """Have updateEventsStatus run soon, in the sender's transaction. One statement."""
    wake_clock("signal:updateEventsStatus")
