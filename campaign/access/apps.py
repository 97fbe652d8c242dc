from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps import apps as registered_apps
from django.apps.registry import Apps
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from workflows.api import caller


def make_groups(
    sender: AppConfig, using: str, apps: Apps = registered_apps, **_others: Any
) -> None:
    """Make the built-in groups once every application has its tables."""
    if "auth" not in apps.app_configs:
        return  # a migration backwards took the tables away
    from campaign.access.services.setup import (  # noqa: PLC0415 (needs models)
        ensure_groups,
    )

    ensure_groups(using)


def caller_of(request: HttpRequest) -> caller.Caller:
    """Return who calls the API, by the token of the request."""
    from campaign.access.services.tokens import (  # noqa: PLC0415 (needs models)
        authenticate,
    )

    return authenticate(
        request.headers.get("Authorization"), request.headers.get("X-Api-Key")
    )


def note_session(request: HttpRequest, user: Any, **_others: Any) -> None:
    """Remember when and from where an operator signed in."""
    from campaign.access.services import sessions  # noqa: PLC0415 (needs models)

    if hasattr(request, "session"):
        sessions.began(request, user)


class AccessConfig(AppConfig):
    name = "campaign.access"
    label = "access"
    verbose_name = _("Access management")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have the built-in groups made after each migrate; tell callers of the API."""
        caller.set_authenticator(caller_of)
        post_migrate.connect(
            make_groups, sender=self, dispatch_uid="access.make_groups"
        )
        user_logged_in.connect(note_session, dispatch_uid="access.note_session")
