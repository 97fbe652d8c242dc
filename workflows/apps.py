from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = _("Workflows")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import every package's declarations; nothing touches the database."""
        # Models exist only now.
        from workflows import checks, conf  # noqa: F401, PLC0415
        from workflows.actions import care  # noqa: PLC0415
        from workflows.engine import (  # noqa: PLC0415
            alarms,
            deletion,
            digest,
            freshness,
            notifications,
            purge,
        )

        conf.register_periodic("purge history", purge.FUNCTION, purge.EVERY_SECONDS)
        conf.register_periodic(deletion.NAME, deletion.FUNCTION, deletion.EVERY_SECONDS)
        conf.register_periodic(
            freshness.NAME, freshness.FUNCTION, freshness.EVERY_SECONDS
        )
        conf.register_periodic(care.NAME, care.FUNCTION, care.EVERY_SECONDS)
        conf.register_periodic(
            "notifications", notifications.SEND_DUE, notifications.SEND_DUE_SECONDS
        )
        conf.register_periodic(alarms.NAME, alarms.FUNCTION, alarms.EVERY_SECONDS)
        conf.register_periodic(digest.NAME, digest.FUNCTION, digest.EVERY_SECONDS)
        conf.register_periodic(
            alarms.SILENCE_NAME,
            alarms.SILENCE_FUNCTION,
            alarms.EVERY_SECONDS,
            queue="realtime",
        )
        autodiscover_modules("technical_workflows")
