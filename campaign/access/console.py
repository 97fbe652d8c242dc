"""The console's entries for access management: the tables at ``/system/``."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from workflows.console import menu


def is_superuser(request: HttpRequest) -> bool:
    """Return whether the reader may open the pages at ``/system/``. No SQL."""
    return bool(request.user.is_superuser)


for _label, _url_name, _icon, _order in (
    (_("Operators"), "admin:access_operator_changelist", "users", 10),
    (_("Groups and named rights"), "admin:auth_group_changelist", "shield-check", 20),
    (_("API tokens"), "admin:access_apitoken_changelist", "key", 30),
):
    menu.register(
        menu.MenuEntry(
            menu.ACCESS,
            _label,
            _url_name,
            icon=_icon,
            order=_order,
            visible=is_superuser,
        )
    )
