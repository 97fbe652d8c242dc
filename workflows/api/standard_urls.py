"""Addresses below ``/{org}/campaign/workflow/``; a slash at the end is optional."""

from __future__ import annotations

from django.urls import path, re_path

from workflows.api import standard

_TRIGGER = (
    r"^execution/(?P<workflow_id>[^/]+)/activities/activity/(?P<activity>[^/]+)"
    r"/trigger"
)

urlpatterns = [
    path(
        "execution/<str:workflow_id>/commands",
        standard.post_command,
        name="execution_commands",
    ),
    path("execution/<str:workflow_id>/commands/", standard.post_command),
    path(
        "execution/<str:workflow_id>/activities/activity/<str:activity>/trigger/",
        standard.trigger_signal,
        name="execution_trigger",
    ),
    re_path(rf"{_TRIGGER}(?:/(?P<token>[^/]+)/?)?$", standard.trigger_signal),
    path(
        "execution/<str:workflow_id>", standard.show_execution, name="execution_detail"
    ),
    path("execution/<str:workflow_id>/", standard.show_execution),
]
