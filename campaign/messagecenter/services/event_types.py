"""Event types: declared, changed, published, withdrawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaign.access.models import Operator
from campaign.messagecenter.models import EventType, MessageTemplate
from campaign.messagecenter.services.attributes import clean_attributes
from campaign.messagecenter.services.changes import (
    CHANGE_TYPE,
    PUBLISH,
    Author,
    PublicationRefused,
    field_faults,
    refuse,
    unknown_faults,
)
from campaign.messagecenter.services.event_rules import forget_rules
from workflows.audit import changed
from workflows.exceptions import Fault, InvalidInput, NotFound
from workflows.models import Source

PREFIX = "EVT"
MAX_ID = 64
_ID = re.compile(r"EVT[A-Za-z0-9_]+")
_AT_CREATION = ("label", "channel", "targeting", "attributes")
_LATER = ("label", "attributes")


def normalise_event_id(text: str) -> str:
    """Return an event id with its prefix EVT, which is added when it is missing.

    Raises InvalidInput. Source: configuring-transactional-event.md.
    """
    event_id = text.strip()
    if not event_id.startswith(PREFIX):
        event_id = PREFIX + event_id
    if not _ID.fullmatch(event_id) or len(event_id) > MAX_ID:
        message = _(
            "Use letters, digits and underscores; %(count)s at most, EVT included."
        )
        raise InvalidInput(
            _("The event type has faults."),
            faults=[Fault("event_id", message % {"count": MAX_ID})],
        )
    return event_id


def create_event_type(
    *,
    event_id: str,
    values: Mapping[str, Any],
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> EventType:
    """Declare an event type as a draft.

    ``values`` holds label, and optionally channel, targeting and attributes; channel
    and targeting stay for good. Raises PermissionRefused, or InvalidInput naming
    every fault.
    """
    author = Author(acting_operator, source, at, reason)
    author.require(CHANGE_TYPE)
    event_type = EventType(event_id=normalise_event_id(event_id))
    _apply(event_type, values, _AT_CREATION)
    try:
        with transaction.atomic():
            event_type.save(force_insert=True)
            author.record(
                "messagecenter.event_type.created",
                event_type,
                event_type.event_id,
                changed({}, _facts(event_type)),
            )
    except IntegrityError as error:
        raise InvalidInput(
            _("The event type has faults."),
            faults=[Fault("event_id", _("This event type exists: take another id."))],
        ) from error
    return event_type


def change_event_type(
    *,
    event_id: str,
    values: Mapping[str, Any],
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> EventType:
    """Change label or attributes; a published type follows at once.

    Raises NotFound, PermissionRefused, or InvalidInput naming every fault.
    """
    author = Author(acting_operator, source, at, reason)
    author.require(CHANGE_TYPE)
    with transaction.atomic():
        event_type = _lock(event_id)
        before = _facts(event_type)
        _apply(event_type, values, _LATER)
        differences = changed(before, _facts(event_type))
        if differences:
            event_type.save()
            author.record(
                "messagecenter.event_type.changed",
                event_type,
                event_type.event_id,
                differences,
            )
    forget_rules()
    return event_type


def publish_event_type(
    *,
    event_id: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> EventType:
    """Let events of this type come in. Publishing it again changes nothing."""
    author = Author(acting_operator, source, at, reason)
    author.require(PUBLISH)
    with transaction.atomic():
        event_type = _lock(event_id)
        if event_type.targeting == EventType.Targeting.PROFILE:
            text = _(
                "Events for profiles need the recipients, which this version lacks:"
                " declare the type for real-time events."
            )
            raise InvalidInput(text, faults=[Fault("targeting", text)])
        _set_state(
            event_type, EventType.PublicationState.PUBLISHED, "published", author
        )
    forget_rules()
    return event_type


def unpublish_event_type(
    *,
    event_id: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> EventType:
    """Refuse events of this type from now on; those stored go their way.

    Raises PublicationRefused while one of its templates is published or paused.
    """
    author = Author(acting_operator, source, at, reason)
    author.require(PUBLISH)
    with transaction.atomic():
        event_type = _lock(event_id)
        in_use = event_type.templates.exclude(
            publication_state=MessageTemplate.PublicationState.DRAFT
        ).first()
        if in_use is not None:
            raise PublicationRefused(
                _("The template %(template)s is published: unpublish it first."),
                template=in_use.internal_name,
            )
        _set_state(event_type, EventType.PublicationState.DRAFT, "unpublished", author)
    forget_rules()
    return event_type


def _lock(event_id: str) -> EventType:
    event_type = EventType.objects.select_for_update().filter(event_id=event_id).first()
    if event_type is None:
        raise NotFound(_("No event type is named %(name)s."), name=event_id)
    return event_type


def _apply(
    event_type: EventType, values: Mapping[str, Any], allowed: tuple[str, ...]
) -> None:
    faults = unknown_faults(values, allowed)
    for name in allowed:
        if name in values and name != "attributes":
            setattr(event_type, name, values[name])
    if "attributes" in values:
        event_type.attributes, found = clean_attributes(values["attributes"])
        faults += found
    faults += field_faults(
        event_type, [name for name in allowed if name != "attributes"]
    )
    refuse(faults, _("The event type has faults."))


def _set_state(event_type: EventType, state: str, verb: str, author: Author) -> None:
    before = event_type.publication_state
    if before == state:
        return
    event_type.publication_state = state
    event_type.save()
    author.record(
        f"messagecenter.event_type.{verb}",
        event_type,
        event_type.event_id,
        {"publication_state": [before, state]},
    )


def _facts(event_type: EventType) -> dict[str, Any]:
    return {name: getattr(event_type, name) for name in _AT_CREATION}
