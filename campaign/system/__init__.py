"""The pages of last resort at ``/system/``: Django's own admin, for superusers."""

from __future__ import annotations
