"""The page of the built-in packages, and its entry in the tree."""

from __future__ import annotations

from django.urls import path
from django.utils.translation import gettext_lazy as _

from campaign.packages.console import views
from workflows.console import menu

app_name = "packages"
urlpatterns = [
    path("packages/", views.package_list, name="package_list"),
    path(
        "packages/<slug:slug>/install/", views.package_install, name="package_install"
    ),
    path("packages/<slug:slug>/remove/", views.package_remove, name="package_remove"),
]

menu.register(
    menu.MenuEntry(
        menu.CONFIGURATION,
        _("Packages"),
        "packages:package_list",
        icon="package",
        permission=views.VIEW,
        order=10,
    )
)
