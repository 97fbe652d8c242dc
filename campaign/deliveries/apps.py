from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from workflows import conf


class DeliveriesConfig(AppConfig):
    name = "campaign.deliveries"
    label = "deliveries"
    verbose_name = _("Delivery")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        conf.register_periodic(
            "missing senders",
            "campaign.deliveries.services.sending.start_missing_senders",
            every_seconds=10,
        )
