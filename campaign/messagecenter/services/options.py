"""The options of Message Center (configuring-campaign-options.md)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from campaign.platform.services import options

BATCH_SIZE = options.declare(
    "NmsMessageCenter_RoutingBatchSize",
    options.INTEGER,
    500,
    _("How many events are routed at once."),
    lowest=1,
    highest=10_000,
    used_by=_("Message Center"),
)
MAX_TRIES = options.declare(
    "MC_EventMaxTries",
    options.INTEGER,
    5,
    _("How often an event that could not be processed is tried again."),
    lowest=0,
    highest=100,
    used_by=_("Message Center"),
)
#: How far updateEventsStatus has read the delivery logs.
LAST_UPDATE = "MC_LastUpdateFromBL"
