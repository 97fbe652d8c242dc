"""The pages of deliveries and their logs, and their entries in the tree."""

from __future__ import annotations

from django.urls import path
from django.utils.translation import gettext_lazy as _

from campaign.deliveries.console import caught, steering_pages, supervision, views
from workflows.console import menu

__all__ = ["app_name", "supervision", "urlpatterns"]

app_name = "deliveries"
urlpatterns = [
    path("deliveries/", views.delivery_list, name="delivery_list"),
    path(
        "deliveries/changes/",
        views.delivery_list_changes,
        name="delivery_list_changes",
    ),
    path("deliveries/logs/", views.log_list, name="log_list"),
    path("deliveries/logs/changes/", views.log_list_changes, name="log_list_changes"),
    path("deliveries/logs/<int:pk>/", views.log_detail, name="log_detail"),
    path("deliveries/logs/<int:pk>/reveal/", views.log_reveal, name="log_reveal"),
    path(
        "deliveries/logs/<int:pk>/changes/",
        views.log_detail_changes,
        name="log_detail_changes",
    ),
    path("deliveries/<int:pk>/", views.delivery_detail, name="delivery_detail"),
    path(
        "deliveries/<int:pk>/changes/",
        views.delivery_detail_changes,
        name="delivery_detail_changes",
    ),
    path(
        "deliveries/<int:pk>/<str:verb>/",
        steering_pages.delivery_steer,
        name="delivery_steer",
    ),
    path("monitoring/caught-mail/", caught.caught_list, name="caught_list"),
    path(
        "monitoring/caught-mail/changes/",
        caught.caught_list_changes,
        name="caught_list_changes",
    ),
    path(
        "monitoring/caught-mail/<str:message_id>/",
        caught.caught_detail,
        name="caught_detail",
    ),
    path(
        "monitoring/caught-mail/<str:message_id>/html/",
        caught.caught_html,
        name="caught_html",
    ),
    path(
        "monitoring/caught-mail/<str:message_id>/source/",
        caught.caught_source,
        name="caught_source",
    ),
    path(
        "monitoring/caught-mail/<str:message_id>/attachments/<int:number>/",
        caught.caught_attachment,
        name="caught_attachment",
    ),
]

menu.register(
    menu.MenuEntry(
        menu.PRODUCTION,
        _("Deliveries"),
        "deliveries:delivery_list",
        icon="mail",
        permission=views.VIEW_DELIVERY,
        order=30,
    )
)
menu.register(
    menu.MenuEntry(
        menu.PRODUCTION,
        _("Delivery logs"),
        "deliveries:log_list",
        icon="list",
        permission=views.VIEW_LOG,
        order=31,
        is_child=True,
    )
)
menu.register(
    menu.MenuEntry(
        menu.MONITORING,
        _("Caught mail"),
        "deliveries:caught_list",
        icon="mail-opened",
        permission=caught.VIEW,
        order=60,
        visible=caught.is_catching,
    )
)
