"""What the pages of events read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from campaign.deliveries.models import BroadLog, ExcludeLog, TargetType
from campaign.messagecenter.models import (
    BatchEvent,
    Event,
    EventStatus,
    ExecutionDelivery,
    RtEvent,
)
from campaign.platform.personal import mask_address, mask_data, mask_key, mask_text
from workflows.exceptions import NotFound

KINDS: dict[str, type[RtEvent] | type[BatchEvent]] = {
    "rt": RtEvent,
    "batch": BatchEvent,
}
VIEW_RIGHTS = {
    "rt": "messagecenter.view_rtevent",
    "batch": "messagecenter.view_batchevent",
}
TARGET_TYPES = {"rt": TargetType.RT_EVENT, "batch": TargetType.BATCH_EVENT}


def mask(event: Event, *, with_payload: bool = False) -> None:
    """Hide the personal data of a row that is shown and never saved."""
    event.email = mask_address(event.email)
    event.mobile_phone = mask_address(event.mobile_phone)
    event.registration_token = mask_address(event.registration_token)
    event.external_id = mask_key(event.external_id)
    event.last_error = mask_text(event.last_error)
    if with_payload:
        event.ctx = mask_data(event.ctx)


@dataclass(frozen=True, slots=True)
class Story:
    """An event with everything that it led to."""

    kind: str
    event: Event
    execution: ExecutionDelivery | None
    log: BroadLog | None
    exclusion: ExcludeLog | None
    is_due: bool
    recycled_as: int | None = None


def story(kind: str, pk: int, at: datetime) -> Story:
    """Return an event with its template, delivery and log. Five queries at most.

    Raises NotFound.
    """
    model = KINDS.get(kind)
    event: Event | None = None
    if model is not None and pk < 2**63:
        event = (
            model.objects.select_related("event_type", "delivery", "operator")
            .filter(pk=pk)
            .first()
        )
    if event is None:
        raise NotFound(_("No event has this number: it may have been purged."))
    log = exclusion = execution = recycled_as = None
    if event.status == EventStatus.DELIVERY_ERROR:
        newer = model.objects.filter(recycled_from=event.pk)  # type: ignore[union-attr]
        recycled_as = newer.values_list("pk", flat=True).first()
    if event.delivery_id:
        execution = (
            ExecutionDelivery.objects.select_related("template", "version")
            .filter(delivery_id=event.delivery_id)
            .first()
        )
        if event.broadlog_id:
            log = (
                BroadLog.objects.select_related("delivery")
                .filter(pk=event.broadlog_id)
                .first()
            )
        else:
            exclusion = ExcludeLog.objects.filter(
                target_type=TARGET_TYPES[kind],
                target_id=event.pk,
                delivery_id=event.delivery_id,
            ).first()
    is_due = event.process_on <= at
    return Story(kind, event, execution, log, exclusion, is_due, recycled_as)
