"""The operator's own page: details, password, second factor, sessions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from campaign.access.console.acting import operator_of
from campaign.access.console.zones import zone_choices
from campaign.access.models import Operator, SecondFactor
from campaign.access.services import operators, sessions
from campaign.access.services import second_factor as factors
from campaign.access.services.setup import change_password
from workflows.console import access
from workflows.console.forms import add_faults
from workflows.exceptions import InvalidInput, NotFound
from workflows.models import Source


class DetailsForm(forms.Form):
    """What operators say about themselves."""

    first_name = forms.CharField(
        label=gettext_lazy("First name"), max_length=150, required=False
    )
    last_name = forms.CharField(
        label=gettext_lazy("Last name"), max_length=150, required=False
    )
    email = forms.EmailField(label=gettext_lazy("Email"), required=False)
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy("All times of the console are shown in this zone."),
        widget=forms.Select(attrs={"data-zones": gettext_lazy("Filter the zones")}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["language"].choices = [
            ("", _("As the browser asks")),
            *settings.LANGUAGES,
        ]
        fields["time_zone"].choices = zone_choices(timezone.now(), settings.TIME_ZONE)


class ConfirmForm(forms.Form):
    """The first code of a new authenticator."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=16,
        help_text=gettext_lazy("The six digits that the authenticator shows now."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}
        ),
    )


class PasswordAgainForm(forms.Form):
    """The operator's own password, asked again."""

    password = forms.CharField(
        label=gettext_lazy("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


def _initial(operator: Operator) -> dict[str, str]:
    return {name: getattr(operator, name) for name in operators.CHANGEABLE}


def _page(request: HttpRequest, form: DetailsForm, status: int = 200) -> HttpResponse:
    operator = operator_of(request)
    factor = SecondFactor.objects.filter(
        operator=operator, confirmed_at__isnull=False
    ).first()
    return render(
        request,
        "access/profile.html",
        {
            "form": form,
            "factor": factor,
            "codes_left": len(factor.recovery_digests) if factor else 0,
            "sessions": sessions.of(operator)[:100],
            "this_key": request.session.session_key,
            "groups": operator.groups.order_by("name"),
        },
        status=status,
    )


@access.requires()
def profile(request: HttpRequest) -> HttpResponse:
    """Show the operator's own details, second factor and sessions."""
    return _page(request, DetailsForm(initial=_initial(operator_of(request))))


@access.requires()
@require_POST
def details(request: HttpRequest) -> HttpResponse:
    """Save the operator's own details."""
    operator = operator_of(request)
    form = DetailsForm(request.POST)
    if form.is_valid():
        try:
            operators.change_operator(
                username=operator.username,
                values=form.cleaned_data,
                acting_operator=operator,
                source=Source.CONSOLE,
                at=timezone.now(),
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            messages.success(request, _("Your profile is saved."))
            return redirect("profile")
    return _page(request, form, 422)


@sensitive_post_parameters()
@access.requires()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change the operator's own password; their other sessions end."""
    operator = operator_of(request)
    form = PasswordChangeForm(operator, request.POST or None)
    if request.method == "POST" and form.is_valid():
        old_key = str(request.session.session_key)
        now = timezone.now()
        change_password(
            operator=operator,
            password=form.cleaned_data["new_password1"],
            acting_operator=operator,
            source=Source.CONSOLE,
            at=now,
        )
        update_session_auth_hash(request, operator)
        sessions.follow(request, old_key)
        sessions.end_others(
            operator=operator,
            kept_key=str(request.session.session_key),
            acting_operator=operator,
            source=Source.CONSOLE,
            at=now,
        )
        return redirect("password_change_done")
    return render(
        request,
        "registration/password_change_form.html",
        {"form": form},
        status=422 if request.method == "POST" else 200,
    )


@never_cache
@access.requires()
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Enrol an authenticator; show the recovery codes once it is confirmed."""
    operator = operator_of(request)
    if factors.is_on(operator):
        messages.info(request, _("The second factor is on already."))
        return redirect("profile")
    form = ConfirmForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            codes = factors.confirm(
                operator=operator,
                code=form.cleaned_data["code"],
                source=Source.CONSOLE,
                at=timezone.now(),
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
            if not error.faults:
                form.add_error("code", error.message)
        else:
            return render(request, "access/recovery_codes.html", {"codes": codes})
    enrolment = factors.begin(operator=operator)
    return render(
        request,
        "access/second_factor.html",
        {
            "form": form,
            "enrolment": enrolment,
            "qr": mark_safe(enrolment.qr_svg),  # noqa: S308 (drawn by segno)
        },
        status=422 if request.method == "POST" else 200,
    )


@sensitive_post_parameters()
@access.requires()
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor_off(request: HttpRequest) -> HttpResponse:
    """Switch the second factor off; asks for the password."""
    operator = operator_of(request)
    form = PasswordAgainForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            factors.switch_off(
                operator=operator,
                password=form.cleaned_data["password"],
                source=Source.CONSOLE,
                at=timezone.now(),
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            messages.success(request, _("The second factor is off."))
            return redirect("profile")
    return render(
        request,
        "access/second_factor_off.html",
        {"form": form},
        status=422 if request.method == "POST" else 200,
    )


@access.requires()
@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """End one of the operator's sessions, or all but this one."""
    operator = operator_of(request)
    number = request.POST.get("session", "")
    if number == "others":
        count = sessions.end_others(
            operator=operator,
            kept_key=str(request.session.session_key),
            acting_operator=operator,
            source=Source.CONSOLE,
            at=timezone.now(),
        )
        text = ngettext("%(n)s session ended.", "%(n)s sessions ended.", count)
        messages.success(request, text % {"n": count})
        return redirect("profile")
    if not (number.isascii() and number.isdecimal()):
        raise NotFound(_("This session has ended already."))
    sessions.end(
        operator=operator,
        session_id=int(number),
        acting_operator=operator,
        source=Source.CONSOLE,
        at=timezone.now(),
    )
    messages.success(request, _("The session has ended."))
    return redirect("profile")
