"""Addresses of the whole application.

The first path segments used here may not be the name of an organisation; a system
check in ``campaign.checks`` sees to that.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from workflows.console import menu

Urls = list[URLPattern | URLResolver]


def _of(module: str, prefix: str = "") -> Urls:
    """Return the addresses of a module below ``prefix``."""
    if find_spec(module) is None:
        return []
    return [path(prefix, include(import_module(module)))]


urlpatterns: Urls = [
    *_of("campaign.health"),
    *_of("campaign.messagecenter.intake_urls"),  # before the rest of /api/
    *_of("campaign.api_urls", "api/"),
    *_of("workflows.api.standard_urls", f"{settings.CAMPAIGN_ORG}/campaign/workflow/"),
    path("system/", admin.site.urls),
    path("accounts/", include("workflows.console.account_urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    *_of("workflows.console.urls"),
    *menu.package_urlpatterns(),
]
