"""System checks of the engine: a misconfiguration is told before it runs."""

from __future__ import annotations
