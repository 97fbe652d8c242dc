"""Signing in: name and password, then the code of the second factor."""

from __future__ import annotations

import time
from typing import Any

from django import forms
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from campaign.access.models import Operator
from campaign.access.services import second_factor
from workflows.exceptions import AppError
from workflows.models import Source

PENDING = "second_factor_pending"
#: So long a right password waits for its code.
PENDING_SECONDS = 300


class CodeForm(forms.Form):
    """The code that the authenticator shows, or a recovery code."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=32,
        help_text=gettext_lazy(
            "Six digits of your authenticator, or one of your recovery codes."
        ),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True}
        ),
    )


class SignIn(LoginView):
    """Take name and password; operators with a second factor go on to the code."""

    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in, or ask for the code first: until then nobody is signed in."""
        operator: Any = form.get_user()
        if not second_factor.is_on(operator):
            return super().form_valid(form)
        self.request.session.cycle_key()
        self.request.session[PENDING] = {
            "operator": operator.pk,
            "backend": operator.backend,
            "password": operator.get_session_auth_hash(),
            "until": time.time() + PENDING_SECONDS,
            "next": self.get_success_url(),
        }
        return redirect("sign_in_code")


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the second factor and sign in."""
    pending = request.session.get(PENDING) or {}
    operator = _waiting(pending)
    if operator is None:
        request.session.pop(PENDING, None)
        return redirect("login")
    form = CodeForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                second_factor.check(
                    operator=operator,
                    code=form.cleaned_data["code"],
                    source=Source.CONSOLE,
                    at=timezone.now(),
                )
            except AppError as error:
                form.add_error("code", error.message)
                status = error.status
            else:
                del request.session[PENDING]
                login(request, operator, backend=pending["backend"])
                return HttpResponseRedirect(_target(request, pending))
    return render(
        request,
        "registration/code.html",
        {"form": form, "name": operator.username, "title": _("Second factor")},
        status=status,
    )


def _waiting(pending: dict[str, Any]) -> Operator | None:
    """Return who gave the right password just now and still may sign in by it."""
    if not pending or pending["until"] < time.time():
        return None
    operator = Operator.objects.filter(pk=pending["operator"], is_active=True).first()
    if operator is None:
        return None
    known = constant_time_compare(pending["password"], operator.get_session_auth_hash())
    return operator if known else None


def _target(request: HttpRequest, pending: dict[str, Any]) -> str:
    target = str(pending.get("next") or "/")
    is_ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if is_ours else "/"
