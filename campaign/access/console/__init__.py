"""The pages of access management, and their entries in the tree."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import path
from django.utils.translation import gettext_lazy as _

from campaign.access.console import words
from campaign.access.console.acting import operator_of
from campaign.access.console.views import groups, operators, tokens
from campaign.access.services import rights, token_care
from workflows.console import menu

__all__ = ["app_name", "urlpatterns", "words"]

app_name = "access"
urlpatterns = [
    path("operators/", operators.operator_list, name="operator_list"),
    path("operators/new/", operators.operator_create, name="operator_create"),
    path("operators/<int:pk>/", operators.operator_detail, name="operator_detail"),
    path(
        "operators/<int:pk>/<slug:verb>/",
        operators.operator_verb,
        name="operator_verb",
    ),
    path("groups/", groups.group_list, name="group_list"),
    path("groups/new/", groups.group_create, name="group_create"),
    path("groups/rights/", groups.matrix, name="matrix"),
    path("groups/check/", groups.check, name="check"),
    path("groups/<int:pk>/", groups.group_detail, name="group_detail"),
    path("groups/<int:pk>/delete/", groups.group_delete, name="group_delete"),
    path("tokens/", tokens.token_list, name="token_list"),
    path("tokens/new/", tokens.token_create, name="token_create"),
    path("tokens/<int:pk>/", tokens.token_detail, name="token_detail"),
    path("tokens/<int:pk>/revoke/", tokens.token_revoke, name="token_revoke"),
]


def _sees_tokens(request: HttpRequest) -> bool:
    return token_care.may_have_own(operator_of(request))


menu.register(
    menu.MenuEntry(
        menu.ACCESS,
        _("Operators"),
        "access:operator_list",
        icon="users",
        permission=rights.MANAGE,
        order=10,
    )
)
menu.register(
    menu.MenuEntry(
        menu.ACCESS,
        _("Groups and named rights"),
        "access:group_list",
        icon="shield-check",
        permission=rights.MANAGE,
        order=20,
    )
)
menu.register(
    menu.MenuEntry(
        menu.ACCESS,
        _("API tokens"),
        "access:token_list",
        icon="key",
        order=30,
        visible=_sees_tokens,
    )
)
