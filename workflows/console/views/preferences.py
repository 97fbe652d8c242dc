"""The reader's theme, language, time zone and keys."""

from __future__ import annotations

import zoneinfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from workflows.console import access
from workflows.exceptions import InvalidInput

YEAR = 365 * 24 * 3600


@access.requires()
def preferences(request: HttpRequest) -> HttpResponse:
    """Show the operator's own preferences."""
    return render(
        request,
        "registration/preferences.html",
        {
            "zones": sorted(zoneinfo.available_timezones()),
            "time_zone": getattr(request.user, "time_zone", ""),
            "server_zone": settings.TIME_ZONE,
        },
    )


def _back(request: HttpRequest) -> HttpResponseRedirect:
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = "/"
    return HttpResponseRedirect(target)


def _remember(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=YEAR,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _keep(request: HttpRequest, field: str, value: str) -> None:
    """Store a preference with the operator, when one is signed in and has it."""
    user = request.user
    if user.is_authenticated and hasattr(user, field):
        setattr(user, field, value)
        user.save(update_fields=[field])


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Follow the system, or stay light or dark."""
    value = request.POST.get("theme", "")
    if value not in {"", "light", "dark"}:
        raise InvalidInput(_("The theme is light, dark or empty for the system's."))
    _keep(request, "theme", value)
    response = _back(request)
    _remember(response, "theme", value)
    return response


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Change the language of the console for this browser and this operator."""
    value = request.POST.get("language", "")
    known = dict(settings.LANGUAGES)
    if value not in known:
        raise InvalidInput(
            _("The language is one of %(codes)s.") % {"codes": ", ".join(known)}
        )
    _keep(request, "language", value)
    response = _back(request)
    _remember(response, settings.LANGUAGE_COOKIE_NAME, value)
    return response


@require_POST
def set_time_zone(request: HttpRequest) -> HttpResponse:
    """Show times in another zone; empty: the server's."""
    value = request.POST.get("time_zone", "").strip()
    if value and value not in zoneinfo.available_timezones():
        raise InvalidInput(
            _("%(zone)s is no time zone of the tz database, such as Europe/Paris.")
            % {"zone": value}
        )
    _keep(request, "time_zone", value)
    return _back(request)


@require_POST
def set_single_keys(request: HttpRequest) -> HttpResponse:
    """Switch the single-letter keys on or off (WCAG 2.1.4)."""
    response = _back(request)
    value = "off" if request.POST.get("single_keys") == "off" else "on"
    _remember(response, "single_keys", value)
    return response
