"""Message templates over HTTP; changes are for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status

from campaign.access.models import Scope
from campaign.messagecenter.api_types import ReasonIn, author_of
from campaign.messagecenter.models import MessageTemplate
from campaign.messagecenter.services import templates
from workflows.api.caller import operator_with
from workflows.api.paging import keyset
from workflows.exceptions import NotFound

router = Router(tags=["Message templates"])
VIEW = "messagecenter.view_messagetemplate"


class TemplateOut(Schema):
    """The draft of a template, and which version of it is sent."""

    internal_name: str
    label: str
    event_id: str
    channel: int
    subject: str
    sender_name: str
    sender_address: str
    reply_address: str
    html: str
    text: str
    sample: dict[str, Any]
    validity_seconds: int
    publication_state: str
    published_version: int | None
    published_at: datetime | None
    created_at: datetime
    modified_at: datetime


class TemplatePage(Schema):
    items: list[TemplateOut]
    next: str | None


class TemplateChange(Schema):
    """What changes; what is not given stays."""

    label: str | None = None
    subject: str | None = None
    sender_name: str | None = None
    sender_address: str | None = None
    reply_address: str | None = None
    html: str | None = None
    text: str | None = None
    sample: dict[str, Any] | None = None
    validity_seconds: int | None = None
    reason: str = ""


class TemplateIn(TemplateChange):
    """A new template of an event type."""

    internal_name: str
    event_id: str


class PreviewIn(Schema):
    """The body of an event; without one the template's own sample serves."""

    sample: dict[str, Any] | None = None


class PreviewOut(Schema):
    """The message that such an event gets; ``missing`` are names it lacks."""

    subject: str
    sender: str
    reply_to: str
    html: str
    text: str
    missing: list[str]


@router.get("/templates", response=TemplatePage, url_name="template_list")
def list_templates(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
) -> dict[str, Any]:
    """List the message templates by name."""
    operator_with(request, Scope.EVENT_READ.value, permission=VIEW)
    page = keyset(_all(), limit=limit, cursor=cursor, order=("internal_name",))
    return {"items": [_out(template) for template in page.items], "next": page.next}


@router.post("/templates", response={201: TemplateOut}, url_name="template_create")
def create_template(request: HttpRequest, body: TemplateIn) -> Status[TemplateOut]:
    """Write a new template as a draft."""
    template = templates.create_template(
        internal_name=body.internal_name,
        event_id=body.event_id,
        values=body.dict(
            exclude={"internal_name", "event_id", "reason"}, exclude_none=True
        ),
        **author_of(request, body.reason),
    )
    return Status(201, _out(_find(template.internal_name)))


@router.get("/templates/{name}", response=TemplateOut, url_name="template_detail")
def show_template(request: HttpRequest, name: str) -> TemplateOut:
    """Show a template."""
    operator_with(request, Scope.EVENT_READ.value, permission=VIEW)
    return _out(_find(name))


@router.patch("/templates/{name}", response=TemplateOut, url_name="template_change")
def change_template(
    request: HttpRequest, name: str, body: TemplateChange
) -> TemplateOut:
    """Change the draft; what is published stays until it is published again."""
    templates.change_template(
        internal_name=name,
        values=body.dict(exclude={"reason"}, exclude_none=True),
        **author_of(request, body.reason),
    )
    return _out(_find(name))


@router.post(
    "/templates/{name}/preview", response=PreviewOut, url_name="template_preview"
)
def preview_template(request: HttpRequest, name: str, body: PreviewIn) -> PreviewOut:
    """Make the message of the draft from sample data; nothing is sent."""
    operator_with(request, Scope.EVENT_READ.value, permission=VIEW)
    template = _find(name)
    made = templates.preview(
        content=templates.content_of(template),
        event_id=template.event_type.event_id,
        sample=template.sample if body.sample is None else body.sample,
        at=timezone.now(),
    )
    return PreviewOut(
        subject=made.message.subject,
        sender=made.message.sender,
        reply_to=made.message.reply_to,
        html=made.message.html,
        text=made.message.text,
        missing=list(made.missing),
    )


@router.post(
    "/templates/{name}/publish", response=TemplateOut, url_name="template_publish"
)
def publish_template(request: HttpRequest, name: str, body: ReasonIn) -> TemplateOut:
    """Freeze the draft as the next version and send by it from now on."""
    templates.publish_template(internal_name=name, **author_of(request, body.reason))
    return _out(_find(name))


@router.post("/templates/{name}/pause", response=TemplateOut, url_name="template_pause")
def pause_template(request: HttpRequest, name: str, body: ReasonIn) -> TemplateOut:
    """Hold events for this template back."""
    templates.pause_template(internal_name=name, **author_of(request, body.reason))
    return _out(_find(name))


@router.post(
    "/templates/{name}/resume", response=TemplateOut, url_name="template_resume"
)
def resume_template(request: HttpRequest, name: str, body: ReasonIn) -> TemplateOut:
    """Send by a paused template again; events held back come first."""
    templates.resume_template(internal_name=name, **author_of(request, body.reason))
    return _out(_find(name))


@router.post(
    "/templates/{name}/unpublish", response=TemplateOut, url_name="template_unpublish"
)
def unpublish_template(request: HttpRequest, name: str, body: ReasonIn) -> TemplateOut:
    """Send by this template no more."""
    templates.unpublish_template(internal_name=name, **author_of(request, body.reason))
    return _out(_find(name))


def _all() -> QuerySet[MessageTemplate]:
    return MessageTemplate.objects.select_related("event_type", "published_version")


def _find(name: str) -> MessageTemplate:
    template = _all().filter(internal_name=name).first()
    if template is None:
        raise NotFound(_("No template is named %(name)s."), name=name)
    return template


def _out(template: MessageTemplate) -> TemplateOut:
    version = template.published_version
    own = set(TemplateOut.model_fields) - {"event_id", "published_version"}
    return TemplateOut(
        **{name: getattr(template, name) for name in own},
        event_id=template.event_type.event_id,
        published_version=version.number if version else None,
    )
