"""Audit entries of the configuration, in words."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from workflows.console import changes

changes.ACTIONS.update(
    {
        "platform.option.changed": _("Value changed"),
        "platform.option.created": _("Option added"),
        "platform.option.deleted": _("Option deleted"),
        "platform.externalaccount.created": _("External account added"),
        "platform.externalaccount.changed": _("External account changed"),
        "platform.externalaccount.deleted": _("External account deleted"),
        "platform.externalaccount.tested": _("Connection tested"),
        "platform.enumeration.created": _("Enumeration added"),
        "platform.enumeration.changed": _("Enumeration changed"),
        "platform.enumeration.deleted": _("Enumeration deleted"),
        "platform.enumeration.value_added": _("Value added"),
        "platform.enumeration.value_changed": _("Value changed"),
        "platform.enumeration.value_deleted": _("Value deleted"),
        "platform.enumeration.alias_saved": _("Alias saved"),
        "platform.enumeration.alias_deleted": _("Alias deleted"),
        "platform.configuration.imported": _("Configuration imported"),
        "packages.package.installed": _("Package installed"),
        "packages.package.removed": _("Package removed"),
    }
)
changes.FIELDS.update(
    {
        "value": _("Value"),
        "label": _("Label"),
        "secret": _("Secret"),
        "enabled": _("Enabled"),
        "result": _("Result"),
    }
)
