"""Execution deliveries: one per template, published version and month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from campaign.deliveries.models import (
    Delivery,
    DeliveryState,
    ExecutionType,
)
from campaign.messagecenter.models import ExecutionDelivery, MessageTemplate
from campaign.messagecenter.services import locks
from campaign.messagecenter.services.intake import month_of
from campaign.platform.services.accounts import ensure_routing_account, relay_of

#: A delivery in one of these states sends nothing any more; the next event gets a
#: new one (transactional-message-execution.md).
_ENDED = (DeliveryState.STOPPED, DeliveryState.FAILED, DeliveryState.FINISHED)
_LONGEST_LABEL = 160


@dataclass(frozen=True, slots=True)
class Execution:
    """Where the messages of one template version go this month."""

    delivery_id: int
    part_month: date
    validity_seconds: int


def find_executions(
    version_ids: Iterable[int], at: datetime
) -> Mapping[int, Execution]:
    """Return the current execution deliveries by template version. One query."""
    rows = ExecutionDelivery.objects.filter(
        version__in=list(version_ids), month=month_of(at), is_current=True
    ).exclude(delivery__state__in=_ENDED)
    return {
        version_id: Execution(delivery_id, part_month, validity)
        for version_id, delivery_id, part_month, validity in rows.values_list(
            "version_id",
            "delivery_id",
            "delivery__part_month",
            "delivery__validity_seconds",
        )
    }


def make_execution(template_id: int, at: datetime) -> Execution:
    """Make the execution delivery of a template's published version for this month.

    Returns the one that another process made meanwhile. Part of the caller's
    transaction. Raises ConfigurationError when messages could not be sent by it.
    """
    locks.hold_executions()
    template = MessageTemplate.objects.select_related("published_version").get(
        pk=template_id
    )
    version = template.published_version
    if version is None:
        raise LookupError(f"template {template_id} has no published version")
    found = find_executions([version.pk], at).get(version.pk)
    if found is not None:
        return found
    routing = ensure_routing_account()
    relay_of(routing)
    month = month_of(at)
    earlier = ExecutionDelivery.objects.filter(version=version, month=month)
    count = earlier.count()
    earlier.filter(is_current=True).update(is_current=False)
    suffix = f"{month:%Y-%m}" + (f" ({count + 1})" if count else "")
    delivery = Delivery.objects.create(
        internal_name=f"mc{template.pk}v{version.number}m{month:%Y%m}n{count + 1}",
        label=f"{template.label[: _LONGEST_LABEL - len(suffix) - 1]} {suffix}",
        channel=template.channel,
        execution_type=ExecutionType.MESSAGE_CENTER,
        state=DeliveryState.IN_PROGRESS,
        routing=routing,
        content=version.content,
        validity_seconds=version.validity_seconds,
        part_month=month,
        contact_date=at,
    )
    ExecutionDelivery.objects.create(
        delivery=delivery, template=template, version=version, month=month
    )
    return Execution(delivery.pk, month, version.validity_seconds)
