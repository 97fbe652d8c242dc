"""The project's settings with a single sender for transactional messages."""

from __future__ import annotations

from campaign.settings import *  # noqa: F403

CAMPAIGN_SENDER_SLOTS = {0: 1}
