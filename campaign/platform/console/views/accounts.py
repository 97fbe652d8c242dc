"""External accounts: list, one account, its connection test."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from campaign.platform.console import acting, forms
from campaign.platform.models import ExternalAccount
from campaign.platform.services import account_changes, account_check, account_types
from workflows.console import access
from workflows.console.appearance import Look
from workflows.console.forms import add_faults
from workflows.exceptions import InvalidInput, NotFound

MOST = 500
ENABLED = Look(gettext_lazy("Enabled"), "circle-check", "ok")
DISABLED = Look(gettext_lazy("Disabled"), "circle-off", border="dashed")
TESTED = Look(gettext_lazy("OK"), "check", "ok")
TEST_FAILED = Look(gettext_lazy("Failed"), "alert-octagon", "bad", "outlined")
UNTESTED = Look(gettext_lazy("Never tested"), "circle-dashed", border="dashed")


def _dressed(account: ExternalAccount) -> Any:
    """Return the account with what lists show of it."""
    row: Any = account
    row.server = account_types.server_of(account)
    row.look = ENABLED if account.enabled else DISABLED
    row.test_look = UNTESTED
    if account.last_check_at:
        is_ok = account.last_check_status == account_check.OK
        row.test_look = TESTED if is_ok else TEST_FAILED
    return row


@access.requires(account_changes.VIEW_RIGHT)
def account_list(request: HttpRequest) -> HttpResponse:
    """Show the accounts by name; they are made by hand, hence few."""
    rows = ExternalAccount.objects.order_by("internal_name")
    words = request.GET.get("q", "").strip()
    wanted_type = request.GET.get("type", "")
    enabled = request.GET.get("enabled", "")
    if wanted_type in account_types.TYPES:
        rows = rows.filter(type=wanted_type)
    if enabled in ("1", "0"):
        rows = rows.filter(enabled=enabled == "1")
    found = [_dressed(account) for account in rows[:MOST]]
    if words:
        found = [
            row
            for row in found
            if words.casefold()
            in f"{row.internal_name}\n{row.label}\n{row.server}".casefold()
        ]
    return render(
        request,
        "platform/account_list.html",
        {
            "page": acting.paged(request, found),
            "words": words,
            "types": ExternalAccount.Type.choices,
            "wanted_type": wanted_type,
            "enabled": enabled,
            "is_filtered": bool(words or wanted_type or enabled),
            "refusal": access.lacking(request, account_changes.CHANGE_RIGHT),
            "add_refusal": access.lacking(request, account_changes.ADD_RIGHT),
        },
    )


@access.requires(account_changes.ADD_RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def account_create(request: HttpRequest, type_name: str = "") -> HttpResponse:
    """Choose a type; then add an account of it."""
    if not type_name:
        kinds = account_types.TYPES.values()
        return render(request, "platform/account_types.html", {"types": kinds})
    account_type = account_types.TYPES.get(type_name)
    if account_type is None:
        raise NotFound
    is_sent = request.method == "POST"
    form = forms.AccountForm(request.POST or None, account_type=account_type)
    if is_sent and form.is_valid():
        try:
            made = account_changes.create_account(
                internal_name=form.cleaned_data["internal_name"],
                label=form.cleaned_data["label"],
                type=account_type.type,
                config=form.config(),
                secret=form.secret() or "",
                enabled=form.cleaned_data["enabled"],
                **acting.order_of(request),
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            messages.success(
                request,
                _("%(name)s added: test the connection before it is used.")
                % {"name": made.label},
            )
            return redirect(made)
    return render(
        request,
        "platform/account_form.html",
        {"form": form, "account_type": account_type},
        status=422 if is_sent else 200,
    )


@access.requires(account_changes.VIEW_RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def account_detail(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Show an account, what uses it and its history; save what was changed."""
    account = account_changes.find_account(internal_name)
    account_type = account_types.TYPES[account.type]
    is_sent = request.method == "POST"
    form = forms.AccountForm(
        request.POST or None, account_type=account_type, account=account
    )
    if is_sent:
        access.check(request, account_changes.CHANGE_RIGHT)
    if is_sent and form.is_valid():
        try:
            account_changes.change_account(
                internal_name=internal_name,
                label=form.cleaned_data["label"],
                config=form.config(),
                secret=form.secret(),
                enabled=form.cleaned_data["enabled"],
                expected_version=request.POST.get("version") or None,
                **acting.order_of(request),
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            messages.success(request, _("%(name)s saved.") % {"name": account.label})
            return redirect(account)
    return render(
        request,
        "platform/account_detail.html",
        {
            "account": _dressed(account),
            "account_type": account_type,
            "version": account_changes.version_of(account),
            "form": form,
            "uses": account_changes.uses(account),
            "history": acting.history(request, account_changes.OBJECT, internal_name),
            "refusal": access.lacking(request, account_changes.CHANGE_RIGHT),
            "delete_refusal": access.lacking(request, account_changes.DELETE_RIGHT),
        },
        status=422 if is_sent else 200,
    )


@access.requires(account_changes.CHANGE_RIGHT)
@require_POST
def account_test(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Try the connection now; htmx gets the result for its place in the page."""
    checked = account_check.check_account(
        internal_name=internal_name, **acting.order_of(request)
    )
    if getattr(request, "htmx", False):
        account = _dressed(account_changes.find_account(internal_name))
        return render(
            request,
            "platform/_account_test.html",
            {"account": account, "checked": checked},
        )
    words = {"name": internal_name, "text": checked.text}
    if checked.is_ok:
        messages.success(request, _("%(name)s works: %(text)s.") % words)
    else:
        messages.error(request, _("%(name)s does not work: %(text)s") % words)
    return redirect("platform:account_detail", internal_name)


@access.requires(account_changes.CHANGE_RIGHT)
@require_POST
def account_switch(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Enable or disable an account."""
    enabled = request.POST.get("enabled") == "1"
    account = account_changes.change_account(
        internal_name=internal_name, enabled=enabled, **acting.order_of(request)
    )
    text = _("%(name)s is enabled.") if enabled else _("%(name)s is disabled.")
    messages.success(request, text % {"name": account.label})
    return redirect(account)


@access.requires(account_changes.DELETE_RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def account_delete(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Delete an account that nothing uses, after asking."""
    account = account_changes.find_account(internal_name)
    if request.method == "POST":
        account_changes.delete_account(
            internal_name=internal_name, **acting.order_of(request)
        )
        messages.success(request, _("%(name)s deleted.") % {"name": account.label})
        return redirect("platform:account_list")
    return render(
        request,
        "platform/account_delete.html",
        {"account": account, "uses": account_changes.uses(account)},
    )
