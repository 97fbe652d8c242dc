"""Addresses of the engine's own pages; packages add theirs in ``console.py``."""

from __future__ import annotations

from django.urls import path

from workflows.console import entries  # noqa: F401 (fills the navigation tree)
from workflows.console.views import (
    approvals,
    commands,
    comparison,
    freezing,
    home,
    keeping_paused,
    load,
    notifications,
    properties,
    schedule,
    workflow_detail,
    workflow_list,
)

app_name = "workflows"
urlpatterns = [
    path("", home.home, name="home"),
    path("workflows/", workflow_list.workflow_list, name="workflow_list"),
    path("workflows/changes/", workflow_list.workflow_changes, name="workflow_changes"),
    path("workflows/commands/", commands.bulk_command, name="bulk_command"),
    path("workflows/approvals/", approvals.approval_list, name="approval_list"),
    path("workflows/approvals/<int:number>/", approvals.approval, name="approval"),
    path(
        "workflows/approvals/<int:number>/withdraw/",
        approvals.withdraw,
        name="approval_withdraw",
    ),
    path("workflows/freeze/", freezing.freeze, name="freeze"),
    path("workflows/thaw/", freezing.thaw, name="thaw"),
    path(
        "workflows/notifications/",
        notifications.notification_list,
        name="notification_list",
    ),
    path(
        "workflows/notifications/read/",
        notifications.notifications_read,
        name="notifications_read",
    ),
    path("schedules/", load.schedule_list, name="schedule_list"),
    path("schedules/heat-map/", load.heat_map, name="heat_map"),
    path("schedules/heat-map/past/", load.past_heat_map, name="past_heat_map"),
    path(
        "workflows/<slug:internal_name>/keep-paused/",
        keeping_paused.keep,
        name="keep_paused",
    ),
    path("workflows/<slug:internal_name>/mute/", notifications.mute, name="mute"),
    path(
        "workflows/<slug:internal_name>/commands/<slug:name>/",
        commands.command,
        name="command",
    ),
    path(
        "workflows/<slug:internal_name>/",
        workflow_detail.workflow_detail,
        name="workflow_detail",
    ),
    path(
        "workflows/<slug:internal_name>/changes/",
        workflow_detail.workflow_detail_changes,
        name="workflow_detail_changes",
    ),
    path(
        "workflows/<slug:internal_name>/runs/<int:number>/comparison/",
        comparison.comparison,
        name="comparison",
    ),
    path(
        "workflows/<slug:internal_name>/properties/",
        properties.properties,
        name="properties",
    ),
    path(
        "workflows/<slug:internal_name>/schedule/",
        schedule.first_schedule,
        name="first_schedule",
    ),
    path(
        "workflows/<slug:internal_name>/schedule/<str:activity>/",
        schedule.schedule,
        name="schedule",
    ),
]
