"""The overview and the supervision page, and their entries in the tree."""

from __future__ import annotations

from django.urls import path
from django.utils.translation import gettext_lazy as _

from campaign.supervision.console import engine, views
from workflows.console import menu

__all__ = ["app_name", "engine", "urlpatterns"]

app_name = "supervision"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("overview/changes/", views.overview_changes, name="overview_changes"),
    path("monitoring/", views.supervision, name="supervision"),
    path("monitoring/changes/", views.supervision_changes, name="supervision_changes"),
]

menu.register(
    menu.MenuEntry(
        menu.HOME, _("Overview"), "supervision:overview", icon="home", order=0
    )
)
menu.register(
    menu.MenuEntry(
        menu.MONITORING,
        _("Instance supervision"),
        "supervision:supervision",
        icon="heart-rate-monitor",
        permission=views.VIEW,
        order=10,
    )
)
menu.set_landmark(menu.SUPERVISION, "supervision:supervision")
