"""Event types: list, declaration, publication."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaign.deliveries.console.acting import operator_of
from campaign.messagecenter.console import looks
from campaign.messagecenter.console.forms import (
    SPARE_ROWS,
    AttributeFormSet,
    EventTypeForm,
    attribute_rows,
    attributes_of,
    show_attribute_faults,
)
from campaign.messagecenter.console.tables import EventTypeTable
from campaign.messagecenter.models import EventType
from campaign.messagecenter.services.changes import CHANGE_TYPE, PUBLISH
from campaign.messagecenter.services.event_types import (
    change_event_type,
    create_event_type,
    publish_event_type,
    unpublish_event_type,
)
from workflows.console import access
from workflows.exceptions import AppError, InvalidInput, NotFound
from workflows.models import Source

VIEW = "messagecenter.view_eventtype"
MOST = 500
_EXAMPLES: Mapping[str, Any] = {
    "string": "text",
    "integer": 1,
    "number": 9.5,
    "boolean": True,
    "date": "2026-03-01",
    "datetime": "2026-03-01T09:30:00Z",
}
VERBS: Mapping[str, tuple[Callable[..., Any], str]] = {
    "publish": (publish_event_type, "published"),
    "unpublish": (unpublish_event_type, "unpublished"),
}


def find(event_id: str) -> EventType:
    """Return an event type. Raises NotFound."""
    found = EventType.objects.filter(event_id=event_id).first()
    if found is None:
        raise NotFound(_("No event type is named %(name)s."), name=event_id)
    return found


@access.requires(VIEW)
def event_type_list(request: HttpRequest) -> HttpResponse:
    """Show the event types by name; they are declared by hand, hence few."""
    queryset = EventType.objects.annotate(template_count=Count("templates"))
    words = request.GET.get("q", "").strip()
    if words:
        queryset = queryset.filter(
            Q(event_id__icontains=words) | Q(label__icontains=words)
        )
    rows: list[Any] = list(queryset.order_by("event_id")[:MOST])
    for row in rows:
        row.look = looks.TYPES[row.publication_state]
    return render(
        request,
        "messagecenter/event_type_list.html",
        {
            "table": EventTypeTable(rows),
            "rows": rows,
            "words": words,
            "refusal": access.lacking(request, CHANGE_TYPE),
        },
    )


@access.requires(CHANGE_TYPE)
@require_http_methods(["GET", "HEAD", "POST"])
def event_type_create(request: HttpRequest) -> HttpResponse:
    """Declare a new event type."""
    is_sent = request.method == "POST"
    form = EventTypeForm(request.POST or None, is_new=True)
    formset = _formset(request)
    is_adding = "add_rows" in request.POST
    if is_sent and not is_adding and form.is_valid() and formset.is_valid():
        attributes, places = attributes_of(formset)
        values = {
            name: form.cleaned_data[name] for name in ("label", "channel", "targeting")
        }
        try:
            created = create_event_type(
                event_id=form.cleaned_data["event_id"],
                values={**values, "attributes": attributes},
                acting_operator=operator_of(request),
                source=Source.CONSOLE,
                at=timezone.now(),
            )
        except InvalidInput as error:
            show_attribute_faults(form, formset, places, error.faults)
        else:
            messages.success(
                request,
                _("Event type %(name)s created as a draft.")
                % {"name": created.event_id},
            )
            return redirect(created)
    return render(
        request,
        "messagecenter/event_type_create.html",
        {"form": form, "formset": formset},
        status=422 if is_sent and not is_adding else 200,
    )


@access.requires(VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def event_type_detail(request: HttpRequest, event_id: str) -> HttpResponse:
    """Show an event type; save what was changed."""
    event_type = find(event_id)
    is_sent = request.method == "POST"
    is_adding = "add_rows" in request.POST
    form = EventTypeForm(request.POST or None, initial={"label": event_type.label})
    formset = _formset(request, event_type)
    if is_sent and not is_adding and form.is_valid() and formset.is_valid():
        attributes, places = attributes_of(formset)
        try:
            change_event_type(
                event_id=event_id,
                values={"label": form.cleaned_data["label"], "attributes": attributes},
                acting_operator=operator_of(request),
                source=Source.CONSOLE,
                at=timezone.now(),
            )
        except InvalidInput as error:
            show_attribute_faults(form, formset, places, error.faults)
        else:
            messages.success(request, _("%(name)s saved.") % {"name": event_id})
            return redirect(event_type)
    templates: list[Any] = list(event_type.templates.order_by("internal_name")[:MOST])
    for template in templates:
        template.look = looks.TEMPLATES[template.publication_state]
    return render(
        request,
        "messagecenter/event_type_detail.html",
        {
            "event_type": event_type,
            "look": looks.TYPES[event_type.publication_state],
            "form": form,
            "formset": formset,
            "templates": templates,
            "example": _example(event_type),
            "refusal": access.lacking(request, CHANGE_TYPE),
            "publish_refusal": access.lacking(request, PUBLISH),
            "template_refusal": access.lacking(
                request, "messagecenter.change_messagetemplate"
            ),
        },
        status=422 if is_sent and not is_adding else 200,
    )


@access.requires(VIEW)
@require_POST
def event_type_publication(
    request: HttpRequest, event_id: str, verb: str
) -> HttpResponse:
    """Publish an event type, or withdraw it."""
    if verb not in VERBS:
        raise NotFound
    action, done = VERBS[verb]
    try:
        action(
            event_id=event_id,
            acting_operator=operator_of(request),
            source=Source.CONSOLE,
            at=timezone.now(),
        )
    except AppError as error:
        messages.error(request, error.message)
    else:
        text = {
            "published": _("%(name)s is published: its events come in."),
            "unpublished": _("%(name)s is a draft again: its events are refused."),
        }[done]
        messages.success(request, text % {"name": event_id})
    return redirect("messagecenter:event_type_detail", event_id)


def _formset(request: HttpRequest, event_type: EventType | None = None) -> Any:
    """Return the table of attributes; "Add rows" returns it longer."""
    if request.method != "POST":
        declared = event_type.attributes if event_type else ()
        return AttributeFormSet(initial=attribute_rows(declared), prefix="attributes")
    if "add_rows" not in request.POST:
        return AttributeFormSet(request.POST, prefix="attributes")
    data = request.POST.copy()
    total = data.get("attributes-TOTAL_FORMS", "0")
    count = int(total) if total.isdecimal() else 0
    data["attributes-TOTAL_FORMS"] = str(min(count + SPARE_ROWS, 200))
    for row in range(count, count + SPARE_ROWS):
        data.setdefault(f"attributes-{row}-type", "string")
    return AttributeFormSet(data, prefix="attributes")


def _example(event_type: EventType) -> str:
    """Return a call that pushes an event of this type, for developers."""
    ctx = {row["name"]: _EXAMPLES.get(row["type"]) for row in event_type.attributes}
    body = json.dumps(
        {"email": "somebody@example.com", "ctx": ctx}, indent=2, ensure_ascii=False
    )
    return (
        f"POST {settings.PUBLIC_URL}/api/v1/events/{event_type.event_id}\n"
        "Authorization: Bearer <token>\n"
        "Content-Type: application/json\n\n"
        f"{body}"
    )
