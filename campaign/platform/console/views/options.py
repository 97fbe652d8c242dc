"""Options: the list with values edited in place, one option with its history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaign.platform.console import acting, forms
from campaign.platform.models import Option
from campaign.platform.services import custom_options, options
from workflows.console import access
from workflows.console.forms import add_faults
from workflows.exceptions import InvalidInput

OBJECT = "platform.option"


def _row(state: options.OptionState) -> dict[str, Any]:
    option = state.option
    return {
        "state": state,
        "option": option,
        "name": option.name,
        "label": str(option.description),
        "type": Option.DataType(option.data_type).label,
        "value": forms.shown(option, state.value),
        "default": "" if option.is_custom else forms.shown(option, option.default),
        "used_by": str(option.used_by),
    }


def _matching(
    states: Iterable[options.OptionState], words: str, changed_only: bool
) -> list[dict[str, Any]]:
    wanted = words.casefold()
    rows = [_row(s) for s in states if s.is_changed or not changed_only]
    return [
        row
        for row in rows
        if wanted in f"{row['name']}\n{row['label']}\n{row['used_by']}".casefold()
    ]


@access.requires(options.VIEW_RIGHT)
def option_list(request: HttpRequest) -> HttpResponse:
    """Show every option with its value; ``?changed=1`` those that differ."""
    states = options.listed()
    words = request.GET.get("q", "").strip()
    changed_only = request.GET.get("changed") == "1"
    rows = _matching(states, words, changed_only)
    return render(
        request,
        "platform/option_list.html",
        {
            "page": acting.paged(request, rows),
            "total": len(states),
            "changed": sum(state.is_changed for state in states),
            "words": words,
            "changed_only": changed_only,
            "refusal": access.lacking(request, options.CHANGE_RIGHT),
            "add_refusal": access.lacking(request, custom_options.ADD_RIGHT),
        },
    )


@access.requires(options.VIEW_RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def option_detail(request: HttpRequest, name: str) -> HttpResponse:
    """Show one option with its history; change its value.

    Asked by htmx, the answer is the row of the list or its form.
    """
    state = options.state_of(name)
    is_part = bool(getattr(request, "htmx", False))
    form = forms.ValueForm(
        request.POST or None,
        option=state.option,
        initial={
            "value": forms.written(state.option, state.value),
            "version": state.version,
        },
        auto_id=f"id-{name}-%s" if is_part else "id_%s",
    )
    status = 200
    if request.method == "POST":
        access.check(request, options.CHANGE_RIGHT)
        if form.is_valid() and _save(request, form, state):
            if not is_part:
                messages.success(request, _("%(name)s saved.") % {"name": name})
                return redirect("platform:option_detail", name)
            state = options.state_of(name)
            return _part(request, state, None)
        status = 422
    if is_part:
        is_form = request.method == "POST" or "edit" in request.GET
        return _part(request, state, form if is_form else None, status)
    return render(
        request,
        "platform/option_detail.html",
        {
            "row": _row(state),
            "state": state,
            "form": form,
            "history": acting.history(request, OBJECT, name),
            "refusal": access.lacking(request, options.CHANGE_RIGHT),
            "delete_refusal": access.lacking(request, custom_options.DELETE_RIGHT),
        },
        status=status,
    )


def _save(
    request: HttpRequest, form: forms.ValueForm, state: options.OptionState
) -> bool:
    """Return whether the value was taken; its faults are in the form if not."""
    option = state.option
    try:
        options.set_value(
            name=option.name,
            value=options.read_text(option, form.cleaned_data["value"]),
            reason=form.cleaned_data["reason"],
            expected_version=form.cleaned_data["version"] or None,
            **acting.order_of(request),
        )
    except InvalidInput as error:
        add_faults(form, error.faults)
        return False
    return True


def _part(
    request: HttpRequest,
    state: options.OptionState,
    form: forms.ValueForm | None,
    status: int = 200,
) -> HttpResponse:
    return render(
        request,
        "platform/_option_row.html",
        {
            "row": _row(state),
            "form": form,
            "refusal": access.lacking(request, options.CHANGE_RIGHT),
        },
        # htmx shows no answer of an error status; the form itself tells the faults.
        status=200 if status == 422 else status,
    )


@access.requires(options.CHANGE_RIGHT)
@require_POST
def option_reset(request: HttpRequest, name: str) -> HttpResponse:
    """Go back to the default."""
    options.set_value(name=name, value=None, **acting.order_of(request))
    messages.success(request, _("%(name)s is back at its default.") % {"name": name})
    return redirect("platform:option_detail", name)


@access.requires(custom_options.ADD_RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def option_create(request: HttpRequest) -> HttpResponse:
    """Add a custom option."""
    is_sent = request.method == "POST"
    form = forms.CustomOptionForm(request.POST or None)
    if is_sent and form.is_valid():
        try:
            made = _create(request, form.cleaned_data)
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            messages.success(request, _("%(name)s added.") % {"name": made.option.name})
            return redirect("platform:option_detail", made.option.name)
    return render(
        request,
        "platform/option_create.html",
        {"form": form},
        status=422 if is_sent else 200,
    )


def _create(request: HttpRequest, data: dict[str, Any]) -> options.OptionState:
    data_type = Option.DataType(data["data_type"])
    draft: options.DeclaredOption[Any] = options.DeclaredOption(
        data["name"], data_type, options.EMPTY[data_type], data["label"]
    )
    text = data["value"]
    value = options.read_text(draft, text) if text else draft.default
    return custom_options.create_option(
        name=data["name"],
        label=data["label"],
        data_type=data_type,
        value=value,
        is_secret=data["is_secret"],
        **acting.order_of(request),
    )


@access.requires(custom_options.DELETE_RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def option_delete(request: HttpRequest, name: str) -> HttpResponse:
    """Delete a custom option, after asking."""
    state = options.state_of(name)
    if not state.option.is_custom:
        raise custom_options.OptionBuiltIn(name=name)
    if request.method == "POST":
        custom_options.delete_option(name=name, **acting.order_of(request))
        messages.success(request, _("%(name)s deleted.") % {"name": name})
        return redirect("platform:option_list")
    return render(request, "platform/option_delete.html", {"row": _row(state)})
