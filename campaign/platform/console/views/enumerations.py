"""Enumerations: list, values and aliases of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaign.platform.console import acting, forms
from campaign.platform.models import Enumeration
from campaign.platform.services import enumerations
from campaign.platform.services.built_in_enumerations import BUILT_IN
from workflows.console import access
from workflows.console.forms import add_faults
from workflows.exceptions import AppError, Fault, InvalidInput, NotFound

MOST = 1_000


@access.requires(enumerations.VIEW_RIGHT)
def enumeration_list(request: HttpRequest) -> HttpResponse:
    """Show the enumerations by name, with how much they hold."""
    words = request.GET.get("q", "").strip()
    rows: list[Any] = list(
        Enumeration.objects.annotate(
            value_count=Count("values", distinct=True),
            alias_count=Count("aliases", distinct=True),
        ).order_by("internal_name")[:MOST]
    )
    for row in rows:
        built_in = BUILT_IN.get(row.internal_name)
        row.used_by = built_in.used_by if built_in else ""
    if words:
        rows = [
            row
            for row in rows
            if words.casefold() in f"{row.internal_name}\n{row.label}".casefold()
        ]
    return render(
        request,
        "platform/enumeration_list.html",
        {
            "page": acting.paged(request, rows),
            "words": words,
            "add_refusal": access.lacking(request, enumerations.ADD_RIGHT),
        },
    )


@access.requires(enumerations.ADD_RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def enumeration_create(request: HttpRequest) -> HttpResponse:
    """Add an enumeration."""
    is_sent = request.method == "POST"
    form = forms.EnumerationForm(request.POST or None)
    if is_sent and form.is_valid():
        try:
            made = enumerations.create_enumeration(
                **form.cleaned_data, **acting.order_of(request)
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            messages.success(request, _("%(name)s added.") % {"name": made.label})
            return redirect(made)
    return render(
        request,
        "platform/enumeration_create.html",
        {"form": form},
        status=422 if is_sent else 200,
    )


@access.requires(enumerations.VIEW_RIGHT)
def enumeration_detail(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Show an enumeration with its values, its aliases and its history."""
    return _page(request, enumerations.find_enumeration(internal_name))


def _page(
    request: HttpRequest,
    enumeration: Enumeration,
    *,
    status: int = 200,
    **bound: Any,
) -> HttpResponse:
    values = list(enumeration.values.prefetch_related("aliases")[:MOST])
    built_in = BUILT_IN.get(enumeration.internal_name)
    refusal = access.lacking(request, enumerations.CHANGE_RIGHT)
    if enumeration.kind == Enumeration.Kind.SYSTEM:
        refusal = refusal or _("The product defines its values.")
    delete_refusal = access.lacking(request, enumerations.DELETE_RIGHT)
    if built_in:
        delete_refusal = delete_refusal or _("It belongs to the product.")
    context = {
        "enumeration": enumeration,
        "values": values,
        "head_form": forms.EnumerationForm(
            enumeration=enumeration,
            initial={
                "label": enumeration.label,
                "kind": enumeration.kind,
                "cleanses_aliases": enumeration.cleanses_aliases,
            },
        ),
        "value_form": forms.EnumerationValueForm(auto_id="id_value_%s"),
        "alias_form": forms.AliasForm(
            values=[(row.value, row.label) for row in values], auto_id="id_alias_%s"
        ),
        "used_by": built_in.used_by if built_in else "",
        "history": acting.history(
            request, enumerations.OBJECT, enumeration.internal_name
        ),
        "refusal": refusal,
        "delete_refusal": delete_refusal,
    }
    return render(
        request,
        "platform/enumeration_detail.html",
        {**context, **bound},
        status=status,
    )


@access.requires(enumerations.CHANGE_RIGHT)
@require_POST
def enumeration_change(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Save the head of an enumeration."""
    found = enumerations.find_enumeration(internal_name)
    form = forms.EnumerationForm(request.POST, enumeration=found)
    return _answer(request, found, "head_form", form, enumerations.change_enumeration)


@access.requires(enumerations.CHANGE_RIGHT)
@require_POST
def value_save(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Add a value, or save the one that ``of`` names."""
    found = enumerations.find_enumeration(internal_name)
    form = forms.EnumerationValueForm(request.POST, auto_id="id_value_%s")

    def save(**given: Any) -> Any:
        of = request.POST.get("of", "")
        if of:
            given["new_value"] = given["value"]
            given["value"] = of
        elif found.values.filter(value__iexact=given["value"].strip()).exists():
            words = _("The enumeration has this value already.")
            raise InvalidInput(words, faults=[Fault("value", words)])
        return enumerations.save_value(**given)

    return _answer(request, found, "value_form", form, save)


@access.requires(enumerations.CHANGE_RIGHT)
@require_POST
def alias_save(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Add an alias, or have it stand for another value."""
    found = enumerations.find_enumeration(internal_name)
    values = [(row.value, row.label) for row in found.values.all()[:MOST]]
    form = forms.AliasForm(request.POST, values=values, auto_id="id_alias_%s")
    return _answer(request, found, "alias_form", form, enumerations.save_alias)


def _answer(
    request: HttpRequest,
    enumeration: Enumeration,
    name: str,
    form: Any,
    action: Callable[..., Any],
) -> HttpResponse:
    """Carry an action out with what a form holds, or show the form's faults."""
    if form.is_valid():
        given = {key: v for key, v in form.cleaned_data.items() if v is not None}
        try:
            action(
                internal_name=enumeration.internal_name,
                **given,
                **acting.order_of(request),
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            messages.success(request, _("Saved."))
            return redirect(enumeration)
    of = request.POST.get("of", "")
    return _page(request, enumeration, status=422, editing=of, **{name: form})


REMOVALS: Mapping[str, Callable[..., None]] = {
    "value": enumerations.delete_value,
    "alias": enumerations.delete_alias,
}


@access.requires(enumerations.CHANGE_RIGHT)
@require_POST
def part_delete(request: HttpRequest, internal_name: str, part: str) -> HttpResponse:
    """Delete a value with its aliases, or one alias."""
    if part not in REMOVALS:
        raise NotFound
    try:
        REMOVALS[part](
            internal_name=internal_name,
            **{part: request.POST.get(part, "")},
            **acting.order_of(request),
        )
    except AppError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Deleted."))
    return redirect("platform:enumeration_detail", internal_name)


@access.requires(enumerations.DELETE_RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def enumeration_delete(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Delete an enumeration with all it holds, after asking."""
    found = enumerations.find_enumeration(internal_name)
    if request.method == "POST":
        enumerations.delete_enumeration(
            internal_name=internal_name, **acting.order_of(request)
        )
        messages.success(request, _("%(name)s deleted.") % {"name": found.label})
        return redirect("platform:enumeration_list")
    return render(
        request,
        "platform/enumeration_delete.html",
        {
            "enumeration": found,
            "value_count": found.values.count(),
            "alias_count": found.aliases.count(),
        },
    )
