"""Filters of the pages of deliveries; each keeps its value in the address."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from campaign.deliveries.console import queries
from campaign.deliveries.models import (
    BroadLog,
    Channel,
    Delivery,
    DeliveryState,
    ExecutionType,
)
from campaign.platform.console.filters import ListFilter, period_end, period_start

TECHNICAL = "technical"
KINDS = ((TECHNICAL, _("Technical")), ("other", _("Others")))


class DeliveryFilter(ListFilter):
    """Text, state, channel, kind and period."""

    q = filters.CharFilter(
        method="search",
        label=_("Label or internal name"),
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    state = filters.ChoiceFilter(
        choices=DeliveryState.choices, empty_label=_("Any state"), label=_("State")
    )
    channel = filters.ChoiceFilter(
        choices=Channel.choices, empty_label=_("All channels"), label=_("Channel")
    )
    kind = filters.ChoiceFilter(
        method="of_kind", choices=KINDS, empty_label=_("Every kind"), label=_("Kind")
    )
    since = period_start()
    until = period_end()

    class Meta:
        model = Delivery
        fields = ()

    def of_kind(
        self, queryset: QuerySet[Delivery], _name: str, value: str
    ) -> QuerySet[Delivery]:
        """Return the deliveries that the Message Center makes, or the others."""
        made = {"execution_type": ExecutionType.MESSAGE_CENTER}
        if value == TECHNICAL:
            return queryset.filter(**made)
        return queryset.exclude(**made)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list; the period becomes bounds of the key."""
        return self.within_period(super().filter_queryset(queryset))

    def search(
        self, queryset: QuerySet[Delivery], _name: str, value: str
    ) -> QuerySet[Delivery]:
        """Look into labels and internal names; deliveries are few."""
        words = value.strip()
        return queryset.filter(
            Q(label__icontains=words) | Q(internal_name__icontains=words)
        )


class LogFilter(ListFilter):
    """Address, channel, period and delivery; the status is the view's tab."""

    q = filters.CharFilter(
        method="search",
        label=_("Address or log number"),
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    channel = filters.ChoiceFilter(
        choices=Channel.choices, empty_label=_("All channels"), label=_("Channel")
    )
    since = period_start()
    until = period_end()
    delivery = filters.NumberFilter(widget=forms.HiddenInput)

    class Meta:
        model = BroadLog
        fields = ()

    def search(
        self, queryset: QuerySet[BroadLog], _name: str, value: str
    ) -> QuerySet[BroadLog]:
        """Look for an address or the number of a log."""
        return queries.search_logs(queryset, value)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list; the period becomes bounds of the key."""
        return self.within_period(super().filter_queryset(queryset))
