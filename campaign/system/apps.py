from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class SystemAdminConfig(AdminConfig):
    """Django's admin with our site: superusers only, signed in by our own page."""

    default_site = "campaign.system.site.SystemSite"
