"""What audit entries of access management tell."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from workflows.console import changes

changes.ACTIONS.update(
    {
        "access.operator.created": _("Made"),
        "access.operator.changed": _("Details changed"),
        "access.operator.enabled": _("Enabled"),
        "access.operator.disabled": _("Disabled"),
        "access.operator.groups_changed": _("Groups changed"),
        "access.operator.password_changed": _("Password changed"),
        "access.operator.unlocked": _("Sign-in unlocked"),
        "access.operator.second_factor_on": _("Second factor switched on"),
        "access.operator.second_factor_off": _("Second factor switched off"),
        "access.operator.second_factor_reset": _("Second factor reset"),
        "access.operator.second_factor_locked": _("Locked after wrong codes"),
        "access.operator.recovery_code_used": _("Recovery code used"),
        "access.operator.sessions_ended": _("Sessions ended"),
        "access.group.created": _("Group made"),
        "access.group.deleted": _("Group deleted"),
        "access.group.rights_changed": _("Rights changed"),
        "access.apitoken.created": _("Token made"),
        "access.apitoken.changed": _("Token changed"),
        "access.apitoken.revoked": _("Token revoked"),
    }
)
