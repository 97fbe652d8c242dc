"""The activity types that a structure may use."""

from __future__ import annotations

from workflows.activities.base import (
    ActivityType,
    Context,
    activity_types,
    find_type,
)

__all__ = ["ActivityType", "Context", "activity_types", "find_type"]
