"""The small daily purge of what sending leaves behind."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaign.deliveries.services.caught import purge_caught
from campaign.platform.services import options

EVERY_SECONDS = 86_400
CAUGHT_MAIL_KEPT = options.declare(
    "MailCatcher_PurgeDelay",
    options.DURATION,
    7 * 86_400,
    _("How long caught mail is kept, in seconds."),
    lowest=86_400,
    used_by=_("Deliveries"),
)


def purge() -> None:
    """Carry out the purge; ordered by the clock once a day."""
    purge_caught_mail(timezone.now())


def purge_caught_mail(at: datetime) -> int:
    """Delete whole days of caught mail beyond its age; return how many days."""
    if not settings.MAIL_CATCHER_ENABLED:
        return 0
    kept = timedelta(seconds=CAUGHT_MAIL_KEPT.get())
    return purge_caught(older_than=kept, at=at)
