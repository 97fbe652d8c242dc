"""Installed packages at ``/system/``, for reading."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from campaign.packages.models import InstalledPackage
from workflows.registry import package_label


@admin.register(InstalledPackage)
class InstalledPackageAdmin(admin.ModelAdmin):
    """What this instance has or had."""

    list_display = ("slug", "label", "installed_at", "removed_at")

    @admin.display(description=gettext_lazy("Label"))
    def label(self, package: InstalledPackage) -> str:
        """Return the name of the package."""
        return package_label(package.slug)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Packages are installed on their page of the console."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Nobody changes what is installed."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Packages are removed on their page of the console."""
        return False
