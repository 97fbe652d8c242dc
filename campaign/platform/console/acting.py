"""What every page of the configuration needs."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.utils import timezone

from campaign.platform.listing import KeyPage, key_page
from workflows.models import AuditEntry, Source

HISTORY = 10


def order_of(request: HttpRequest) -> dict[str, Any]:
    """Return who acts, by the console, now."""
    return {
        "acting_operator": request.user,
        "source": Source.CONSOLE,
        "at": timezone.now(),
    }


def history(
    request: HttpRequest, object_type: str, object_id: str
) -> KeyPage[AuditEntry]:
    """Return what the audit trail keeps of an object, newest first. One query."""
    entries = AuditEntry.objects.filter(
        object_type=object_type, object_id=object_id[:64]
    )
    return key_page(entries, request.GET, HISTORY)


def paged(request: HttpRequest, rows: list[Any], size: int = 50) -> Page[Any]:
    """Return the page of a list in memory that the address names."""
    return Paginator(rows, size).get_page(request.GET.get("page"))
