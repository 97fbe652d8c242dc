"""Operators: list, page, and what is done to one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import Group
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from campaign.access.console import looks
from campaign.access.console.acting import operator_of
from campaign.access.console.forms import GroupsForm, OperatorForm
from campaign.access.console.tables import OperatorTable
from campaign.access.models import Operator, SecondFactor
from campaign.access.services import operators, rights, sessions
from workflows.console import access
from workflows.console.forms import add_faults
from workflows.exceptions import AppError, InvalidInput, NotFound
from workflows.models import AuditEntry, Source

#: Operators are made by hand, hence few; a longer list is narrowed by its filters.
MOST = 500
VERBS: Mapping[str, tuple[Callable[..., Any], str | Promise]] = {
    "disable": (operators.set_active, gettext_lazy("%(name)s is disabled.")),
    "enable": (operators.set_active, gettext_lazy("%(name)s is enabled.")),
    "unlock": (
        operators.reset_lockout_of,
        gettext_lazy("%(name)s may try to sign in again."),
    ),
    "reset-second-factor": (
        operators.reset_second_factor,
        gettext_lazy("%(name)s signs in without second factor until it is set anew."),
    ),
}
#: Verbs that ask first: title, effect, button, icon.
ASKING: Mapping[str, tuple[str | Promise, str | Promise, str | Promise, str]] = {
    "disable": (
        gettext_lazy("Disable %(name)s?"),
        gettext_lazy(
            "Sessions end at once, sign-in and tokens are refused. Enabling brings"
            " everything back but the sessions."
        ),
        gettext_lazy("Disable"),
        "user-off",
    ),
    "reset-password": (
        gettext_lazy("New password for %(name)s?"),
        gettext_lazy(
            "The present password stops working and sessions end. The new one is"
            " shown once."
        ),
        gettext_lazy("New password"),
        "password",
    ),
    "reset-second-factor": (
        gettext_lazy("Reset the second factor of %(name)s?"),
        gettext_lazy(
            "The password alone signs in until the operator sets the second factor"
            " up again. Make sure that it is really they who ask."
        ),
        gettext_lazy("Reset second factor"),
        "shield",
    ),
}


def find(pk: int) -> Operator:
    """Return an operator. Raises NotFound."""
    found = Operator.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound(_("This operator does not exist."))
    return found


def _shown() -> QuerySet[Operator]:
    confirmed = SecondFactor.objects.filter(
        operator=OuterRef("pk"), confirmed_at__isnull=False
    )
    return Operator.objects.annotate(
        has_second_factor=Exists(confirmed),
        seen_at=Max("console_sessions__last_seen_at"),
    )


@access.requires(rights.MANAGE)
def operator_list(request: HttpRequest) -> HttpResponse:
    """Show the operators by name."""
    words = request.GET.get("q", "").strip()
    group = request.GET.get("group", "")
    state = request.GET.get("active", "")
    found = _shown()
    if words:
        found = found.filter(
            Q(username__icontains=words)
            | Q(email__icontains=words)
            | Q(first_name__icontains=words)
            | Q(last_name__icontains=words)
        )
    if group:
        members = Operator.objects.filter(groups__name=group).values("pk")
        found = found.filter(pk__in=members)
    if state in {"yes", "no"}:
        found = found.filter(is_active=state == "yes")
    rows: list[Any] = list(
        found.prefetch_related("groups").order_by("username")[: MOST + 1]
    )
    for row in rows:
        row.look = looks.of_operator(row)
        row.second_look = looks.of_second_factor(row.has_second_factor)
        row.group_list = sorted(each.name for each in row.groups.all())
        row.last_seen = row.seen_at or row.last_login
    return render(
        request,
        "access/operator_list.html",
        {
            "table": OperatorTable(rows[:MOST]),
            "rows": rows,
            "is_cut": len(rows) > MOST,
            "words": words,
            "group": group,
            "state": state,
            "is_filtered": bool(words or group or state),
            "groups": Group.objects.order_by("name"),
        },
    )


@never_cache
@access.requires(rights.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def operator_create(request: HttpRequest) -> HttpResponse:
    """Make an operator; the first password is shown once."""
    form = OperatorForm(request.POST or None, is_new=True)
    if request.method == "POST" and form.is_valid():
        values = {name: form.cleaned_data[name] for name in operators.CHANGEABLE}
        try:
            made = operators.create_operator(
                username=form.cleaned_data["username"],
                values=values,
                groups=[each.name for each in form.cleaned_data["groups"]],
                acting_operator=operator_of(request),
                source=Source.CONSOLE,
                at=timezone.now(),
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            return _show_password(request, made, is_new=True)
    return render(
        request,
        "access/operator_create.html",
        {"form": form},
        status=422 if request.method == "POST" else 200,
    )


@access.requires(rights.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def operator_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an operator with rights, tokens, sessions, changes; save details."""
    operator = find(pk)
    initial = {name: getattr(operator, name) for name in operators.CHANGEABLE}
    form = OperatorForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            operators.change_operator(
                username=operator.username,
                values=form.cleaned_data,
                acting_operator=operator_of(request),
                source=Source.CONSOLE,
                at=timezone.now(),
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            messages.success(
                request, _("%(name)s saved.") % {"name": operator.username}
            )
            return redirect(operator)
    return _page(request, operator, form, 422 if request.method == "POST" else 200)


def _page(
    request: HttpRequest, operator: Operator, form: OperatorForm, status: int
) -> HttpResponse:
    verdicts = rights.verdicts(operator)
    now = timezone.now()
    tokens: list[Any] = list(
        operator.api_tokens.select_related("operator").order_by("-is_active", "name")[
            :50
        ]
    )
    for token in tokens:
        token.look = looks.of_token(token, now)
    factor = SecondFactor.objects.filter(operator=operator).first()
    is_on = factor is not None and factor.confirmed_at is not None
    entries = AuditEntry.objects.filter(
        object_type=operators.OBJECT_TYPE, object_id=str(operator.pk)
    )
    return render(
        request,
        "access/operator_detail.html",
        {
            "operator": operator,
            "look": looks.of_operator(operator),
            "form": form,
            "groups_form": GroupsForm(
                initial={"groups": operator.groups.values_list("name", flat=True)}
            ),
            "has": [each for each in verdicts if each.has_it],
            "lacks": [each for each in verdicts if not each.has_it],
            "tokens": tokens,
            "sessions": sessions.of(operator)[:20],
            "second_look": looks.of_second_factor(is_on),
            "has_second_factor": is_on,
            "entries": entries.order_by("-id")[:10],
            "refusal": _refusal(request, operator),
        },
        status=status,
    )


def _refusal(request: HttpRequest, operator: Operator) -> str:
    try:
        rights.require_over(operator_of(request), operator)
    except AppError as error:
        return error.message
    return ""


@never_cache
@access.requires(rights.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def operator_verb(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Disable, enable, unlock, change groups, give a new password."""
    operator = find(pk)
    if request.method != "POST":
        return _ask(request, operator, verb)
    options: dict[str, Any] = {
        "username": operator.username,
        "acting_operator": operator_of(request),
        "source": Source.CONSOLE,
        "at": timezone.now(),
        "reason": request.POST.get("reason", "").strip(),
    }
    try:
        if verb == "reset-password":
            return _show_password(request, operators.reset_password(**options))
        if verb == "groups":
            operators.set_groups(groups=request.POST.getlist("groups"), **options)
            done: str | Promise = _("The groups of %(name)s are changed.")
        elif verb in VERBS:
            action, done = VERBS[verb]
            if action is operators.set_active:
                options["is_active"] = verb == "enable"
            action(**options)
        else:
            raise NotFound
    except NotFound:
        raise
    except AppError as error:
        faults = " ".join(fault.message for fault in error.faults)
        messages.error(request, f"{error.message} {faults}".strip())
    else:
        messages.success(request, str(done) % {"name": operator.username})
    return redirect(operator)


def _show_password(
    request: HttpRequest, made: operators.NewSignIn, *, is_new: bool = False
) -> HttpResponse:
    return render(
        request,
        "access/new_password.html",
        {"operator": made.operator, "password": made.password, "is_new": is_new},
    )


def _ask(request: HttpRequest, operator: Operator, verb: str) -> HttpResponse:
    if verb not in ASKING:
        raise NotFound
    title, effect, button, icon = ASKING[verb]
    return render(
        request,
        "access/confirm.html",
        {
            "title": str(title) % {"name": operator.username},
            "effect": effect,
            "button": button,
            "icon_name": icon,
            "address": reverse("access:operator_verb", args=[operator.pk, verb]),
            "back": operator.get_absolute_url(),
            "takes_reason": True,
        },
    )
