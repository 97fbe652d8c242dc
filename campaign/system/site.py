"""The admin site, closed to everyone but superusers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.db.models.base import ModelBase
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

# The engine alone writes the queue's tables.
HIDDEN_APPS = frozenset({"django_q"})


class SystemSite(AdminSite):
    """Options, accounts, operators, groups and tokens."""

    site_header = _("System")
    site_title = _("System")
    index_title = _("Settings that only superusers change")
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the operator is an active superuser."""
        return bool(request.user.is_active and request.user.is_superuser)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send to the console's sign-in page, which counts failed attempts."""
        wanted = request.GET.get("next") or reverse("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied(_("Only superusers may open these pages."))
        return redirect_to_login(wanted, settings.LOGIN_URL)

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: Any = None,
        **options: Any,
    ) -> None:
        """Register models, except those of hidden applications."""
        models = (
            [model_or_iterable]
            if isinstance(model_or_iterable, ModelBase)
            else list(model_or_iterable)
        )
        shown = [m for m in models if m._meta.app_label not in HIDDEN_APPS]
        super().register(shown, admin_class, **options)
