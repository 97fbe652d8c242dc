"""Links from deliveries to what other packages know of them.

This application knows none of the packages that send by it; they say where a target
and the origin of a delivery can be looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from campaign.deliveries.models import Delivery


@dataclass(frozen=True, slots=True)
class Link:
    """A page that has more."""

    label: str
    url: str
    note: str = ""


Target = Callable[[int], Link]
Origin = Callable[[Delivery], Link | None]
_targets: dict[int, Target] = {}
_origins: list[Origin] = []


def register_target(target_type: int, link: Target) -> None:
    """Say where targets of a type can be looked at."""
    _targets[int(target_type)] = link


def register_origin(link: Origin) -> None:
    """Say where the origin of a delivery can be looked at; None: not ours."""
    if link not in _origins:
        _origins.append(link)


def target(target_type: int, target_id: int) -> Link | None:
    """Return the link to a target, or None when no package has a page for it."""
    found = _targets.get(target_type)
    return found(target_id) if found else None


def origin(delivery: Delivery) -> Link | None:
    """Return the link to what the delivery was made from. At most one query each."""
    return next((link for of in _origins if (link := of(delivery))), None)
