from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from workflows.conf import register_periodic

DAY = 86_400


class MessageCenterConfig(AppConfig):
    name = "campaign.messagecenter"
    label = "messagecenter"
    verbose_name = _("Message Center")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Declare the options and the daily purge; listen to the senders."""
        from campaign.deliveries.services import hooks  # noqa: PLC0415
        from campaign.messagecenter.services import options  # noqa: F401, PLC0415
        from campaign.messagecenter.services.kept_answers import (  # noqa: PLC0415
            KeptAnswers,
        )
        from workflows.api.repeated import set_keeper  # noqa: PLC0415

        set_keeper(KeptAnswers())
        register_periodic(
            "messagecenter.purge", "campaign.messagecenter.services.purge.purge", DAY
        )
        hooks.register_on_logs_final(
            "campaign.messagecenter.services.wake.on_logs_final"
        )
