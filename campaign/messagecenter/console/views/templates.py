"""Message templates: list, draft, preview, publication."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaign.deliveries.console.acting import operator_of
from campaign.deliveries.services.rendering import RenderError
from campaign.messagecenter.console import looks
from campaign.messagecenter.console.forms import TemplateForm
from campaign.messagecenter.console.tables import TemplateTable
from campaign.messagecenter.models import EventType, MessageTemplate
from campaign.messagecenter.services import templates as services
from campaign.messagecenter.services.changes import (
    CHANGE_TEMPLATE,
    PUBLISH,
    ChangedMeanwhile,
)
from campaign.platform.foreign import foreign_answer
from workflows.console import access
from workflows.exceptions import AppError, InvalidInput, NotFound
from workflows.models import Source

VIEW = "messagecenter.view_messagetemplate"
MOST = 500
_STATE = MessageTemplate.PublicationState
# Verb -> action, the states in which it is possible.
VERBS: Mapping[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "publish": (services.publish_template, tuple(_STATE.values)),
    "pause": (services.pause_template, (_STATE.PUBLISHED,)),
    "resume": (services.resume_template, (_STATE.PAUSED,)),
    "unpublish": (services.unpublish_template, (_STATE.PUBLISHED, _STATE.PAUSED)),
}
_EVENT_NAMES = ("id", "type", "language", "external_id", "email", "created_at")


def find(internal_name: str) -> MessageTemplate:
    """Return a template with its type and published version. Raises NotFound."""
    found = (
        MessageTemplate.objects.select_related("event_type", "published_version")
        .filter(internal_name=internal_name)
        .first()
    )
    if found is None:
        raise NotFound(_("No template is named %(name)s."), name=internal_name)
    return found


@access.requires(VIEW)
def template_list(request: HttpRequest) -> HttpResponse:
    """Show the message templates by name; they are written by hand, hence few."""
    queryset = MessageTemplate.objects.select_related("event_type").defer(
        "html", "text", "sample"
    )
    words = request.GET.get("q", "").strip()
    if words:
        queryset = queryset.filter(
            Q(internal_name__icontains=words)
            | Q(label__icontains=words)
            | Q(event_type__event_id__icontains=words)
        )
    rows: list[Any] = list(queryset.order_by("internal_name")[:MOST])
    for row in rows:
        row.look = looks.TEMPLATES[row.publication_state]
    return render(
        request,
        "messagecenter/template_list.html",
        {
            "table": TemplateTable(rows),
            "rows": rows,
            "words": words,
            "refusal": access.lacking(request, CHANGE_TEMPLATE),
        },
    )


@access.requires(CHANGE_TEMPLATE)
@require_http_methods(["GET", "HEAD", "POST"])
def template_create(request: HttpRequest) -> HttpResponse:
    """Write a new template as a draft."""
    is_sent = request.method == "POST"
    types = list(EventType.objects.order_by("event_id")[:MOST])
    initial = {"event_type": request.GET.get("event_type", ""), "sample": {"ctx": {}}}
    form = TemplateForm(request.POST or None, types=types, is_new=True, initial=initial)
    if is_sent and form.is_valid():
        try:
            created = services.create_template(
                internal_name=form.cleaned_data["internal_name"],
                event_id=form.cleaned_data["event_type"],
                values=form.values(),
                acting_operator=operator_of(request),
                source=Source.CONSOLE,
                at=timezone.now(),
            )
        except InvalidInput as error:
            form.show_faults(error.faults)
        else:
            messages.success(
                request, _("%(name)s created as a draft.") % {"name": created.label}
            )
            return redirect(created)
    return render(
        request,
        "messagecenter/template_create.html",
        {"form": form, "types": types},
        status=422 if is_sent else 200,
    )


@access.requires(VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def template_detail(request: HttpRequest, internal_name: str) -> HttpResponse:
    """Show a template; save what was changed of the draft."""
    template = find(internal_name)
    if request.method != "POST":
        return _detail(request, template, TemplateForm.of(template))
    form = TemplateForm(request.POST)
    if form.is_valid():
        try:
            services.change_template(
                internal_name=internal_name,
                values=form.values(),
                acting_operator=operator_of(request),
                source=Source.CONSOLE,
                at=timezone.now(),
                expected_modified_at=_instant(form.cleaned_data["modified"]),
            )
        except InvalidInput as error:
            form.show_faults(error.faults)
        except ChangedMeanwhile as error:
            form.add_error(None, error.message)
            return _detail(request, template, form, error.status)
        else:
            text = _("%(name)s saved; what is published stays until you publish again.")
            if template.publication_state == _STATE.DRAFT:
                text = _("%(name)s saved.")
            messages.success(request, text % {"name": template.label})
            return redirect(template)
    return _detail(request, template, form, 422)


@access.requires(VIEW)
@require_POST
def template_publication(
    request: HttpRequest, internal_name: str, verb: str
) -> HttpResponse:
    """Publish, pause, resume or withdraw a template; faults stand at their field."""
    if verb not in VERBS:
        raise NotFound
    try:
        VERBS[verb][0](
            internal_name=internal_name,
            acting_operator=operator_of(request),
            source=Source.CONSOLE,
            at=timezone.now(),
        )
    except InvalidInput as error:
        template = find(internal_name)
        form = TemplateForm.of(template)
        form.show_faults(error.faults)
        return _detail(request, template, form, 422, error.message)
    except AppError as error:
        messages.error(request, error.message)
    else:
        words = {
            "publish": _("%(name)s is published: events are sent by it from now on."),
            "pause": _("%(name)s is paused: its events wait."),
            "resume": _("%(name)s sends again, the events that waited first."),
            "unpublish": _("%(name)s is a draft again and sends no more."),
        }
        messages.success(request, words[verb] % {"name": internal_name})
    return redirect("messagecenter:template_detail", internal_name)


def _detail(
    request: HttpRequest,
    template: MessageTemplate,
    form: TemplateForm,
    status: int = 200,
    problem: str = "",
) -> HttpResponse:
    version = template.published_version
    content = services.content_of(template)
    return render(
        request,
        "messagecenter/template_detail.html",
        {
            "template": template,
            "look": looks.TEMPLATES[template.publication_state],
            "form": form,
            "problem": problem,
            "version": version,
            "is_ahead": version is not None
            and (
                version.content != content
                or version.validity_seconds != template.validity_seconds
            ),
            "versions": template.versions.select_related("published_by")[:10],
            "names": [f"ctx.{row['name']}" for row in template.event_type.attributes],
            "event_names": [f"event.{name}" for name in _EVENT_NAMES],
            "open_verbs": [
                verb
                for verb, (_action, states) in VERBS.items()
                if template.publication_state in states
            ],
            "refusal": access.lacking(request, CHANGE_TEMPLATE),
            "publish_refusal": access.lacking(request, PUBLISH),
        },
        status=status,
    )


@access.requires(VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def template_preview(request: HttpRequest, internal_name: str = "") -> HttpResponse:
    """Show the message that the sample data makes, as a page for a frame.

    POST shows what is being typed, GET the stored draft; nothing is kept.
    """
    problem, shown = "", None
    try:
        content, event_id, sample = _asked(request, internal_name)
        shown = services.preview(
            content=content, event_id=event_id, sample=sample, at=timezone.now()
        )
    except (RenderError, InvalidInput) as error:
        problem = error.message
    response = render(
        request,
        "messagecenter/template_preview.html",
        {"preview": shown, "problem": problem},
    )
    return foreign_answer(response)


def _asked(
    request: HttpRequest, internal_name: str
) -> tuple[dict[str, str], str, dict[str, Any]]:
    template = find(internal_name) if internal_name else None
    if request.method != "POST":
        if template is None:
            raise InvalidInput(_("Write a subject and a content, then press Preview."))
        return (
            services.content_of(template),
            template.event_type.event_id,
            template.sample,
        )
    content = {name: request.POST.get(name, "") for name in services.CONTENT_FIELDS}
    event_id = (
        template.event_type.event_id if template else request.POST.get("event_type", "")
    )
    try:
        sample = json.loads(request.POST.get("sample") or "{}")
    except ValueError as error:
        raise InvalidInput(
            _("The sample data is no JSON: %(why)s."), why=str(error)
        ) from error
    if not isinstance(sample, dict) or not isinstance(sample.get("ctx") or {}, dict):
        raise InvalidInput(
            _("The sample data must be an object, with ctx an object in it.")
        )
    return content, event_id, sample


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
