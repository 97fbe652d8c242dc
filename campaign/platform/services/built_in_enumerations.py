"""The enumerations that come with the product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from campaign.platform.models import Enumeration


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """An enumeration that comes with the product; it cannot be deleted."""

    internal_name: str
    label: str | Promise
    kind: Enumeration.Kind
    used_by: str | Promise


#: Those that the original has from the start. What fills their fields comes with
#: the packages named; the lists can be prepared before.
BUILT_IN: Mapping[str, BuiltIn] = {
    one.internal_name: one
    for one in (
        BuiltIn(
            "urlCategory",
            gettext_lazy("Categories of tracked links"),
            Enumeration.Kind.OPEN,
            gettext_lazy("Category of a tracked link"),
        ),
        BuiltIn(
            "natureOp",
            gettext_lazy("Nature of campaigns"),
            Enumeration.Kind.OPEN,
            gettext_lazy("Nature of a campaign"),
        ),
    )
}


def ensure_built_in(using: str = "default") -> None:
    """Make the built-in enumerations that are missing; called after every migrate."""
    present = set(
        Enumeration.objects.using(using).values_list("internal_name", flat=True)
    )
    Enumeration.objects.using(using).bulk_create(
        [
            Enumeration(
                internal_name=one.internal_name, label=str(one.label), kind=one.kind
            )
            for one in BUILT_IN.values()
            if one.internal_name not in present
        ],
        ignore_conflicts=True,
    )
