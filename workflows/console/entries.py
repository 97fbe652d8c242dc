"""The engine's own entries of the navigation tree."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from workflows.console import menu
from workflows.models import Workflow


def failed_badge(request: HttpRequest) -> menu.Badge | None:
    """Return how many workflows wait for a person. One query."""
    failed = Workflow.objects.technical().failed().count()
    if not failed:
        return None
    return menu.Badge(failed, "bad", _("Failed"))


WORKFLOWS = menu.register(
    menu.MenuEntry(
        menu.PRODUCTION,
        _("Technical workflows"),
        "workflows:workflow_list",
        icon="sitemap",
        permission="workflows.view",
        order=10,
        badge=failed_badge,
    )
)
NOTIFICATIONS = menu.register(
    menu.MenuEntry(
        menu.MONITORING,
        _("Notifications"),
        "workflows:notification_list",
        icon="bell",
        permission="workflows.view",
        order=15,
    )
)
