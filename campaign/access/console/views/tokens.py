"""API tokens: list, a new one, what one of them may do."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from campaign.access.console import looks
from campaign.access.console.acting import manages, operator_of
from campaign.access.console.forms import TokenForm, scope_rows
from campaign.access.console.tables import TokenTable
from campaign.access.models import ApiToken, Operator
from campaign.access.services import rights, token_care
from campaign.access.services.tokens import ENVIRONMENT_TOKEN
from workflows.console import access
from workflows.console.forms import add_faults
from workflows.exceptions import AppError, InvalidInput, NotFound, PermissionRefused
from workflows.models import Source

MOST = 500


def _reader(request: HttpRequest) -> Operator:
    """Return the reader. Raises PermissionRefused for who may have no token."""
    operator = operator_of(request)
    if not token_care.may_have_own(operator):
        raise PermissionRefused(operator=operator.username, permission=rights.OWN_TOKEN)
    return operator


def _find(request: HttpRequest, pk: int) -> ApiToken:
    found = token_care.visible_to(_reader(request)).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("This token does not exist, or is not yours."))
    return found


@access.requires()
def token_list(request: HttpRequest) -> HttpResponse:
    """Show the tokens by name: all to administrators, their own to others."""
    reader = _reader(request)
    words = request.GET.get("q", "").strip()
    found = token_care.visible_to(reader)
    if words:
        found = found.filter(name__icontains=words) | found.filter(
            operator__username__icontains=words
        )
    rows: list[Any] = list(found.order_by("-is_active", "name")[:MOST])
    now = timezone.now()
    for row in rows:
        row.look = looks.of_token(row, now)
    return render(
        request,
        "access/token_list.html",
        {
            "table": TokenTable(rows),
            "rows": rows,
            "words": words,
            "is_manager": manages(request),
        },
    )


@never_cache
@access.requires()
@require_http_methods(["GET", "HEAD", "POST"])
def token_create(request: HttpRequest) -> HttpResponse:
    """Make a token; its secret is shown once."""
    reader = _reader(request)
    form = TokenForm(
        request.POST or None, reader=reader, is_manager=manages(request), is_new=True
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = token_care.issue(
                name=form.cleaned_data["name"],
                operator=form.cleaned_data["operator"],
                scopes=form.cleaned_data["scopes"],
                expires_at=form.cleaned_data["expires_at"],
                acting_operator=reader,
                source=Source.CONSOLE,
                at=timezone.now(),
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            return render(
                request,
                "access/new_token.html",
                {
                    "token": made.token,
                    "secret": made.secret,
                    "curl": _curl(made.secret),
                },
            )
    return render(
        request,
        "access/token_create.html",
        {"form": form, "scopes": scope_rows()},
        status=422 if request.method == "POST" else 200,
    )


@access.requires()
@require_http_methods(["GET", "HEAD", "POST"])
def token_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a token may do and how to try it; save scopes and expiry."""
    token = _find(request, pk)
    form = TokenForm(
        request.POST or None,
        reader=operator_of(request),
        is_manager=manages(request),
        initial={"scopes": token.scopes, "expires_at": token.expires_at},
    )
    if request.method == "POST" and form.is_valid():
        try:
            token_care.change(
                name=token.name,
                scopes=form.cleaned_data["scopes"],
                expires_at=form.cleaned_data["expires_at"],
                acting_operator=operator_of(request),
                source=Source.CONSOLE,
                at=timezone.now(),
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            messages.success(request, _("%(name)s saved.") % {"name": token.name})
            return redirect(token)
    return render(
        request,
        "access/token_detail.html",
        {
            "token": token,
            "look": looks.of_token(token, timezone.now()),
            "form": form,
            "opened": [row for row in scope_rows() if row[0] in token.scopes],
            "has": [each for each in rights.verdicts(token.operator) if each.has_it],
            "curl": _curl("$CAMPAIGN_TOKEN"),
            "refusal": _refusal(token),
        },
        status=422 if request.method == "POST" else 200,
    )


@access.requires()
@require_http_methods(["GET", "HEAD", "POST"])
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token for good; asks first."""
    token = _find(request, pk)
    if request.method != "POST":
        return render(
            request,
            "access/confirm.html",
            {
                "title": _("Revoke the token %(name)s?") % {"name": token.name},
                "effect": _(
                    "Programs that use it are refused from now on. It cannot be"
                    " brought back."
                ),
                "button": _("Revoke"),
                "icon_name": "ban",
                "address": request.path,
                "back": token.get_absolute_url(),
            },
        )
    try:
        token_care.revoke(
            name=token.name,
            acting_operator=operator_of(request),
            source=Source.CONSOLE,
            at=timezone.now(),
        )
    except AppError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("%(name)s is revoked.") % {"name": token.name})
    return redirect(token)


def _refusal(token: ApiToken) -> str:
    if token.name == ENVIRONMENT_TOKEN:
        return _("This token comes by CAMPAIGN_API_TOKEN: change it there.")
    if not token.is_active:
        return _("The token was revoked: make a new one.")
    return ""


def _curl(secret: str) -> str:
    return f'curl -H "Authorization: Bearer {secret}" {settings.PUBLIC_URL}/api/v1/me'
