"""The event history as a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from campaign.access.models import Operator
from campaign.messagecenter.models import BatchEvent, RtEvent
from campaign.messagecenter.services.reading import api_status
from campaign.platform.exports import MOST_ROWS, csv_lines, in_steps
from campaign.platform.personal import REVEAL, mask_address, mask_key, mask_text
from workflows import audit
from workflows.models import Source

HEADER = (
    "id",
    "type",
    "channel",
    "status",
    "recipient",
    "external_id",
    "number_of_errors",
    "last_error",
    "process_requested_on",
    "collected",
    "processed",
    "sent",
    "delivery",
)


def export_events(
    found: QuerySet[Any],
    *,
    kind: str,
    filters: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
) -> Iterator[str]:
    """Return the lines of the file, newest event first, up to 100,000.

    Recipients are masked for an operator without the right to see them; a file with
    them is written down in the audit trail. The payloads are left out.
    """
    is_open = acting_operator is None or acting_operator.has_perm(REVEAL)
    if is_open:
        audit.record(
            action="messagecenter.event.exported",
            object_type="messagecenter.event",
            object_id=kind,
            object_label=kind,
            changes={"filters": ["", filters[:512]]},
            acting_operator=acting_operator,
            source=source,
            at=at,
        )

    def cells(event: RtEvent | BatchEvent) -> tuple[Any, ...]:
        address, key, error = event.address, event.external_id, event.last_error
        if not is_open:
            address, key = mask_address(address), mask_key(key)
            error = mask_text(error)
        return (
            f"{kind}-{event.pk}",
            event.type,
            event.get_wished_channel_display(),
            api_status(event.status),
            address,
            key,
            event.error_count,
            error,
            event.process_on,
            event.created_at,
            event.processed_at,
            event.sent_at,
            event.delivery_id,
        )

    last_line = _("Only the newest %(most)s events: narrow the list for the rest.") % {
        "most": MOST_ROWS
    }
    return csv_lines(HEADER, in_steps(found.defer("ctx")), cells, last_line)
