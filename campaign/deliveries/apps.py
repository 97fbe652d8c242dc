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
        """Declare the options, the senders' backstop and the daily purge."""
        # Models exist only now.
        from campaign.deliveries import sample_volume  # noqa: F401, PLC0415
        from campaign.deliveries.services import purge, sending  # noqa: PLC0415

        conf.register_periodic(
            "missing senders", sending.BACKSTOP, sending.BACKSTOP_SECONDS
        )
        conf.register_periodic(
            "purge caught mail", f"{purge.__name__}.purge", purge.EVERY_SECONDS
        )
