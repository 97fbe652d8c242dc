"""Pages for the people who run the workflows."""

from __future__ import annotations
