"""The engine's own entries of the navigation tree."""

from __future__ import annotations

from collections import Counter

from django.db.models import Value
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from workflows.actions import approval as approvals
from workflows.console import menu
from workflows.models import Workflow

#: A badge counts no further.
MOST = 100


def _counts(request: HttpRequest) -> Counter[str]:
    """Return what the badges count; one query for a request, however often asked."""
    known: Counter[str] | None = getattr(request, "menu_counts", None)
    if known is None:
        failed = Workflow.objects.visible().failed().order_by()
        rows = failed.annotate(counted=Value("failed")).values_list("counted")
        if sees_approvals(request):
            asked = approvals.waiting_for(request.user).order_by()
            waiting = asked.annotate(counted=Value("waiting")).values_list("counted")
            rows = rows.union(waiting[:MOST], all=True)
        known = Counter(name for (name,) in rows)
        request.menu_counts = known  # type: ignore[attr-defined]
    return known


def failed_badge(request: HttpRequest) -> menu.Badge | None:
    """Return how many workflows wait for a person. See _counts."""
    failed = _counts(request)["failed"]
    if not failed:
        return None
    return menu.Badge(failed, "bad", _("Failed"))


def sees_approvals(request: HttpRequest) -> bool:
    """Return whether questions concern the reader: to answer, or to withdraw."""
    return bool(request.user.has_perm(approvals.ANSWER))


def approvals_badge(request: HttpRequest) -> menu.Badge | None:
    """Return how many questions wait for the reader's answer. See _counts."""
    waiting = _counts(request)["waiting"]
    if not waiting:
        return None
    return menu.Badge(waiting, "warn", _("Waiting for your answer"))


WORKFLOWS = menu.register(
    menu.MenuEntry(
        menu.PRODUCTION,
        _("Technical workflows"),
        "workflows:workflow_list",
        icon="sitemap",
        permission="workflows.view",
        order=10,
        badge=failed_badge,
    )
)
APPROVALS = menu.register(
    menu.MenuEntry(
        menu.PRODUCTION,
        _("Waiting for me"),
        "workflows:approval_list",
        icon="list-check",
        order=12,
        badge=approvals_badge,
        visible=sees_approvals,
    )
)
NOTIFICATIONS = menu.register(
    menu.MenuEntry(
        menu.MONITORING,
        _("Notifications"),
        "workflows:notification_list",
        icon="bell",
        permission="workflows.view",
        order=15,
    )
)
HEAT_MAP = menu.register(
    menu.MenuEntry(
        menu.MONITORING,
        _("Heat map"),
        "workflows:heat_map",
        icon="grid-dots",
        permission="workflows.view",
        order=25,
    )
)
SCHEDULES = menu.register(
    menu.MenuEntry(
        menu.CONFIGURATION,
        _("Schedules"),
        "workflows:schedule_list",
        icon="calendar-clock",
        permission="workflows.view",
        order=60,
    )
)
AUDIT = menu.register(
    menu.MenuEntry(
        menu.MONITORING,
        _("Audit trail"),
        "workflows:audit",
        icon="clipboard-list",
        permission="workflows.view_audit",
        order=40,
    )
)
for _label, _url_name, _icon, _order in (
    (_("Log search"), "workflows:log_search", "list-search", 30),
    (_("Running tasks"), "workflows:running", "activity", 20),
):
    menu.register(
        menu.MenuEntry(
            menu.MONITORING,
            _label,
            _url_name,
            icon=_icon,
            permission="workflows.view",
            order=_order,
        )
    )
menu.register(
    menu.MenuEntry(
        menu.PRODUCTION,
        _("Maintenance report"),
        "workflows:maintenance_report",
        icon="report",
        permission="workflows.view",
        order=60,
    )
)
# Workflows status: the views of the original's folder of that name.
for _label, _state, _order in (
    (_("Running"), "running", 21),
    (_("Paused"), "paused", 22),
    (_("Failed"), "failed", 23),
    (_("Start pending"), "start-pending", 24),
):
    menu.register(
        menu.MenuEntry(
            menu.MONITORING,
            _label,
            "workflows:workflow_list",
            permission="workflows.view",
            order=_order,
            query=f"state={_state}",
            is_child=True,
        )
    )
