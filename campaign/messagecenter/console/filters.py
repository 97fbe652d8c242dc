"""Filters of the event history; each keeps its value in the address."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from campaign.deliveries.models import Channel, DeliveryState
from campaign.messagecenter.models import EventType, ExecutionDelivery
from campaign.platform.console.filters import ListFilter, period_end, period_start


def type_choices() -> list[tuple[str, str]]:
    """Return the event types by name. One query."""
    names = EventType.objects.order_by("event_id").values_list("event_id", flat=True)
    return [(name, name) for name in names]


def search(queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Return the events of a recipient, an external id or a number, by index."""
    words = text.strip()
    if not words:
        return queryset
    # The same conditions as the partial indexes, so that they serve.
    found = Q(external_id=words) & ~Q(external_id="")
    if "@" in words:
        found |= Q(email__in={words, words.lower()}) & ~Q(email="")
    number = words.removeprefix("rt-").removeprefix("batch-")
    if number.isascii() and number.isdecimal() and int(number) < 2**63:
        found |= Q(pk=int(number))
    return queryset.filter(found)


class EventFilter(ListFilter):
    """Recipient or key, type, channel, errors and period; status is the tab."""

    q = filters.CharFilter(
        method="search",
        label=_("Recipient or external id"),
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    type = filters.ChoiceFilter(
        choices=type_choices,
        empty_label=_("All types"),
        label=_("Type"),
        widget=forms.Select(attrs={"data-submit-on-change": ""}),
    )
    channel = filters.ChoiceFilter(
        field_name="wished_channel",
        choices=Channel.choices,
        empty_label=_("All channels"),
        label=_("Channel"),
        widget=forms.Select(attrs={"data-submit-on-change": ""}),
    )
    errors = filters.BooleanFilter(
        method="with_errors",
        label=_("With errors"),
        widget=forms.CheckboxInput(attrs={"data-submit-on-change": ""}),
    )
    since = period_start()
    until = period_end()

    class Meta:
        fields = ()

    def search(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Look for a recipient, an external id or an event."""
        return search(queryset, value)

    def with_errors(
        self, queryset: QuerySet[Any], _name: str, value: bool
    ) -> QuerySet[Any]:
        """Return the events whose processing failed at least once."""
        return queryset.filter(error_count__gt=0) if value else queryset

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list; the period becomes bounds of the key."""
        return self.within_period(super().filter_queryset(queryset))


class ObjectFilter(ListFilter):
    """Text and state of the deliveries that templates made."""

    q = filters.CharFilter(
        method="search",
        label=_("Label or internal name"),
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    state = filters.ChoiceFilter(
        field_name="delivery__state",
        choices=DeliveryState.choices,
        empty_label=_("Any state"),
        label=_("State"),
    )

    class Meta:
        model = ExecutionDelivery
        fields = ()

    def search(
        self, queryset: QuerySet[ExecutionDelivery], _name: str, value: str
    ) -> QuerySet[ExecutionDelivery]:
        """Look into labels and names of deliveries and templates; they are few."""
        words = value.strip()
        return queryset.filter(
            Q(delivery__label__icontains=words)
            | Q(delivery__internal_name__icontains=words)
            | Q(template__internal_name__icontains=words)
        )
