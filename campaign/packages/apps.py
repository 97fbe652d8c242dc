from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from campaign.packages import catalogue
from workflows import registry


class PackagesConfig(AppConfig):
    name = "campaign.packages"
    label = "packages"
    verbose_name = _("Packages")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Give the catalogue to the registry; nothing touches the database."""
        registry.set_catalogue(catalogue.workflows(settings.CAMPAIGN_EDITION))
        registry.set_package_labels(
            {slug: package.label for slug, package in catalogue.packages().items()}
        )
