"""Message templates: written, tried with sample data, published, paused, withdrawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaign.access.models import Operator
from campaign.deliveries.models import Channel
from campaign.deliveries.services.rendering import (
    Rendered,
    render_strict,
    validate_content,
)
from campaign.messagecenter.models import EventType, MessageTemplate, TemplateVersion
from campaign.messagecenter.services import held_events, locks
from campaign.messagecenter.services.changes import (
    CHANGE_TEMPLATE,
    PUBLISH,
    Author,
    ChangedMeanwhile,
    PublicationRefused,
    field_faults,
    refuse,
    unknown_faults,
)
from workflows.audit import changed
from workflows.exceptions import Fault, InvalidInput, NotFound
from workflows.models import Source

CONTENT_FIELDS = (
    "subject",
    "sender_name",
    "sender_address",
    "reply_address",
    "html",
    "text",
)
FIELDS = ("label", *CONTENT_FIELDS, "sample", "validity_seconds")
LONGEST_VALIDITY = 60 * 86_400
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_STATE = MessageTemplate.PublicationState


@dataclass(frozen=True, slots=True)
class Preview:
    """A message made of sample data; ``missing`` are names the data lacks."""

    message: Rendered
    missing: tuple[str, ...]


def create_template(
    *,
    internal_name: str,
    event_id: str,
    values: Mapping[str, Any],
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> MessageTemplate:
    """Write a new template as a draft, for the channel of its event type.

    ``values`` may hold any of FIELDS. Raises NotFound for the event type,
    PermissionRefused, or InvalidInput naming every fault.
    """
    author = Author(acting_operator, source, at, reason)
    author.require(CHANGE_TEMPLATE)
    event_type = EventType.objects.filter(event_id=event_id).first()
    if event_type is None:
        raise NotFound(_("No event type is named %(name)s."), name=event_id)
    template = MessageTemplate(
        internal_name=internal_name.strip(),
        event_type=event_type,
        channel=event_type.channel,
    )
    faults = []
    if not _NAME.fullmatch(template.internal_name):
        text = _("Start with a letter; use letters, digits, - and _, 64 at most.")
        faults.append(Fault("internal_name", text))
    _apply(template, values, faults)
    try:
        with transaction.atomic():
            template.save(force_insert=True)
            author.record(
                "messagecenter.template.created",
                template,
                template.internal_name,
                changed({}, _facts(template)),
            )
    except IntegrityError as error:
        text = _("This template exists: take another name.")
        raise InvalidInput(
            _("The template has faults."), faults=[Fault("internal_name", text)]
        ) from error
    return template


def change_template(
    *,
    internal_name: str,
    values: Mapping[str, Any],
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
    expected_modified_at: datetime | None = None,
) -> MessageTemplate:
    """Change the draft; what is published stays until it is published again.

    Raises NotFound, PermissionRefused, ChangedMeanwhile when the draft is not the one
    expected, or InvalidInput naming every fault.
    """
    author = Author(acting_operator, source, at, reason)
    author.require(CHANGE_TEMPLATE)
    with transaction.atomic():
        template = _lock(internal_name)
        if expected_modified_at not in (None, template.modified_at):
            raise ChangedMeanwhile(name=template.internal_name)
        before = _facts(template)
        _apply(template, values, [])
        differences = changed(before, _facts(template))
        if differences:
            template.save()
            author.record(
                "messagecenter.template.changed",
                template,
                template.internal_name,
                differences,
            )
    return template


def publish_template(
    *,
    internal_name: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> TemplateVersion:
    """Freeze the draft as the next version and send by it from now on.

    Events on hold for its type are released. Raises NotFound, PermissionRefused, or
    InvalidInput naming everything that keeps the content from being sent.
    """
    author = Author(acting_operator, source, at, reason)
    author.require(PUBLISH)
    with transaction.atomic():
        locks.hold_templates_alone()
        template = _lock(internal_name)
        refuse(publication_faults(template), _("The template cannot be published yet."))
        last = template.versions.first()
        version = TemplateVersion.objects.create(
            template=template,
            number=last.number + 1 if last else 1,
            content=content_of(template),
            validity_seconds=template.validity_seconds,
            published_by=acting_operator,
            published_at=at,
        )
        template.published_version = version
        template.published_at = at
        _set_state(template, _STATE.PUBLISHED, "published", author, version.number)
        held_events.release(template.event_type_id, template.channel, at)
    return version


def pause_template(
    *,
    internal_name: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> MessageTemplate:
    """Hold events for this template back; messages already written go out.

    Raises NotFound, PermissionRefused, or PublicationRefused unless published.
    """
    author = Author(acting_operator, source, at, reason)
    author.require(PUBLISH)
    with transaction.atomic():
        locks.hold_templates_alone()
        template = _lock(internal_name)
        _require_state(template, _STATE.PUBLISHED)
        _set_state(template, _STATE.PAUSED, "paused", author)
        if not _has_other(template):
            held_events.hold(template.event_type_id, template.channel)
    return template


def resume_template(
    *,
    internal_name: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> MessageTemplate:
    """Send by a paused template again; events held back come first.

    Raises NotFound, PermissionRefused, or PublicationRefused unless paused.
    """
    author = Author(acting_operator, source, at, reason)
    author.require(PUBLISH)
    with transaction.atomic():
        locks.hold_templates_alone()
        template = _lock(internal_name)
        _require_state(template, _STATE.PAUSED)
        _set_state(template, _STATE.PUBLISHED, "resumed", author)
        held_events.release(template.event_type_id, template.channel, at)
    return template


def unpublish_template(
    *,
    internal_name: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> MessageTemplate:
    """Send by this template no more; events held back are routed without it.

    Messages already written go out. Raises NotFound, PermissionRefused, or
    PublicationRefused when it is a draft.
    """
    author = Author(acting_operator, source, at, reason)
    author.require(PUBLISH)
    with transaction.atomic():
        locks.hold_templates_alone()
        template = _lock(internal_name)
        _require_state(template, _STATE.PUBLISHED, _STATE.PAUSED)
        template.published_version = None
        _set_state(template, _STATE.DRAFT, "unpublished", author)
        held_events.release(template.event_type_id, template.channel, at)
    return template


def publication_faults(template: MessageTemplate) -> list[Fault]:
    """Return everything that keeps the draft from being published."""
    faults = []
    if template.event_type.publication_state != EventType.PublicationState.PUBLISHED:
        text = _("The event type %(name)s is a draft: publish it first.")
        faults.append(
            Fault("event_type", text % {"name": template.event_type.event_id})
        )
    if template.channel != Channel.EMAIL:
        text = _("This version sends e-mail only.")
        faults.append(Fault("channel", text))
    return faults + validate_content(content_of(template))


def preview(
    *,
    content: Mapping[str, Any],
    event_id: str,
    sample: Mapping[str, Any],
    at: datetime,
) -> Preview:
    """Make the message that an event with the body ``sample`` would get. No SQL.

    Raises RenderError naming field and line.
    """
    context = sample_context(event_id, sample, at)
    language = str(sample.get("language") or "")
    message, missing = render_strict(content, context, language)
    return Preview(message, missing)


def preview_template(template: MessageTemplate, at: datetime) -> Preview:
    """Make the message of the draft from its own sample. Raises RenderError."""
    return preview(
        content=content_of(template),
        event_id=template.event_type.event_id,
        sample=template.sample,
        at=at,
    )


def sample_context(
    event_id: str, sample: Mapping[str, Any], at: datetime
) -> dict[str, Any]:
    """Return the names a template finds, for an event with this body."""
    names = ("language", "external_id", "origin", "email", "mobile_phone")
    return {
        "ctx": dict(sample.get("ctx") or {}),
        "event": {
            "id": "rt-0",
            "type": event_id,
            **{name: str(sample.get(name) or "") for name in names},
            "created_at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    }


def content_of(template: MessageTemplate) -> dict[str, str]:
    """Return the draft's content in the shape of a delivery's."""
    return {name: getattr(template, name) for name in CONTENT_FIELDS}


def _lock(internal_name: str) -> MessageTemplate:
    template = (
        MessageTemplate.objects.select_for_update(of=("self",))
        .select_related("event_type")
        .filter(internal_name=internal_name)
        .first()
    )
    if template is None:
        raise NotFound(_("No template is named %(name)s."), name=internal_name)
    return template


def _apply(
    template: MessageTemplate, values: Mapping[str, Any], faults: list[Fault]
) -> None:
    found = [*faults, *unknown_faults(values, FIELDS)]
    for name in FIELDS:
        if name in values:
            setattr(template, name, values[name])
    found += field_faults(template, [name for name in FIELDS if name != "subject"])
    sample = template.sample
    if not isinstance(sample, dict) or not isinstance(sample.get("ctx", {}), dict):
        text = _("Give the body of an event: an object, with ctx an object in it.")
        found.append(Fault("sample", text))
    validity = template.validity_seconds
    if isinstance(validity, int) and not 60 <= validity <= LONGEST_VALIDITY:
        text = _("Give from 60 to %(most)s seconds.") % {"most": LONGEST_VALIDITY}
        found.append(Fault("validity_seconds", text))
    if not isinstance(template.subject, str) or len(template.subject) > 512:
        found.append(Fault("subject", _("Give a text of up to 512 characters.")))
    refuse(found, _("The template has faults."))


def _require_state(template: MessageTemplate, *states: str) -> None:
    if template.publication_state not in states:
        raise PublicationRefused(state=template.get_publication_state_display())


def _set_state(
    template: MessageTemplate,
    state: str,
    verb: str,
    author: Author,
    version: int | None = None,
) -> None:
    before = template.publication_state
    template.publication_state = state
    template.save()
    changes: dict[str, Any] = {"publication_state": [before, state]}
    if version is not None:
        changes["version"] = [version - 1 or None, version]
    author.record(
        f"messagecenter.template.{verb}", template, template.internal_name, changes
    )


def _has_other(template: MessageTemplate) -> bool:
    return (
        MessageTemplate.objects.filter(
            event_type=template.event_type_id,
            channel=template.channel,
            publication_state=_STATE.PUBLISHED,
        )
        .exclude(pk=template.pk)
        .exists()
    )


def _facts(template: MessageTemplate) -> dict[str, Any]:
    return {name: getattr(template, name) for name in FIELDS}
