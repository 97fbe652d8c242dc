from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RunConfig(AppConfig):
    name = "campaign.run"
    label = "run"
    verbose_name = _("Installation")

    def ready(self) -> None:
        """Register the system checks of the project."""
        from campaign import checks  # noqa: F401, PLC0415 (registers the checks)
