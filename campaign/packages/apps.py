from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps import apps as registered_apps
from django.apps.registry import Apps
from django.conf import settings
from django.db.models.signals import post_migrate
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaign.packages import catalogue
from workflows import registry


def install_packages(
    sender: AppConfig, apps: Apps = registered_apps, **_others: Any
) -> None:
    """Record what this version brings, once the table is there."""
    from campaign.packages.services import installing  # noqa: PLC0415 (needs models)

    if "packages" in apps.app_configs:  # not when a migration backwards removed it
        installing.install_missing(at=timezone.now())


def is_removed(slug: str) -> bool:
    """Return whether an operator removed the package. One query."""
    from campaign.packages.services import removal  # noqa: PLC0415 (needs models)

    return removal.is_removed(slug)


def installed() -> list[str]:
    """Return the packages in use. One query."""
    from campaign.packages.services import removal  # noqa: PLC0415 (needs models)

    return removal.installed()


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
        registry.set_package_guard(is_removed, installed)
        post_migrate.connect(
            install_packages, sender=self, dispatch_uid="packages.install_packages"
        )
