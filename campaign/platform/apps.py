from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps import apps as registered_apps
from django.apps.registry import Apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from workflows import conf


def ensure_enumerations(
    sender: AppConfig,
    using: str = "default",
    apps: Apps = registered_apps,
    **_others: Any,
) -> None:
    """Make the built-in enumerations, once the table is there."""
    from campaign.platform.services import (  # noqa: PLC0415 (needs models)
        built_in_enumerations,
    )

    if "platform" in apps.app_configs:  # not when a migration backwards removed it
        built_in_enumerations.ensure_built_in(using)


class PlatformConfig(AppConfig):
    name = "campaign.platform"
    label = "platform"
    verbose_name = _("Platform")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Provide what the engine asks for: options, accounts, webhooks."""
        # Models exist only now.
        from campaign.platform.services import (  # noqa: PLC0415
            accounts,
            engine_options,
            exchange,
            webhooks,
        )

        exchange.register()
        conf.set_option_provider(engine_options.changed_values)
        conf.set_option_reader(engine_options.value_of)
        conf.set_account_reader(accounts.http_account)
        conf.set_webhooks(webhooks.order)
        conf.register_periodic(
            webhooks.NAME, webhooks.POST_DUE, webhooks.EVERY_SECONDS, queue="bulk"
        )
        post_migrate.connect(
            ensure_enumerations, sender=self, dispatch_uid="platform.enumerations"
        )
