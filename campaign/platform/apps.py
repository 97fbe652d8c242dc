from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from workflows import conf


class PlatformConfig(AppConfig):
    name = "campaign.platform"
    label = "platform"
    verbose_name = _("Platform")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Declare the engine's options and provide their values."""
        # Models exist only now.
        from campaign.platform.services import engine_options  # noqa: PLC0415

        conf.set_option_provider(engine_options.changed_values)
        conf.set_option_reader(engine_options.value_of)
