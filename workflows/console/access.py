"""Who may open a page and who may press a button, with the reason when not."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.mixins import AccessMixin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from workflows.exceptions import PermissionRefused

View = Callable[..., HttpResponseBase]


def check(request: HttpRequest, permission: str) -> None:
    """Raise PermissionRefused, naming the right, when the operator lacks it."""
    if permission and not request.user.has_perm(permission):
        raise PermissionRefused(
            operator=request.user.get_username(), permission=permission
        )


def requires(permission: str = "") -> Callable[[View], View]:
    """Let a view answer signed-in operators that have the right only."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(
            request: HttpRequest, *args: Any, **kwargs: Any
        ) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            check(request, permission)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


class ConsolePage(AccessMixin):
    """Mixin of class views: signed in, with the right ``permission``."""

    permission = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse before anything is read."""
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        check(request, self.permission)
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]


def lacking(request: HttpRequest, permission: str) -> str:
    """Return why the reader may not, or "" when they may."""
    if request.user.has_perm(permission):
        return ""
    return _("You lack the right %(permission)s.") % {"permission": permission}
