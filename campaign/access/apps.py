from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def make_groups(sender: AppConfig, using: str, apps: Apps, **_others: Any) -> None:
    """Make the built-in groups once every application has its tables."""
    if "auth" not in apps.app_configs:
        return  # a migration backwards took the tables away
    from campaign.access.services.setup import (  # noqa: PLC0415 (needs models)
        ensure_groups,
    )

    ensure_groups(using)


class AccessConfig(AppConfig):
    name = "campaign.access"
    label = "access"
    verbose_name = _("Access management")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have the built-in groups made after each migrate."""
        post_migrate.connect(
            make_groups, sender=self, dispatch_uid="access.make_groups"
        )
