"""The pages of the Message Center, and their entries in the tree."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import path, register_converter
from django.utils.translation import gettext_lazy as _

from campaign.messagecenter.console import queries, supervision
from campaign.messagecenter.console.views import (
    event_actions,
    event_types,
    events,
    objects,
    templates,
)
from workflows.console import menu

__all__ = ["app_name", "supervision", "urlpatterns"]


class KindConverter:
    """The queue of an event in an address: rt or batch."""

    regex = "rt|batch"

    def to_python(self, value: str) -> str:
        """Return the value as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Return the value as it is."""
        return value


register_converter(KindConverter, "event_kind")

ROOT = "message-center/"
app_name = "messagecenter"
urlpatterns = [
    path("production/objects/", objects.object_list, name="object_list"),
    path(f"{ROOT}events/", events.event_list, name="event_list"),
    path(
        f"{ROOT}events/changes/", events.event_list_changes, name="event_list_changes"
    ),
    path(f"{ROOT}events/export/", event_actions.event_export, name="event_export"),
    path(
        f"{ROOT}events/process-again/",
        event_actions.event_process_again,
        name="event_process_again",
    ),
    path(
        f"{ROOT}events/<event_kind:kind>/<int:pk>/reveal/",
        event_actions.event_reveal,
        name="event_reveal",
    ),
    path(
        f"{ROOT}events/<event_kind:kind>/<int:pk>/",
        events.event_detail,
        name="event_detail",
    ),
    path(
        f"{ROOT}events/<event_kind:kind>/<int:pk>/changes/",
        events.event_detail_changes,
        name="event_detail_changes",
    ),
    path(f"{ROOT}event-types/", event_types.event_type_list, name="event_type_list"),
    path(
        f"{ROOT}new-event-type/",
        event_types.event_type_create,
        name="event_type_create",
    ),
    path(
        f"{ROOT}event-types/<slug:event_id>/",
        event_types.event_type_detail,
        name="event_type_detail",
    ),
    path(
        f"{ROOT}event-types/<slug:event_id>/<str:verb>/",
        event_types.event_type_publication,
        name="event_type_publication",
    ),
    path(f"{ROOT}templates/", templates.template_list, name="template_list"),
    path(f"{ROOT}new-template/", templates.template_create, name="template_create"),
    path(
        f"{ROOT}new-template/preview/",
        templates.template_preview,
        name="template_preview",
    ),
    path(
        f"{ROOT}templates/<slug:internal_name>/",
        templates.template_detail,
        name="template_detail",
    ),
    path(
        f"{ROOT}templates/<slug:internal_name>/preview/",
        templates.template_preview,
        name="template_saved_preview",
    ),
    path(
        f"{ROOT}templates/<slug:internal_name>/<str:verb>/",
        templates.template_publication,
        name="template_publication",
    ),
]


def _may_see_events(request: HttpRequest) -> bool:
    return any(request.user.has_perm(right) for right in queries.VIEW_RIGHTS.values())


menu.register(
    menu.MenuEntry(
        menu.MESSAGE_CENTER,
        _("Event history"),
        "messagecenter:event_list",
        icon="messages",
        order=10,
        visible=_may_see_events,
    )
)
menu.register(
    menu.MenuEntry(
        menu.MESSAGE_CENTER,
        _("Real-time events"),
        "messagecenter:event_list",
        icon="bolt",
        permission=queries.VIEW_RIGHTS["rt"],
        order=11,
        query="queue=rt",
        is_child=True,
    )
)
menu.register(
    menu.MenuEntry(
        menu.MESSAGE_CENTER,
        _("Batch events"),
        "messagecenter:event_list",
        icon="stack-2",
        permission=queries.VIEW_RIGHTS["batch"],
        order=12,
        query="queue=batch",
        is_child=True,
    )
)
menu.register(
    menu.MenuEntry(
        menu.MESSAGE_CENTER,
        _("Message templates"),
        "messagecenter:template_list",
        icon="template",
        permission="messagecenter.view_messagetemplate",
        order=20,
    )
)
menu.register(
    menu.MenuEntry(
        menu.MESSAGE_CENTER,
        _("Event types"),
        "messagecenter:event_type_list",
        icon="braces",
        permission="messagecenter.view_eventtype",
        order=30,
    )
)
menu.register(
    menu.MenuEntry(
        menu.PRODUCTION,
        _("Objects created automatically"),
        "messagecenter:object_list",
        icon="stack-2",
        permission=objects.VIEW,
        order=40,
    )
)
menu.set_landmark(menu.EVENTS, "messagecenter:event_list")
