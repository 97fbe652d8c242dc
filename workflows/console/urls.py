"""Addresses of the engine's own pages; packages add theirs in ``console.py``."""

from __future__ import annotations

from django.urls import path

from workflows.console import entries  # noqa: F401 (fills the navigation tree)
from workflows.console.views import (
    approvals,
    commands,
    comparison,
    drawing,
    freezing,
    help,
    home,
    keeping_paused,
    listings,
    load,
    monitoring,
    notifications,
    properties,
    report,
    runs,
    schedule,
    search,
    structure,
    versions,
    wholes,
    why,
    workflow_detail,
    workflow_list,
)

app_name = "workflows"
urlpatterns = [
    path("", home.home, name="home"),
    path("help/", help.help_index, name="help"),
    path("help/<slug:name>/", help.help_chapter, name="help_chapter"),
    path("search/", search.search, name="search"),
    path("audit/", monitoring.audit, name="audit"),
    path("monitoring/running/", monitoring.running, name="running"),
    path("monitoring/logs/", monitoring.log_search, name="log_search"),
    path("monitoring/logs/<int:number>/", monitoring.log_line, name="log_line"),
    path(
        "workflows/<slug:internal_name>/runs/<int:number>/",
        runs.run_detail,
        name="run_detail",
    ),
    path(
        "workflows/<slug:internal_name>/runs/<int:number>/compare/",
        runs.run_compare,
        name="run_compare",
    ),
    path(
        "workflows/<slug:internal_name>/waiting/",
        workflow_detail.workflow_waiting,
        name="workflow_waiting",
    ),
    path("workflows/<slug:internal_name>/why/", why.why, name="why"),
    path("workflows/", workflow_list.workflow_list, name="workflow_list"),
    path("workflows/changes/", workflow_list.workflow_changes, name="workflow_changes"),
    path("workflows/new-workflow/", wholes.create, name="workflow_create"),
    path("workflows/import-document/", wholes.import_document, name="workflow_import"),
    path("workflows/report/", report.maintenance_report, name="maintenance_report"),
    path("views/<slug:name>/", listings.view_list, name="view_list"),
    path("views/<int:number>/delete/", listings.delete_view, name="view_delete"),
    path("columns/<slug:name>/", listings.choose_columns, name="choose_columns"),
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
        "workflows/<slug:internal_name>/duplicate/",
        wholes.duplicate,
        name="workflow_duplicate",
    ),
    path(
        "workflows/<slug:internal_name>/delete/",
        wholes.delete,
        name="workflow_delete",
    ),
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
        "workflows/<slug:internal_name>/structure/",
        structure.structure,
        name="structure",
    ),
    path(
        "workflows/<slug:internal_name>/structure/review/",
        structure.review,
        name="structure_review",
    ),
    path(
        "workflows/<slug:internal_name>/structure/drawing/",
        drawing.editor,
        name="structure_editor",
    ),
    path(
        "workflows/<slug:internal_name>/structure/drawing/draft/",
        drawing.draft,
        name="structure_draft",
    ),
    path(
        "workflows/<slug:internal_name>/structure/drawing/activities/<str:name>/",
        drawing.activity_fields,
        name="activity_fields",
    ),
    path(
        "workflows/<slug:internal_name>/structure/activities/<str:name>/",
        structure.activity,
        name="activity",
    ),
    path(
        "workflows/<slug:internal_name>/structure/edit/<slug:do>/",
        structure.edit,
        name="structure_edit",
    ),
    path(
        "workflows/<slug:internal_name>/versions/",
        versions.version_list,
        name="version_list",
    ),
    path(
        "workflows/<slug:internal_name>/versions/compare/",
        versions.compare,
        name="version_compare",
    ),
    path(
        "workflows/<slug:internal_name>/versions/<slug:version>/restore/",
        versions.restore,
        name="version_restore",
    ),
    path(
        "workflows/<slug:internal_name>/export/",
        versions.export,
        name="workflow_export",
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
