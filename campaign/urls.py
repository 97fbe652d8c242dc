"""Addresses of the whole application.

The first path segments used here may not be the name of an organisation; a system
check in ``campaign.checks`` sees to that.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from workflows.console import menu

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("campaign.health")),
    path("", include("campaign.messagecenter.intake_urls")),  # before /api/
    path("api/", include("campaign.api_urls")),
    path(
        f"{settings.CAMPAIGN_ORG}/campaign/workflow/",
        include("workflows.api.standard_urls"),
    ),
    path("system/", admin.site.urls),
    path("accounts/", include("campaign.access.account_urls")),  # before the engine's
    path("accounts/", include("workflows.console.account_urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    *menu.package_urlpatterns(),  # the overview takes the place of the engine's home
    path("", include("workflows.console.urls")),
]
