"""A small, realistic sample: event types with published templates, quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from campaign.deliveries.models import (
    Address,
    Channel,
    FailureReason,
    FailureType,
)
from campaign.messagecenter.models import EventType, MessageTemplate
from campaign.messagecenter.services.event_types import (
    create_event_type,
    publish_event_type,
)
from campaign.messagecenter.services.sample_contents import SAMPLES, Sample
from campaign.messagecenter.services.templates import (
    create_template,
    publish_template,
)
from workflows.models import Source

_QUARANTINE = (
    (
        "quarantined@example.com",
        FailureReason.USER_UNKNOWN,
        "550 5.1.1 User unknown",
        Address.Status.QUARANTINE,
    ),
    (
        "mailbox.full@example.org",
        FailureReason.MAILBOX_FULL,
        "452 4.2.2 Mailbox full",
        Address.Status.QUARANTINE,
    ),
    (
        "unsubscribed@example.org",
        FailureReason.DENYLISTED,
        "",
        Address.Status.DENYLISTED,
    ),
)


@dataclass(frozen=True, slots=True)
class Installed:
    """What a call added; nothing when the sample was there already."""

    event_types: int
    templates: int
    addresses: int


def install(*, at: datetime) -> Installed:
    """Add what is missing of the sample; what operators changed stays as it is."""
    with transaction.atomic():
        types = sum(_install_type(sample, at) for sample in SAMPLES)
        templates = sum(_install_template(sample, at) for sample in SAMPLES)
        return Installed(types, templates, _install_addresses(at))


def _install_type(sample: Sample, at: datetime) -> bool:
    if EventType.objects.filter(event_id=sample.event_id).exists():
        return False
    author: Mapping[str, Any] = {
        "acting_operator": None,
        "source": Source.ENGINE,
        "at": at,
    }
    create_event_type(
        event_id=sample.event_id,
        values={"label": sample.label, "attributes": sample.stored_attributes()},
        **author,
    )
    publish_event_type(event_id=sample.event_id, **author)
    return True


def _install_template(sample: Sample, at: datetime) -> bool:
    if MessageTemplate.objects.filter(internal_name=sample.template).exists():
        return False
    author: Mapping[str, Any] = {
        "acting_operator": None,
        "source": Source.ENGINE,
        "at": at,
    }
    create_template(
        internal_name=sample.template,
        event_id=sample.event_id,
        values={
            "label": sample.label,
            "subject": sample.subject,
            "sender_name": "Example Shop",
            "html": sample.html,
            "text": sample.text,
            "sample": sample.body,
        },
        **author,
    )
    publish_template(internal_name=sample.template, **author)
    return True


def _install_addresses(at: datetime) -> int:
    added = 0
    for address, reason, error, status in _QUARANTINE:
        _row, is_new = Address.objects.get_or_create(
            channel=Channel.EMAIL,
            address=address,
            defaults={
                "domain": address.rpartition("@")[2],
                "status": status,
                "failure_type": FailureType.HARD,
                "failure_reason": reason,
                "error_count": 1 if error else 0,
                "error_text": error,
                "first_error_at": at if error else None,
                "last_significant_error_at": at if error else None,
            },
        )
        added += is_new
    return added
