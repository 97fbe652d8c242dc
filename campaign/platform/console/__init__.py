"""The pages of the configuration, and their entries in the tree."""

from __future__ import annotations

from django.urls import path
from django.utils.translation import gettext_lazy as _

from campaign.platform import configuration as configuration_services
from campaign.platform.console import wording
from campaign.platform.console.views import (
    about,
    accounts,
    configuration,
    enumerations,
    options,
)
from campaign.platform.services import account_changes
from campaign.platform.services import enumerations as enumeration_services
from campaign.platform.services import options as option_services
from workflows.console import menu

__all__ = ["app_name", "urlpatterns", "wording"]

app_name = "platform"
_ACCOUNT = "external-accounts/<slug:internal_name>/"
_ENUMERATION = "enumerations/<slug:internal_name>/"
urlpatterns = [
    path("options/", options.option_list, name="option_list"),
    path("new-option/", options.option_create, name="option_create"),
    path("options/<slug:name>/", options.option_detail, name="option_detail"),
    path("options/<slug:name>/reset/", options.option_reset, name="option_reset"),
    path("options/<slug:name>/delete/", options.option_delete, name="option_delete"),
    path("external-accounts/", accounts.account_list, name="account_list"),
    path("new-external-account/", accounts.account_create, name="account_create"),
    path(
        "new-external-account/<slug:type_name>/",
        accounts.account_create,
        name="account_create_of",
    ),
    path(_ACCOUNT, accounts.account_detail, name="account_detail"),
    path(f"{_ACCOUNT}test/", accounts.account_test, name="account_test"),
    path(f"{_ACCOUNT}switch/", accounts.account_switch, name="account_switch"),
    path(f"{_ACCOUNT}delete/", accounts.account_delete, name="account_delete"),
    path("enumerations/", enumerations.enumeration_list, name="enumeration_list"),
    path(
        "new-enumeration/", enumerations.enumeration_create, name="enumeration_create"
    ),
    path(_ENUMERATION, enumerations.enumeration_detail, name="enumeration_detail"),
    path(
        f"{_ENUMERATION}change/",
        enumerations.enumeration_change,
        name="enumeration_change",
    ),
    path(f"{_ENUMERATION}value/", enumerations.value_save, name="value_save"),
    path(f"{_ENUMERATION}alias/", enumerations.alias_save, name="alias_save"),
    path(
        f"{_ENUMERATION}delete/",
        enumerations.enumeration_delete,
        name="enumeration_delete",
    ),
    path(
        f"{_ENUMERATION}delete/<slug:part>/",
        enumerations.part_delete,
        name="enumeration_part_delete",
    ),
    path("configuration/", configuration.configuration_page, name="configuration"),
    path(
        "configuration/export/",
        configuration.configuration_export,
        name="configuration_export",
    ),
    path(
        "configuration/preview/",
        configuration.configuration_preview,
        name="configuration_preview",
    ),
    path(
        "configuration/import/",
        configuration.configuration_import,
        name="configuration_import",
    ),
    path("about/", about.about_page, name="about"),
]

for entry in (
    menu.MenuEntry(
        menu.CONFIGURATION,
        _("Options"),
        "platform:option_list",
        icon="adjustments",
        permission=option_services.VIEW_RIGHT,
        order=20,
        sections=("/new-option/",),
    ),
    menu.MenuEntry(
        menu.CONFIGURATION,
        _("External accounts"),
        "platform:account_list",
        icon="plug",
        permission=account_changes.VIEW_RIGHT,
        order=30,
        sections=("/new-external-account/",),
    ),
    menu.MenuEntry(
        menu.CONFIGURATION,
        _("Enumerations"),
        "platform:enumeration_list",
        icon="list-details",
        permission=enumeration_services.VIEW_RIGHT,
        order=40,
        sections=("/new-enumeration/",),
    ),
    menu.MenuEntry(
        menu.CONFIGURATION,
        _("Export and import"),
        "platform:configuration",
        icon="file-export",
        permission=configuration_services.EXPORT_RIGHT,
        order=80,
    ),
    menu.MenuEntry(
        menu.CONFIGURATION,
        _("About"),
        "platform:about",
        icon="info-circle",
        order=90,
    ),
):
    menu.register(entry)
