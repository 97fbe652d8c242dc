"""Time zones for a select: by region, each with its offset now."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from workflows.console.forms import zone_names


def zone_choices(now: datetime, server_zone: str) -> list[tuple[str, object]]:
    """Return the zones grouped by region, with the server's zone as the empty one."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for name in zone_names():
        region, _slash, place = name.partition("/")
        label = f"{(place or region).replace('_', ' ')} ({offset(name, now)})"
        regions.setdefault(region, []).append((name, label))
    server = _("%(zone)s, the zone of the server") % {"zone": server_zone}
    return [("", server), *_sorted(regions)]


def _sorted(
    regions: dict[str, list[tuple[str, str]]],
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for region in sorted(regions):
        yield region, regions[region]


def offset(name: str, now: datetime) -> str:
    """Return how far a zone is from UTC now, such as UTC+02:00."""
    text = now.astimezone(zoneinfo.ZoneInfo(name)).strftime("%z")
    return f"UTC{text[:3]}:{text[3:5]}"
