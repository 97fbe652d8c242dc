"""Signals: an order from outside to an external-signal activity."""

from __future__ import annotations

from workflows.engine.signalling import post as raise_signal
from workflows.engine.signalling import require_interval

__all__ = ["raise_signal", "require_interval"]
